"""The platform in memory: for tests and demonstrations, without any host.

Everything can be set while it is in use: a store's values, a fault it answers with, what the events backend says and
when. It refuses what no test prepared: an unknown events backend is a fault, as it is on Fastly.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge.messages import Header
from edge.ports import (
    ALWAYS,
    DELIVERED,
    LARGEST_VALUE,
    DeliveryFault,
    InsertRules,
    StoreFault,
    ValueTooLarge,
)


class MemoryEntry:
    """A value with its generation."""

    def __init__(self, value: bytes, generation: int, metadata: str | None = None) -> None:
        self.value = value
        self.generation = generation
        self.reads = 0
        self._metadata = metadata

    def metadata(self) -> str | None:
        """Return the metadata."""
        return self._metadata

    def read(self, limit: int = LARGEST_VALUE) -> bytes:
        """Return the value, and count that it was asked for."""
        self.reads += 1
        if len(self.value) > limit:
            raise ValueTooLarge(f"the value is longer than {limit} bytes")
        return self.value


class MemoryPending[Value]:
    """Something asked of the store: done when it is waited for, unless the store is out of order."""

    def __init__(self, fault: str, ask: Callable[[], Value]) -> None:
        self._fault = fault
        self._ask = ask

    def wait(self) -> Value:
        """Return the outcome; raises StoreFault when the store is out of order."""
        if self._fault:
            raise StoreFault(self._fault)
        return self._ask()


class SentBatch(NamedTuple):
    """What an events backend received."""

    backend: str
    url: str
    headers: tuple[Header, ...]
    body: bytes


class MemoryDelivery:
    """A delivery whose answer is whatever the platform says when asked."""

    def __init__(self, platform: "MemoryPlatform") -> None:
        self._platform = platform

    def settle(self, wait_ms: int) -> str | None:
        """Return the answer when it takes no longer than the wait, which passes on the platform's clock."""
        platform = self._platform
        delay = platform.answer_delay_ms
        platform.seconds += min(wait_ms, delay) / 1000
        return platform.answer if delay <= wait_ms else None


class MemoryPlatform:
    """A platform made of dictionaries."""

    def __init__(self, settings: dict[str, str] | None = None, secrets: dict[str, bytes] | None = None) -> None:
        self.settings = settings if settings is not None else {}
        self.secrets = secrets if secrets is not None else {}
        self.stores: dict[str, dict[str, MemoryEntry]] = {}
        self.store_fault = ""
        self.key_faults: dict[str, str] = {}
        self.lookups = 0
        self.countries: dict[str, str] = {}
        self.backends = {"events"}
        self.batches: list[SentBatch] = []
        self.answer = DELIVERED
        self.answer_delay_ms = 0
        self.time_ms = 1_700_000_000_000
        self.seconds = 0.0
        self.lines: list[str] = []
        self._generations = itertools.count(1)

    def put(self, store: str, key: str, value: bytes, metadata: str | None = None) -> MemoryEntry:
        """Write a value under a new generation."""
        entry = MemoryEntry(value, next(self._generations), metadata)
        self.stores.setdefault(store, {})[key] = entry
        return entry

    def find_setting(self, name: str) -> str | None:
        """Return a setting."""
        return self.settings.get(name)

    def find_secret(self, name: str) -> bytes | None:
        """Return a secret."""
        return self.secrets.get(name)

    def begin_lookup(self, store: str, key: str) -> MemoryPending[MemoryEntry | None]:
        """Look a key up."""
        self.lookups += 1
        values = self.find_store(store)
        return MemoryPending(self.find_fault(key), lambda: values.get(key))

    def begin_insert(self, store: str, key: str, value: bytes, rules: InsertRules = ALWAYS) -> MemoryPending[bool]:
        """Write a value, unless a rule forbids it; nothing ever expires here."""
        values = self.find_store(store)

        def insert() -> bool:
            old = values.get(key)
            if old is not None and (rules.only_new or rules.if_generation not in (None, old.generation)):
                return False
            self.put(store, key, value, rules.metadata)
            return True

        return MemoryPending(self.find_fault(key), insert)

    def begin_delete(self, store: str, key: str) -> MemoryPending[bool]:
        """Remove a key."""
        values = self.find_store(store)
        return MemoryPending(self.find_fault(key), lambda: values.pop(key, None) is not None)

    def list_keys(self, store: str, prefix: str, limit: int) -> tuple[str, ...]:
        """List keys in order."""
        if self.store_fault:
            raise StoreFault(self.store_fault)
        return tuple(sorted(key for key in self.find_store(store) if key.startswith(prefix))[:limit])

    def find_store(self, store: str) -> dict[str, MemoryEntry]:
        """Return a store's entries."""
        if store not in self.stores:
            raise StoreFault(f"no KV store is linked as {store}")
        return self.stores[store]

    def find_fault(self, key: str) -> str:
        """Return what a key is answered with in place of its value, if anything."""
        return self.store_fault or self.key_faults.get(key, "")

    def begin_send(self, backend: str, url: str, headers: Sequence[Header], body: bytes) -> MemoryDelivery:
        """Keep a batch."""
        if backend not in self.backends:
            raise DeliveryFault(f"there is no backend {backend}")
        self.batches.append(SentBatch(backend, url, tuple(headers), body))
        return MemoryDelivery(self)

    def find_country(self, ip: str) -> str | None:
        """Return the country that was set for an address."""
        return self.countries.get(ip)

    def session_id(self) -> str:
        """Return a constant ID."""
        return "memory"

    def now_ms(self) -> int:
        """Return the time that was set."""
        return self.time_ms

    def ticks(self) -> float:
        """Return the duration clock, which waits move."""
        return self.seconds

    def log(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)
