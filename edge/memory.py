"""The platform in memory: for tests and demonstrations, without any host.

Everything can be set while it is in use: a store's values, a fault it answers with, what the events backend says and
when. It refuses what no test prepared: an unknown events backend is a fault, as it is on Fastly.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from edge.messages import Header
from edge.ports import DELIVERED, DeliveryFault, StoreFault


class MemoryEntry:
    """A value with its generation."""

    def __init__(self, value: bytes, generation: int) -> None:
        self.value = value
        self.generation = generation
        self.reads = 0

    def read(self) -> bytes:
        """Return the value, and count that it was asked for."""
        self.reads += 1
        return self.value


class MemoryLookup:
    """A lookup that ends as it was told to."""

    def __init__(self, entry: MemoryEntry | None, fault: str) -> None:
        self._entry = entry
        self._fault = fault

    def wait(self) -> MemoryEntry | None:
        """Return the entry; raises StoreFault when the store is out of order."""
        if self._fault:
            raise StoreFault(self._fault)
        return self._entry


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
        self.lookups = 0
        self.backends = {"events"}
        self.batches: list[SentBatch] = []
        self.answer = DELIVERED
        self.answer_delay_ms = 0
        self.time_ms = 1_700_000_000_000
        self.seconds = 0.0
        self.lines: list[str] = []
        self._generations = itertools.count(1)

    def put(self, store: str, key: str, value: bytes) -> MemoryEntry:
        """Write a value under a new generation."""
        entry = MemoryEntry(value, next(self._generations))
        self.stores.setdefault(store, {})[key] = entry
        return entry

    def find_setting(self, name: str) -> str | None:
        """Return a setting."""
        return self.settings.get(name)

    def find_secret(self, name: str) -> bytes | None:
        """Return a secret."""
        return self.secrets.get(name)

    def begin_lookup(self, store: str, key: str) -> MemoryLookup:
        """Look a key up."""
        self.lookups += 1
        if store not in self.stores:
            raise StoreFault(f"no KV store is linked as {store}")
        return MemoryLookup(self.stores[store].get(key), self.store_fault)

    def begin_send(self, backend: str, url: str, headers: Sequence[Header], body: bytes) -> MemoryDelivery:
        """Keep a batch."""
        if backend not in self.backends:
            raise DeliveryFault(f"there is no backend {backend}")
        self.batches.append(SentBatch(backend, url, tuple(headers), body))
        return MemoryDelivery(self)

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
