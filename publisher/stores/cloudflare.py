"""A namespace of Cloudflare's Workers KV, through Cloudflare's API.

Paths and limits are those of Cloudflare's reference: values of 25 MiB, keys of 512 bytes, metadata of 1,024 bytes which
are JSON (ours are one text, kept as `{"gatelet": TEXT}`), batches of 10,000 entries and 100 MB, which may name keys
that were not written. There are no generations: what stands for one is a digest of the value and its metadata, and
`replace` compares and then writes, so a writer in the moment between is not noticed until the value is read back.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, cast
from urllib.parse import quote

from publisher.stores.calls import Asked, Caller, decode_object
from publisher.stores.port import BatchLimits, Head, Item, Traffic, name_generation
from specstore.limits import Write

LONGEST_KEY: Final = 512
LARGEST_METADATA: Final = 1_024
API: Final = "Cloudflare's API"
LIST_LIMIT: Final = "1000"
NOT_FOUND: Final = 404
OURS: Final = "gatelet"


@dataclass(frozen=True, slots=True)
class CloudflareKv:
    """One namespace; `base` is its path."""

    caller: Caller
    base: str
    kind: ClassVar[str] = "cloudflare"
    is_guarded: ClassVar[bool] = False
    limits: ClassVar[BatchLimits] = BatchLimits(entries=5_000, size=25_000_000)

    @property
    def traffic(self) -> Traffic:
        """Return what was asked so far."""
        return self.caller.traffic

    def find_fault(self, entry: Write) -> str | None:
        """Say why Cloudflare would not take an entry, or None."""
        size = len(entry.key.encode())
        if size > LONGEST_KEY:
            return f"the key {entry.key!r} has {size} bytes, and Cloudflare takes {LONGEST_KEY}"
        size = len(encode_metadata(entry.metadata)) if entry.metadata is not None else 0
        if size > LARGEST_METADATA:
            return f"{entry.key}: the metadata has {size} bytes, and Cloudflare takes {LARGEST_METADATA}"
        return None

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield every key with a prefix."""
        cursor = ""
        while True:
            params = {"prefix": prefix, "limit": LIST_LIMIT} | ({"cursor": cursor} if cursor else {})
            document = decode_object(API, self.caller.ask(Asked("GET", f"{self.base}/keys", params)))
            yield from (one["name"] for one in cast("list[Mapping[str, str]]", document["result"]))
            cursor = cast("Mapping[str, str]", document.get("result_info") or {}).get("cursor") or ""
            if not cursor:
                return

    def look(self, key: str) -> Head | None:
        """Return what is known of an entry; what stands for its generation needs the value."""
        item = self.find(key)
        return None if item is None else Head(item.generation, item.metadata, len(item.value))

    def find(self, key: str) -> Item | None:
        """Return an entry, value and metadata asked for one after the other; None when it is not there."""
        answer = self.caller.ask(Asked("GET", self._name("values", key)), NOT_FOUND)
        if answer.status == NOT_FOUND:
            return None
        about = self.caller.ask(Asked("GET", self._name("metadata", key)), NOT_FOUND)
        metadata = decode_metadata({} if about.status == NOT_FOUND else decode_object(API, about))
        return Item(answer.body, name_generation(answer.body, metadata), metadata)

    def write(self, entry: Write) -> None:
        """Write an entry, whatever is there."""
        parts = {"value": (None, entry.value)}
        if entry.metadata is not None:
            parts["metadata"] = (None, encode_metadata(entry.metadata))
        self.caller.ask(Asked("PUT", self._name("values", entry.key), content=parts))

    def write_batch(self, entries: Sequence[Write]) -> None:
        """Write entries together; those that the API names as failed are written one by one."""
        body = json.dumps([describe_entry(entry) for entry in entries]).encode()
        headers = {"content-type": "application/json"}
        answer = self.caller.ask(Asked("PUT", f"{self.base}/bulk", headers=headers, content=body))
        result = cast("Mapping[str, list[str]]", decode_object(API, answer).get("result") or {})
        failed = frozenset(result.get("unsuccessful_keys") or ())
        for entry in entries:
            if entry.key in failed:
                self.write(entry)

    def replace(self, entry: Write, generation: str | None) -> bool:
        """Write an entry if what is there is what was seen; somebody may write between the two."""
        found = self.find(entry.key)
        if (None if found is None else found.generation) != generation:
            return False
        self.write(entry)
        return True

    def remove(self, key: str, generation: str | None = None) -> bool:
        """Delete an entry, there or not."""
        found = None if generation is None else self.find(key)
        if found is not None and found.generation != generation:
            return False
        self.caller.ask(Asked("DELETE", self._name("values", key)), NOT_FOUND)
        return True

    def _name(self, what: str, key: str) -> str:
        return f"{self.base}/{what}/{quote(key, safe='')}"


def name_base(account_id: str, namespace_id: str) -> str:
    """Return the path of a namespace."""
    return f"/accounts/{quote(account_id)}/storage/kv/namespaces/{quote(namespace_id)}"


def encode_metadata(metadata: str) -> bytes:
    """Write our metadata as the JSON that Cloudflare wants."""
    return json.dumps({OURS: metadata}).encode()


def decode_metadata(document: Mapping[str, object]) -> str | None:
    """Return our metadata, or None where somebody else wrote the entry."""
    result = document.get("result")
    found = result.get(OURS) if isinstance(result, dict) else None
    return found if isinstance(found, str) else None


def describe_entry(entry: Write) -> dict[str, object]:
    """Return an entry as an item of a batch."""
    item = {"key": entry.key, "value": b64encode(entry.value).decode(), "base64": True}
    return item if entry.metadata is None else {**item, "metadata": {OURS: entry.metadata}}
