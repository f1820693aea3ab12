"""What to write in which order, and what may go: the plan of a publication, as a value.

Pages first, the manifest last: until it is there nobody reads the new pages, and from then on all of them are there. A
page that exists is not written again, since its key is its content. What no manifest names any more is first noted as
retired, with the time, and goes when it has been so for the grace period: readers with an older manifest, and stores
that are behind, still find it. A page that is retired is written again when a new manifest needs it, so that it does
not go meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from json import JSONEncoder, loads
from typing import TYPE_CHECKING, Final, NamedTuple

from specstore.cut import DIGEST_BYTES, digest_page
from specstore.frame import LIST_DIGESTS, InvalidEntry, seal, unseal
from specstore.idlists import encode_index
from specstore.keys import digests_key, list_index_key, manifest_key, page_key, page_prefix, shard_key, shard_prefix
from specstore.limits import Write
from specstore.manifest import OUR_METADATA, encode_manifest, make_manifest

if TYPE_CHECKING:
    from collections.abc import Container

    from specstore.cut import Cut
    from specstore.idlists import CutList, IdList
    from specstore.manifest import Manifest

GRACE_MS: Final = 24 * 3600 * 1000

_encode = JSONEncoder(separators=(",", ":"), sort_keys=True).encode


class Publication(NamedTuple):
    """Entries in the order of writing: `pages` in any order among themselves, then `switch` one after the other."""

    pages: tuple[Write, ...]
    switch: tuple[Write, ...]
    manifest: Manifest

    def list_writes(self) -> tuple[Write, ...]:
        """Return every write in order."""
        return (*self.pages, *self.switch)


class Collection(NamedTuple):
    """Keys to delete, and then what is retired: units of collection, and since when, in milliseconds since 1970."""

    delete: tuple[str, ...]
    retired: Mapping[str, int]


def plan_publication(
    spec_key: str,
    cut: Cut,
    *,
    generation: int | None = None,
    raw: bytes | None = None,
    present: Container[str] = frozenset(),
) -> Publication:
    """Plan to publish a cut spec.

    With the generation of the raw value that was cut, the manifest follows that raw entry. Without, it leads; the raw
    spec, when given, is then written too, marked as ours. `present` are the keys that need no write (`find_present`).
    """
    manifest = make_manifest(cut, generation=generation)
    entries = {page_key(spec_key, digest_page(page)): page for page in (*cut.pages, *cut.further, cut.rest)}
    pages = tuple(Write(key, value) for key, value in entries.items() if key not in present)
    switch = [Write(manifest_key(spec_key), encode_manifest(manifest))]
    if raw is not None:
        switch.insert(0, Write(spec_key, raw, OUR_METADATA))
    return Publication(pages, tuple(switch), manifest)


def find_present(spec_key: str, listed: Iterable[str], retired: Mapping[str, int]) -> frozenset[str]:
    """Return the keys of a listing that a publication need not write: pages that are there and not retired."""
    prefix = page_prefix(spec_key)
    return frozenset(key for key in listed if key.startswith(prefix) and find_unit(spec_key, key) not in retired)


def plan_collection(
    spec_key: str,
    listed: Iterable[str],
    retired: Mapping[str, int],
    *,
    manifests: Iterable[Manifest],
    lists: Mapping[str, IdList],
    now_ms: int,
    grace_ms: int = GRACE_MS,
) -> Collection:
    """Plan to collect what has been out of use for the grace period.

    `manifests` are those in use: without any, nothing is collected among the pages. `lists` is the index of ID lists.
    """
    named = {f"page/{digest.hex()}" for manifest in manifests for digest in manifest.list_pages()}
    editions = {f"list/{about.name_edition(name)}" for name, about in lists.items()}
    delete: list[str] = []
    still: dict[str, int] = {}
    for key in listed:
        unit = find_unit(spec_key, key)
        if unit is None or unit in named or unit in editions or (not named and unit.startswith("page/")):
            continue
        since = min(retired.get(unit, now_ms), now_ms)
        if now_ms - since >= grace_ms:
            delete.append(key)
        else:
            still[unit] = since
    return Collection(tuple(delete), still)


def find_unit(spec_key: str, key: str) -> str | None:
    """Return what a key is collected with: a page alone, a shard with its edition; None for all other keys."""
    for prefix, name in ((page_prefix(spec_key), "page"), (shard_prefix(spec_key), "list")):
        digest = key.removeprefix(prefix).split("/")[0]
        if key.startswith(prefix) and len(digest) == 2 * DIGEST_BYTES:
            return f"{name}/{digest}"
    return None


def encode_retired(retired: Mapping[str, int]) -> bytes:
    """Write the value of the key of what is retired."""
    return _encode(retired).encode("ascii")


def decode_retired(entry: bytes) -> dict[str, int]:
    """Read the value of the key of what is retired; raises InvalidEntry."""
    try:
        retired = loads(entry)
    except (ValueError, RecursionError) as problem:
        raise InvalidEntry(f"retired: not JSON: {problem}") from None
    if not isinstance(retired, dict):
        raise InvalidEntry("retired: must be an object")
    for unit, since in retired.items():
        if type(since) is not int:
            raise InvalidEntry(f"retired.{unit}: must be an integer")
    return retired


def plan_lists(spec_key: str, lists: Mapping[str, CutList], known: Mapping[str, bytes]) -> tuple[Write, ...]:
    """Plan to publish ID lists: the shards that changed, then the index.

    `known` holds, by edition, the digests of the shards that are there (`decode_digests` of `keys.digests_key`); an
    edition that is not known is written whole.
    """
    writes: list[Write] = []
    for name, found in lists.items():
        edition = found.about.name_edition(name)
        writes += plan_shards(spec_key, edition, found.shards, known.get(edition, b""))
    index = encode_index({name: found.about for name, found in lists.items()})
    return (*writes, Write(list_index_key(spec_key), index))


def plan_shards(spec_key: str, edition: str, shards: tuple[bytes, ...], known: bytes) -> Iterator[Write]:
    """Yield the writes of the shards whose digests are not the known ones, and of the digests."""
    digests = [digest_page(shard) for shard in shards]
    for number, (shard, digest) in enumerate(zip(shards, digests, strict=True)):
        if known[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES] != digest:
            yield Write(shard_key(spec_key, edition, number), shard)
    if known != b"".join(digests):
        yield Write(digests_key(spec_key, edition), seal(LIST_DIGESTS, b"".join(digests)))


def decode_digests(entry: bytes) -> bytes:
    """Return the joined digests of an edition's shards; raises InvalidEntry."""
    return unseal(LIST_DIGESTS, entry)[0]
