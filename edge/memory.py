"""The platform in memory, without any host: for tests, and for the requests that the build rehearses with.

Everything can be set while it is in use: a store's values, a fault it answers with, what the events backend says and
when. It refuses what no test prepared: an unknown events backend is a fault, as it is on Fastly.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from edge.events.answers import Answer
from edge.messages import Header
from edge.ports import (
    ALWAYS,
    LARGEST_VALUE,
    DeliveryFault,
    InsertRules,
    Listing,
    Pending,
    StoreFault,
    ValueTooLarge,
)

MOST_KEYS: Final = 1000  # of one listing


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
    """Something on its way: ready at an instant of the platform's clock, unless what it asks is out of order."""

    def __init__(self, platform: "MemoryPlatform", delay_ms: int, fault: str, ask: Callable[[], Value]) -> None:
        self._platform = platform
        self.ready_at = platform.seconds + delay_ms / 1000
        self._fault = fault
        self._ask = ask

    def is_ready(self) -> bool:
        """Tell whether its time has come."""
        return self._platform.seconds >= self.ready_at

    def wait(self) -> Value:
        """Return the outcome; raises StoreFault when the store is out of order."""
        self._platform.seconds = max(self._platform.seconds, self.ready_at)
        if self._fault:
            raise StoreFault(self._fault)
        return self._ask()

    def find_answer(self) -> Value | None:
        """Return the outcome, once it is there."""
        return self._ask() if self.is_ready() else None


class SentBatch(NamedTuple):
    """What an events backend received."""

    backend: str
    url: str
    headers: tuple[Header, ...]
    body: bytes


def take_all(_batch: SentBatch) -> Answer:
    """Answer as Statsig does."""
    return Answer(202, b'{"success":true}')


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
        self.answers: list[Answer] = []  # to each batch, decided when it was sent
        self.answer: Callable[[SentBatch], Answer] = take_all
        self.answer_delay_ms = 0
        self.store_delay_ms = 0
        self.time_ms = 1_700_000_000_000
        self.seconds = 0.0
        self.session = "memory"
        self.lines: list[str] = []
        self.taken = 0  # of the lines
        self.written: list[tuple[str, bytes]] = []  # to log endpoints
        self.counted: dict[str, int] = {}  # requests by what they are counted by
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

    def lookup(self, store: str, key: str) -> MemoryEntry | None:
        """Look a key up and wait for it."""
        return self.begin_lookup(store, key).wait()

    def begin_lookup(self, store: str, key: str) -> MemoryPending[MemoryEntry | None]:
        """Look a key up."""
        self.lookups += 1
        values = self.find_store(store)
        return self.pend(key, lambda: values.get(key))

    def begin_insert(self, store: str, key: str, value: bytes, rules: InsertRules = ALWAYS) -> MemoryPending[bool]:
        """Write a value, unless a rule forbids it; nothing ever expires here."""
        values = self.find_store(store)

        def insert() -> bool:
            old = values.get(key)
            if old is not None and (rules.only_new or rules.if_generation not in (None, old.generation)):
                return False
            self.put(store, key, value, rules.metadata)
            return True

        return self.pend(key, insert)

    def begin_delete(self, store: str, key: str) -> MemoryPending[bool]:
        """Remove a key."""
        values = self.find_store(store)
        return self.pend(key, lambda: values.pop(key, None) is not None)

    def list_keys(self, store: str, prefix: str, limit: int) -> tuple[str, ...]:
        """List keys in order."""
        return self.begin_list(store, prefix).wait().keys[:limit]

    def begin_list(self, store: str, prefix: str, cursor: str = "") -> MemoryPending[Listing]:
        """List keys in order; the cursor is the last key of the listing before."""
        values = self.find_store(store)

        def list_some() -> Listing:
            keys = sorted(key for key in values if key.startswith(prefix) and key > cursor)
            return Listing(tuple(keys[:MOST_KEYS]), keys[MOST_KEYS - 1] if len(keys) > MOST_KEYS else "")

        return self.pend("", list_some)

    def pend[Value](self, key: str, ask: Callable[[], Value]) -> MemoryPending[Value]:
        """Return something asked of the store."""
        return MemoryPending(self, self.store_delay_ms, self.find_fault(key), ask)

    def find_store(self, store: str) -> dict[str, MemoryEntry]:
        """Return a store's entries."""
        if store not in self.stores:
            raise StoreFault(f"no KV store is linked as {store}")
        return self.stores[store]

    def find_fault(self, key: str) -> str:
        """Return what a key is answered with in place of its value, if anything."""
        return self.store_fault or self.key_faults.get(key, "")

    def begin_send(self, backend: str, url: str, headers: Sequence[Header], body: bytes) -> MemoryPending[Answer]:
        """Keep a batch, and decide what it is answered with."""
        if backend not in self.backends:
            raise DeliveryFault(f"there is no backend {backend}")
        batch = SentBatch(backend, url, tuple(headers), body)
        answer = self.answer(batch)
        self.batches.append(batch)
        self.answers.append(answer)
        return MemoryPending(self, self.answer_delay_ms, "", lambda: answer)

    def wait_any(self, pendings: Sequence[Pending], seconds: float) -> None:
        """Move the clock to the first of these that becomes ready in time, else by the whole wait."""
        instants = [pending.ready_at for pending in pendings if isinstance(pending, MemoryPending)]
        self.seconds = max(self.seconds, min([*instants, self.seconds + seconds]))

    def is_over_rate(self, entry: str, limit: int) -> bool:
        """Count a request, and tell whether more than so many have come in all."""
        self.counted[entry] = self.counted.get(entry, 0) + 1
        return self.counted[entry] > limit

    def find_country(self, ip: str) -> str | None:
        """Return the country that was set for an address."""
        return self.countries.get(ip)

    def session_id(self) -> str:
        """Return the ID that was set."""
        return self.session

    def now_ms(self) -> int:
        """Return the time that was set, and what has passed since by waiting."""
        return self.time_ms + int(self.seconds * 1000)

    def ticks(self) -> float:
        """Return the duration clock, which waits move."""
        return self.seconds

    def log(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)

    def take_lines(self) -> tuple[str, ...]:
        """Return the lines that were not taken yet."""
        taken, self.taken = self.taken, len(self.lines)
        return tuple(self.lines[taken:])

    def write_log(self, endpoint: str, message: bytes) -> None:
        """Keep a message."""
        self.written.append((endpoint, message))
