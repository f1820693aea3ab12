"""The keys of the entries beside a spec, made from the spec's own key.

The raw spec keeps the key that the Statsig console gave it. Everything of ours begins with `gatelet/`, then that key,
so that one store can hold several projects and a listing by prefix shows one of them.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST_KEY: Final = 1024

# Fastly's documented rules, and those that its local server adds ("./", a blank alone).
_BAD_KEY: Final = re.compile(
    r"\A(?:\.\.?|[\x00-\x20\ufffe\uffff])\Z|\./|/\.\.?\Z|[\r\n#;?^|]|\A\.well-known/acme-challenge"
)


def manifest_key(spec_key: str) -> str:
    """Return the key of the manifest of the paged layout."""
    return f"gatelet/{spec_key}/manifest"


def page_prefix(spec_key: str) -> str:
    """Return what the keys of all pages begin with."""
    return f"gatelet/{spec_key}/page/"


def page_key(spec_key: str, digest: bytes) -> str:
    """Return the key of the page with this digest, 16 bytes."""
    return page_prefix(spec_key) + digest.hex()


def retired_key(spec_key: str) -> str:
    """Return the key of the pages that no manifest names any more, which only collectors read."""
    return f"gatelet/{spec_key}/retired"


def claim_key(spec_key: str, generation: int) -> str:
    """Return the key by which one of all sandboxes claims to write the pages of a raw generation."""
    return f"gatelet/{spec_key}/claim/{generation}"


def lease_key(spec_key: str) -> str:
    """Return the key by which one publisher at a time holds the right to write."""
    return f"gatelet/{spec_key}/lease"


def version_prefix(spec_key: str) -> str:
    """Return what the keys of the manifests that were in use before begin with."""
    return f"gatelet/{spec_key}/version/"


def version_key(spec_key: str, published_ms: int, digest: bytes) -> str:
    """Return the key of an earlier manifest; a listing has them in the order in which they were published."""
    return f"{version_prefix(spec_key)}{published_ms:014}-{digest.hex()}"


def overrides_key(spec_key: str) -> str:
    """Return the key of the overrides."""
    return f"gatelet/{spec_key}/overrides"


def list_index_key(spec_key: str) -> str:
    """Return the key of the index of the ID lists."""
    return f"gatelet/{spec_key}/lists"


def shard_prefix(spec_key: str) -> str:
    """Return what the keys of all shards of all ID lists begin with."""
    return f"gatelet/{spec_key}/list/"


def shard_key(spec_key: str, edition: str, number: int) -> str:
    """Return the key of one shard of an edition of an ID list."""
    return f"{shard_prefix(spec_key)}{edition}/{number:04x}"


def digests_key(spec_key: str, edition: str) -> str:
    """Return the key of the digests of an edition's shards, which only writers read."""
    return f"{shard_prefix(spec_key)}{edition}/digests"


def find_key_fault(key: str) -> str | None:
    """Say why Fastly would not take a key, or None when it would."""
    size = len(key.encode("utf-8", "surrogatepass"))
    if not 1 <= size <= LONGEST_KEY:
        return f"the key has {size:,} bytes, and Fastly takes 1 to {LONGEST_KEY:,}: give the spec a shorter key"
    found = _BAD_KEY.search(key)
    if found is not None:
        return f"the key {key!r} holds {found.group()!r}, which Fastly does not take there: give the spec another key"
    return None
