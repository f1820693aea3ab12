"""The KV store.

The values live in `KvStore`, shared by all sandboxes; what a guest holds are small objects beside it. The rules for
keys, insert modes, generations and listings follow Viceroy 0.22.
"""

import base64
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from devhost.fastly.faults import Faults
from devhost.fastly.messages import Body, Pollable, broken_content, fitting
from devhost.fastly.values import Err, Interface, Resource

LONGEST_KEY = 1024
LIST_LIMIT = 1000
BAD_KEY = re.compile(r"\A(\.\.?|[\x00-\x20\ufffe\uffff])\Z|\./|/\.\.?\Z|[\r\n#;?^|]|\A\.well-known/acme-challenge")
FIRST_GENERATION = 1_700_000_000_000_000_000  # Viceroy's generations are nanoseconds too, but differ at each start


@dataclass(frozen=True, slots=True)
class KvValue:
    """A value of a KV store."""

    content: bytes
    generation: int
    metadata: str | None = None
    expires: float | None = None


class KvStore:
    """A KV store that many sandboxes share.

    Each counts its generations itself: what a request costs then does not depend on what else this process has written.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._generations = itertools.count(FIRST_GENERATION)
        self._values: dict[str, KvValue] = {}
        self._older: dict[str, KvValue | None] = {}  # what a key held before its newest value
        self._lock = threading.RLock()
        self._now = now

    def lookup(self, key: str) -> KvValue | None:
        """Return the value of a key."""
        value = self._values.get(check_key(key))
        return None if value is None or (value.expires is not None and self._now() >= value.expires) else value

    def lookup_older(self, key: str) -> KvValue | None:
        """Return what a key held before its newest value."""
        return self._older.get(check_key(key))

    def insert(
        self,
        key: str,
        content: bytes,
        *,
        mode: str = "overwrite",
        if_generation: int | None = None,
        metadata: str | None = None,
        ttl: int | None = None,
    ) -> KvValue:
        """Set the value of a key, which gets a new generation."""
        with self._lock:
            old = self.lookup(key)
            if old is not None and (mode == "add" or if_generation not in (None, old.generation)):
                raise Err("precondition-failed")
            before = old.content if old is not None else b""
            merged = {"append": before + content, "prepend": content + before}.get(mode, content)
            expires = None if ttl is None else self._now() + ttl
            value = KvValue(merged, next(self._generations), metadata, expires)
            self._older[key] = old
            self._values[key] = value
            return value

    def delete(self, key: str) -> bool:
        """Remove a key and say whether it was there."""
        with self._lock:
            there = self.lookup(key) is not None
            self._values.pop(key, None)
            return there

    def list_keys(self, cursor: str | None, prefix: str | None, limit: int) -> bytes:
        """List keys as the JSON that guests get."""
        after = None if cursor is None else decode_cursor(cursor)
        with self._lock:
            found = [
                key
                for key in sorted(self._values)
                if (after is None or key > after) and key.startswith(prefix or "") and self.lookup(key) is not None
            ]
        meta: dict[str, object] = {"limit": limit}
        if prefix is not None:
            meta["prefix"] = prefix
        if len(found) > limit:
            meta["next_cursor"] = base64.b64encode(found[limit - 1].encode()).decode()
        return json.dumps({"data": found[:limit], "meta": meta}, separators=(",", ":")).encode()


def is_valid_key(key: str) -> bool:
    """Say whether a store can have such a key."""
    return 1 <= len(key.encode()) <= LONGEST_KEY and not BAD_KEY.search(key)


def check_key(key: str) -> str:
    """Return a key if it may be one."""
    if not is_valid_key(key):
        raise Err("bad-request")
    return key


def decode_cursor(cursor: str) -> str:
    """Return the key that a listing goes on after."""
    try:
        return base64.b64decode(cursor, validate=True).decode()
    except ValueError as problem:
        raise Err("bad-request") from problem


class Entry(Resource):
    """A value that the guest looked up."""

    def __init__(self, value: KvValue, cut_at: int | None) -> None:
        self._value = value
        self._metadata = value.metadata
        content = value.content
        self._body: Body | None = Body(content) if cut_at is None else Body(source=broken_content(content, cut_at))

    def take_body(self) -> Body | None:
        """Return the content, the first time."""
        body, self._body = self._body, None
        return body

    def metadata(self, max_len: int) -> str | None:
        """Return the metadata, the first time that there is room for it."""
        text = fitting(self._metadata, max_len) if self._metadata else None
        self._metadata = None
        return text

    def generation(self) -> int:
        """Return the generation."""
        return self._value.generation


class Pending[Value](Pollable):
    """Something asked of a KV store: done at once unless a fault makes it slow, and told when it is waited for."""

    def __init__(self, seconds: float, ask: Callable[[], Value]) -> None:
        self._ready_at = time.monotonic() + seconds if seconds else 0.0
        self._ask = ask

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is done."""
        if not self._ready_at:
            return True
        left = self._ready_at - time.monotonic()
        time.sleep(max(0.0, left if seconds is None else min(left, seconds)))
        return seconds is None or left <= seconds

    def result(self) -> Value:
        """Wait until it is done and return the outcome."""
        self.wait(None)
        return self._ask()


class Store(Resource):
    """A KV store that the guest opened."""

    def __init__(self, store: KvStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    def _begin[Value](self, place: str, key: str, ask: Callable[[], Value]) -> Pending[Value]:
        if place != "list" and not is_valid_key(key):
            raise Err("generic-error")  # the functions that wait say `bad-request` before they come here

        def ask_unless_faulty() -> Value:
            self._faults.check(place, key)
            return ask()

        return Pending(self._faults.seconds(place, key), ask_unless_faulty)

    def lookup_async(self, key: str) -> Pending[Entry | None]:
        """Begin to look a key up."""

        def ask() -> Entry | None:
            is_older = self._faults.is_older(key)
            value = self._store.lookup_older(key) if is_older else self._store.lookup(key)
            if value is None:
                return None
            content = self._faults.altered("lookup", key, value.content)
            return Entry(replace(value, content=content), self._faults.cut("lookup", key))

        return self._begin("lookup", key, ask)

    def insert_async(self, key: str, body: Body, options: Mapping[str, Any]) -> Pending[None]:
        """Begin to set a key."""
        content = b"".join(body.pieces())

        def ask() -> None:
            self._store.insert(
                key,
                content,
                mode=options["mode"],
                if_generation=options["if-generation-match"],
                metadata=options["metadata"],
                ttl=options["time-to-live-sec"],
            )

        return self._begin("insert", key, ask)

    def delete_async(self, key: str) -> Pending[bool]:
        """Begin to remove a key."""
        return self._begin("delete", key, lambda: self._store.delete(key))

    def list_async(self, options: Mapping[str, Any]) -> Pending[Body]:
        """Begin to list keys."""
        limit = LIST_LIMIT if options["limit"] is None else options["limit"]
        wanted = options["cursor"], options["prefix"], limit
        return self._begin("list", "", lambda: Body(self._store.list_keys(*wanted)))

    def lookup(self, key: str) -> Entry | None:
        """Look a key up."""
        check_key(key)
        return self.lookup_async(key).result()

    def insert(self, key: str, body: Body, options: Mapping[str, Any]) -> None:
        """Set a key."""
        check_key(key)
        self.insert_async(key, body, options).result()

    def delete(self, key: str) -> bool:
        """Remove a key."""
        check_key(key)
        return self.delete_async(key).result()

    def list(self, options: Mapping[str, Any]) -> Body:
        """List keys."""
        return self.list_async(options).result()


class KvStores(Interface):
    """`fastly:compute/kv-store`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"store": Store, "entry": Entry}

    def __init__(self, stores: Mapping[str, KvStore], faults: Faults) -> None:
        self._stores = stores
        self._faults = faults

    def store_open(self, name: str) -> Store:
        """Open a store of the manifest."""
        if name not in self._stores:
            raise Err("not-found")
        return Store(self._stores[name], self._faults)

    def await_lookup(self, pending: Pending[Entry | None]) -> Entry | None:
        """Return what was looked up."""
        return pending.result()

    def await_insert(self, pending: Pending[None]) -> None:
        """Wait until the key is set."""
        pending.result()

    def await_delete(self, pending: Pending[bool]) -> bool:
        """Say whether the key was there."""
        return pending.result()

    def await_list(self, pending: Pending[Body]) -> Body:
        """Return the listing."""
        return pending.result()
