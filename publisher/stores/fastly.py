"""A Fastly KV store through Fastly's API.

Paths, parameters and headers are those of Fastly's reference for KV store items: `prefix`, `cursor`, `limit` and
`consistency` of a listing; the headers `generation` and `metadata` of a value; 412 for a condition that does not hold,
which is `add=true` or `if-generation-match`; batches of JSON lines with values in base64. Fastly documents no bounds
for a batch, so ours are modest.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, cast
from urllib.parse import quote

from publisher.stores.calls import Answer, Asked, Caller, decode_object
from publisher.stores.port import BatchLimits, Head, Item, StoreProblem, Traffic
from specstore.limits import Write

API: Final = "Fastly's API"
LIST_LIMIT: Final = "1000"
PRECONDITION_FAILED: Final = 412
NOT_FOUND: Final = 404
BAD_REQUEST: Final = 400


@dataclass(frozen=True, slots=True)
class FastlyKv:
    """One KV store."""

    caller: Caller
    store_id: str
    kind: ClassVar[str] = "fastly"
    is_guarded: ClassVar[bool] = True
    limits: ClassVar[BatchLimits] = BatchLimits(entries=1_000, size=8_000_000)

    @property
    def traffic(self) -> Traffic:
        """Return what was asked so far."""
        return self.caller.traffic

    def find_fault(self, entry: Write) -> str | None:  # noqa: ARG002 - Fastly's limits are those of specstore
        """Return None: what `specstore.limits` takes, Fastly takes."""
        return None

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield every key with a prefix."""
        cursor = ""
        while True:
            params = {"prefix": prefix, "limit": LIST_LIMIT, "consistency": "strong"}
            asked = Asked("GET", self._name(), params | ({"cursor": cursor} if cursor else {}))
            document = decode_object(API, self.caller.ask(asked))
            yield from cast("list[str]", document["data"])
            cursor = str(cast("Mapping[str, object]", document["meta"]).get("next_cursor") or "")
            if not cursor:
                return

    def look(self, key: str) -> Head | None:
        """Return what the headers of an entry say; its value is not fetched."""
        answer = self.caller.ask(Asked("GET", self._name(key), is_head_enough=True), NOT_FOUND)
        if answer.status == NOT_FOUND:
            return None
        size = answer.headers.get("stored-content-length") or answer.headers.get("content-length") or ""
        return Head(answer.headers.get("generation", ""), read_metadata(answer), int(size) if size.isdigit() else None)

    def find(self, key: str) -> Item | None:
        """Return an entry; None when it is not there."""
        answer = self.caller.ask(Asked("GET", self._name(key)), NOT_FOUND)
        if answer.status == NOT_FOUND:
            return None
        return Item(answer.body, answer.headers.get("generation", ""), read_metadata(answer))

    def write(self, entry: Write) -> None:
        """Write an entry, whatever is there."""
        self._put(entry)

    def write_batch(self, entries: Sequence[Write]) -> None:
        """Write entries together; those that the API names as failed are written one by one."""
        lines = b"".join(encode_line(entry) for entry in entries)
        path = f"/resources/stores/kv/{quote(self.store_id)}/batch"
        asked = Asked("PUT", path, headers={"content-type": "application/x-ndjson"}, content=lines)
        answer = self.caller.ask(asked, BAD_REQUEST)
        for entry in find_failed(answer, entries):
            self._put(entry)

    def replace(self, entry: Write, generation: str | None) -> bool:
        """Write an entry over a generation, or only if there is none."""
        if generation is None:
            answer = self._put(entry, params={"add": "true"})
        else:
            answer = self._put(entry, headers={"if-generation-match": generation})
        if answer.status != PRECONDITION_FAILED:
            return True
        # A try before this one may have written it, and its answer was lost.
        found = self.find(entry.key) if answer.tries > 1 else None
        return found is not None and (found.value, found.metadata) == (entry.value, entry.metadata)

    def remove(self, key: str, generation: str | None = None) -> bool:
        """Delete an entry, there or not."""
        headers = {} if generation is None else {"if-generation-match": generation}
        asked = Asked("DELETE", self._name(key), {"force": "true"}, headers)
        return self.caller.ask(asked, NOT_FOUND, PRECONDITION_FAILED).status != PRECONDITION_FAILED

    def _put(
        self, entry: Write, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        metadata = {} if entry.metadata is None else {"metadata": entry.metadata}
        asked = Asked("PUT", self._name(entry.key), params or {}, {**metadata, **(headers or {})}, entry.value)
        return self.caller.ask(asked, *((PRECONDITION_FAILED,) if params or headers else ()))

    def _name(self, key: str = "") -> str:
        path = f"/resources/stores/kv/{quote(self.store_id)}/keys"
        return f"{path}/{quote(key, safe='')}" if key else path


def read_metadata(answer: Answer) -> str | None:
    """Return the metadata of an entry; the header is absent or empty where there is none."""
    return answer.headers.get("metadata") or None


def encode_line(entry: Write) -> bytes:
    """Write an entry as a line of a batch."""
    line = {"key": entry.key, "value": b64encode(entry.value).decode()}
    return json.dumps(line if entry.metadata is None else {**line, "metadata": entry.metadata}).encode() + b"\n"


def find_failed(answer: Answer, entries: Sequence[Write]) -> Iterator[Write]:
    """Yield the entries of a batch that the API did not write, by the `index` or the `key` it names them with."""
    by_key = {entry.key: entry for entry in entries}
    faults = cast("list[Mapping[str, object]]", decode_object(API, answer).get("errors") or [])
    if not (faults or answer.is_success):
        raise StoreProblem(f"{API} did not take a batch: {answer.body[:200].decode(errors='replace')}")
    for fault in faults:
        index, key = fault.get("index"), str(fault.get("key"))
        if key in by_key:
            yield by_key[key]
        elif isinstance(index, int) and 0 <= index < len(entries):
            yield entries[index]
        else:
            raise StoreProblem(f"{API} did not write all of a batch: {json.dumps(fault)}")
