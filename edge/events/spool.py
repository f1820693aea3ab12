"""The store of events: where batches wait that the endpoint did not take.

A batch is written under a key of its own, once, and for a limited time. How much is stored is known from the last
count, which stands in the lease entry (see `drain`), and from what this sandbox has stored since; when that is too
much, the newest batch is dropped and the oldest are kept. The same entry says whether the endpoint was failing when
others tried it, and is read by whoever has failed there: before it tries again, and at the latest before it stores.
"""

from collections.abc import Generator, Sequence
from typing import Final, NamedTuple

from edge.events.batch import Batch
from edge.events.counts import Counts
from edge.events.home import Home
from edge.events.machine import Happening, Other, Store
from edge.events.spool_format import (
    LEASE_KEY,
    Lease,
    decode_lease,
    encode_envelope,
    name_aside,
    name_batch,
)
from edge.events.tasks import Wait
from edge.ports import InsertRules, StoreFault

RECOUNT_SECONDS: Final = 10.0
SECOND_NAME: Final = "-again"  # behind a key that something else has


class Kept(NamedTuple):
    """What the store said of a batch, why, and under which key the batch is there."""

    happening: Happening
    reason: str
    key: str = ""


class Spool:
    """The store of events as one sandbox sees it."""

    __slots__ = ("_asked_at", "_counts", "_home", "_lease", "batches", "size", "stored")

    def __init__(self, home: Home, counts: Counts) -> None:
        self._home = home
        self._counts = counts
        self._asked_at = float("-inf")
        self._lease = Lease()  # as last seen
        self.batches = 0  # in the store, as far as known
        self.size = 0
        self.stored = 0  # batches that this sandbox has stored

    def keep(self, batch: Batch, reason: str) -> Generator[Wait, bool, Kept]:
        """Write a batch; tells what the store said, and why."""
        settings = self._home.spool_settings
        envelope = encode_envelope(batch)
        yield from self.ask_level()
        if self.batches >= settings.spool_batches or self.size + len(envelope) > settings.spool_bytes:
            return Kept(Store.FULL, f"{reason}, and the store of events is full")
        name = name_batch(batch, len(envelope))
        try:
            for key in (name, f"{name}{SECOND_NAME}"):
                is_there = yield from self._write(key, envelope)
                if is_there is None:
                    return Kept(Other.ENDING, f"{reason}, and the store of events does not answer")
                if is_there:
                    self.note_stored(1, len(envelope))
                    return Kept(Store.KEPT, reason, key)
        except StoreFault as problem:
            return Kept(Store.FAILED, f"{reason}, and {problem}")
        return Kept(Store.FAILED, f"{reason}, and its place in the store of events is taken")

    def _write(self, key: str, envelope: bytes) -> Generator[Wait, bool, bool | None]:
        """Write under a new key; tells whether the value is there now, None when the sandbox ends."""
        platform, settings = self._home.platform, self._home.spool_settings
        rules = InsertRules(only_new=True, ttl_seconds=settings.spool_keep_s)
        written = platform.begin_insert(settings.spool_store, key, envelope, rules)
        if not (yield written):
            return None
        if written.wait():
            return True
        found = platform.begin_lookup(settings.spool_store, key)  # refused: by us, whose answer was lost, or by another
        if not (yield found):
            return None
        entry = found.wait()
        return entry is not None and entry.read() == envelope

    def note_stored(self, batches: int, size: int) -> None:
        """Count what this sandbox has added."""
        self.stored += batches
        self.batches += batches
        self.size += size

    def note_level(self, lease: Lease) -> None:
        """Take over what was counted."""
        self._asked_at = self._home.platform.ticks()
        self._lease = lease
        self.batches, self.size = lease.batches, lease.size

    def is_leased(self) -> bool:
        """Tell whether somebody drains or has just counted, as far as known."""
        return self._lease.until_ms > 0 and self._lease.until_ms > self._home.platform.now_ms()

    def find_failing_ms(self) -> int:
        """Return how much longer the endpoint counts as failing, as far as known."""
        until_ms = self._lease.failing_until_ms
        return max(0, until_ms - self._home.platform.now_ms()) if until_ms else 0

    def set_aside(self, key: str, envelope: bytes) -> Generator[Wait, bool, bool]:
        """Move a stored batch to where nobody sends it from; tells whether that was done."""
        settings = self._home.spool_settings
        try:
            rules = InsertRules(ttl_seconds=settings.spool_keep_s)
            written = self._home.platform.begin_insert(settings.spool_store, name_aside(key), envelope, rules)
            if not (yield written):
                return False
            written.wait()
        except StoreFault:
            return False
        return bool((yield from self.remove([key])))

    def remove(self, keys: Sequence[str]) -> Generator[Wait, bool, list[str]]:
        """Delete stored batches, all at once: what is not deleted is sent again; returns what is known to be gone."""
        gone: list[str] = []
        store = self._home.spool_settings.spool_store
        try:
            begun = [(key, self._home.platform.begin_delete(store, key)) for key in keys]
            for key, pending in begun:
                if not (yield pending):
                    break
                pending.wait()
                gone.append(key)
        except StoreFault as problem:
            self._home.platform.log(f"events: a stored batch could not be removed and will be sent again: {problem}")
        return gone

    def ask_level(self) -> Generator[Wait, bool, None]:
        """Ask how much is stored and whether the endpoint fails, when that is not known or was asked long ago."""
        platform = self._home.platform
        if platform.ticks() - self._asked_at < RECOUNT_SECONDS:
            return
        try:
            pending = platform.begin_lookup(self._home.spool_settings.spool_store, LEASE_KEY)
            if not (yield pending):
                return
            entry = pending.wait()
            self.note_level(Lease() if entry is None else decode_lease(entry.read()))
        except StoreFault:
            return  # the write that follows says what is wrong with the store
