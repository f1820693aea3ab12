"""What publishing needs of a store, whichever it is.

An entry is a key, a value, and metadata of one line. A generation tells one writing of an entry from another; what it
looks like is the store's affair. `replace` is what keeps two writers apart: it writes only over the generation that was
seen. A store without such a condition says so (`is_guarded`) and does its best.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Protocol

from publisher.exit_codes import Failed
from specstore.limits import Write


class StoreProblem(Failed):
    """The store did not do what it was asked; the text says what it answered."""


class Item(NamedTuple):
    """An entry as it was read."""

    value: bytes
    generation: str
    metadata: str | None = None


class Head(NamedTuple):
    """What is known of an entry without its value; `size` is None where the store does not say."""

    generation: str
    metadata: str | None
    size: int | None


class BatchLimits(NamedTuple):
    """How much goes into one batch."""

    entries: int
    size: int


@dataclass(slots=True)
class Traffic:
    """What was asked of a store so far: requests with those that were sent again, bytes of their contents."""

    requests: int = 0
    retried: int = 0
    sent: int = 0
    received: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, requests: int = 0, retried: int = 0, sent: int = 0, received: int = 0) -> None:
        """Count on; entries are read back by several threads."""
        with self._lock:
            self.requests += requests
            self.retried += retried
            self.sent += sent
            self.received += received

    def as_json(self) -> dict[str, int]:
        """Return the counts for a report."""
        return {"requests": self.requests, "retried": self.retried, "sent": self.sent, "received": self.received}


class Store(Protocol):
    """A store of entries. All methods raise StoreProblem when the store does not answer in the end."""

    @property
    def kind(self) -> str:
        """What it is called in gatelet.toml."""

    @property
    def is_guarded(self) -> bool:
        """Whether `replace` really refuses what was written over meanwhile."""

    @property
    def limits(self) -> BatchLimits:
        """How much one batch may hold."""

    @property
    def traffic(self) -> Traffic:
        """What was asked so far."""

    def find_fault(self, entry: Write) -> str | None:
        """Say why the store would not take an entry that Fastly's would, or None."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield every key with a prefix."""

    def look(self, key: str) -> Head | None:
        """Return what is known of an entry; None when it is not there."""

    def find(self, key: str) -> Item | None:
        """Return an entry; None when it is not there."""

    def write(self, entry: Write) -> None:
        """Write an entry, whatever is there."""

    def write_batch(self, entries: Sequence[Write]) -> None:
        """Write entries together, whatever is there; after a failure some may be written and some not."""

    def replace(self, entry: Write, generation: str | None) -> bool:
        """Write an entry over the generation that was seen (None: only if there is none); tell whether it was."""

    def remove(self, key: str, generation: str | None = None) -> bool:
        """Delete an entry, there or not; with a generation only if it still has that, and tell whether it had."""


def split_batches(entries: Iterable[Write], limits: BatchLimits) -> Iterator[tuple[Write, ...]]:
    """Yield the entries in batches that a store takes; one that is larger than a batch goes alone."""
    batch: list[Write] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) >= limits.entries or size + len(entry.value) > limits.size):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(entry)
        size += len(entry.value)
    if batch:
        yield tuple(batch)


def name_generation(value: bytes, metadata: str | None) -> str:
    """Return what stands for a generation where a store has none."""
    return sha256(value + b"\n" + (metadata or "").encode()).hexdigest()
