"""Stored batches on their way at last: later executions send them, one at a time as the lease says.

A sandbox drains when the endpoint has just taken something from it, so nothing is sent at an endpoint that is down. It
takes the lease, sends some of the oldest batches, several in one request, and removes what was confirmed. What is found
wrong is looked for among those sent together and set aside. What the endpoint fails at while it takes others stays, and
keeps nobody else. A sandbox that has stored something counts in the same way
how much lies there, so that the bound of the store holds while the endpoint is down; and it writes down that the
endpoint fails, so that sandboxes which find that out as well need no further try to be sure.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from zlib import crc32

from edge.events.answers import Verdict
from edge.events.batch import Batch, split_batch
from edge.events.counts import Counts
from edge.events.delivery import await_judgement, begin_delivery, prepare_content
from edge.events.groups import Stored, iterate_groups, put_together
from edge.events.home import Home
from edge.events.machine import Conditions, Happening, Other, Stage, State, Store, advance
from edge.events.spool import Spool
from edge.events.spool_format import (
    LEASE_KEY,
    PREFIX,
    InvalidEnvelope,
    Lease,
    StoredKey,
    decode_envelope,
    decode_lease,
    encode_aside,
    encode_envelope,
    encode_lease,
    name_aside,
    parse_keys,
)
from edge.events.tasks import Task, Wait
from edge.ports import DeliveryFault, InsertRules, StoreFault

LEASE_MS: Final = 10_000
LEASE_MARGIN_MS: Final = 4_000  # left of the lease for the last request begun under it
FAILING_MS: Final = 15_000  # what is written down holds longer than the lease, and so until it is written anew
ABOUT_THE_BATCH: Final = (Verdict.TAKEN, Verdict.WRONG, Verdict.TOO_LARGE)  # the way itself works
PAUSE_SECONDS: Final = 1.0  # Fastly takes about one write per second of the lease's key
MOST_FAILURES: Final = 3  # one after the other; fewer may be the fault of one batch and not of the endpoint
MOST_POSTS: Final = 8  # of one sandbox: Fastly documents 32 backend requests for one execution


class Seen(NamedTuple):
    """What the lease entry held, and its generation, None when there is none."""

    lease: Lease
    generation: int | None


class Drain:
    """The rounds of one sandbox."""

    __slots__ = (
        "_counts",
        "_failing_ms",
        "_failures",
        "_home",
        "_is_chosen",
        "_is_ending",
        "_is_running",
        "_next_at",
        "_posts",
        "_spool",
        "_works",
    )

    def __init__(self, home: Home, spool: Spool, counts: Counts) -> None:
        self._home = home
        self._spool = spool
        self._counts = counts
        self._works = False  # whether the endpoint took the last batch
        self._failing_ms = 0  # how long it is to count as failing, once it has failed
        self._failures = 0  # of a drain, since something was taken
        self._is_chosen: bool | None = None
        self._is_running = False
        self._is_ending = False
        self._next_at = 0.0
        self._posts = 0

    def note_working(self) -> None:
        """Note that the endpoint takes batches."""
        self._works, self._failing_ms, self._failures = True, 0, 0

    def note_failing(self, retry_after_ms: int = 0) -> None:
        """Note that the endpoint takes no batches, and how long it wants to be left alone."""
        self._works, self._failing_ms = False, max(FAILING_MS, retry_after_ms)

    def note_ending(self) -> None:
        """Note that the sandbox ends: one round at most still comes to its end."""
        self._is_ending = True

    def may_send(self) -> bool:
        """Tell whether a further request to the endpoint makes sense."""
        return self._works and self._posts < MOST_POSTS

    def find_round(self) -> Task | None:
        """Return a round to run now, if there is to be one."""
        is_wanted = self._spool.stored or (self._works and self._find_whether_chosen())
        if not is_wanted or self._is_running or self._home.platform.ticks() < self._next_at or self._spool.is_leased():
            return None
        return self._run()

    def _find_whether_chosen(self) -> bool:
        if self._is_chosen is None:
            share = self._home.background.drain_share
            self._is_chosen = share > 0 and crc32(self._home.platform.session_id().encode()) % share == 0
        return self._is_chosen

    def _run(self) -> Task:
        self._is_running = True
        try:
            while (yield from self._drain()) and not self._is_ending:
                if not (yield self._home.platform.ticks() + PAUSE_SECONDS):
                    return
        except StoreFault as problem:
            self._home.platform.log(f"events: the store of events was not drained: {problem}")
        finally:
            self._is_running = False
            self._next_at = self._home.platform.ticks() + LEASE_MS / 1000

    def _drain(self) -> Generator[Wait, bool, bool]:
        """Run one round under the lease; tells whether there is more to do, and this sandbox may do it."""
        platform = self._home.platform
        seen = yield from self._look_at_lease()
        now_ms = platform.now_ms()
        until_ms = now_ms + LEASE_MS
        if seen is None or seen.lease.until_ms > now_ms:
            return False
        keys = yield from self._list()
        if keys is None or not (keys or seen.lease.batches):
            return False
        rules = InsertRules(only_new=seen.generation is None, if_generation=seen.generation)
        is_ours = yield from self._write_lease(keys, until_ms, rules)
        may_write_at = platform.ticks() + PAUSE_SECONDS
        if not is_ours or not self.may_send():
            return False
        sendable = [key for key in keys if self._home.find_events_key(key.project)]
        # A sandbox that ends waits for a while: what is sent in its first half is answered and removed in the second.
        half_ms = self._home.background.events_wait_ms // 2
        gone = yield from self._send_groups(sendable, min(until_ms - LEASE_MARGIN_MS, now_ms + half_ms))
        left = [key for key in keys if key.key not in gone]
        yield may_write_at
        was_written = yield from self._write_lease(left, 0, InsertRules())
        return was_written and len(gone) < len(sendable) and self.may_send()

    def _look_at_lease(self) -> Generator[Wait, bool, Seen | None]:
        pending = self._home.platform.begin_lookup(self._home.spool_settings.spool_store, LEASE_KEY)
        if not (yield pending):
            return None
        entry = pending.wait()
        if entry is None:
            return Seen(Lease(), None)
        lease = decode_lease(entry.read())
        self._spool.note_level(lease)
        return Seen(lease, entry.generation)

    def _list(self) -> Generator[Wait, bool, list[StoredKey] | None]:
        """List what is stored, the oldest first; None when the sandbox ends."""
        keys: list[str] = []
        cursor = ""
        while True:
            pending = self._home.platform.begin_list(self._home.spool_settings.spool_store, PREFIX, cursor)
            if not (yield pending):
                return None
            listing = pending.wait()
            keys += listing.keys
            cursor = listing.cursor
            if not cursor:
                return parse_keys(keys)

    def _write_lease(self, keys: Sequence[StoredKey], until_ms: int, rules: InsertRules) -> Generator[Wait, bool, bool]:
        """Write the lease with a new count; tells whether the rules let us."""
        platform = self._home.platform
        failing_until_ms = platform.now_ms() + self._failing_ms if self._failing_ms else 0
        lease = Lease(platform.session_id(), until_ms, len(keys), sum(key.size for key in keys), failing_until_ms)
        store = self._home.spool_settings.spool_store
        pending = platform.begin_insert(store, LEASE_KEY, encode_lease(lease), rules)
        if not (yield pending) or not pending.wait():
            return False
        self._spool.note_level(lease)
        return True

    def _send_groups(self, keys: Sequence[StoredKey], until_ms: int) -> Generator[Wait, bool, set[str]]:
        """Send groups of batches for as long as they are taken and the lease lasts; returns the keys that are gone."""
        gone: set[str] = set()
        for group in iterate_groups(keys, self._home.background.events_batch_bytes):
            gone.update((yield from self._send_group(group)))
            if not self.may_send() or self._home.platform.now_ms() > until_ms:
                break
        return gone

    def _send_group(self, group: Sequence[StoredKey]) -> Generator[Wait, bool, list[str]]:
        """Send some batches together; returns the keys that are gone."""
        found, gone = yield from self._read_group(group)
        pile = put_together(found)
        while pile and self.may_send():
            together = pile.pop(0)  # what is cut comes last: between two halves with a fault there is one without
            stage, reason = yield from self._post([stored.batch for stored in together])
            if stage is Stage.SPLIT and len(together) > 1:
                middle = len(together) // 2
                pile += [together[:middle], together[middle:]]
            else:
                gone += yield from self._conclude(together, stage, reason)
        return gone

    def _read_group(self, group: Sequence[StoredKey]) -> Generator[Wait, bool, tuple[list[Stored], list[str]]]:
        """Read stored batches; returns them and the keys that are gone, by another's doing or because they are bad."""
        store = self._home.spool_settings.spool_store
        lookups = [(key, self._home.platform.begin_lookup(store, key.key)) for key in group]
        found: list[Stored] = []
        gone: list[str] = []
        for key, lookup in lookups:
            if not (yield lookup):
                return [], gone
            entry = lookup.wait()
            if entry is None:
                gone.append(key.key)
                continue
            value = entry.read()
            try:
                found.append(Stored(key.key, replace(decode_envelope(value), project=key.project)))
            except InvalidEnvelope as problem:
                gone += yield from self._set_aside(key.key, value, str(problem), key.event_count)
        return found, gone

    def _post(self, batches: Sequence[Batch]) -> Generator[Wait, bool, tuple[Stage, str]]:
        """Send batches in one request; returns where they stand then, and why."""
        self._posts += 1
        try:
            content = prepare_content(self._home, batches)
            delivery = begin_delivery(self._home, self._counts, batches, content, self._home.platform.now_ms(), 1)
        except DeliveryFault as problem:
            self.note_failing()
            return Stage.STORED, str(problem)
        judgement = yield from await_judgement(delivery)
        happening: Happening = Other.ENDING if judgement is None else judgement.verdict
        self._note_happening(happening, 0 if judgement is None else judgement.retry_after_ms)
        is_mixed = len(batches) > 1
        at = Conditions(0, most_tries=1, can_split=is_mixed or batches[0].can_split, is_mixed=is_mixed)
        state = advance(State(Stage.SENT, tries=1, is_stored=True), happening, at)
        return state.stage, "the backend has not answered" if judgement is None else judgement.reason

    def _note_happening(self, happening: Happening, retry_after_ms: int) -> None:
        """Note what the end of a request says of the endpoint."""
        if happening in ABOUT_THE_BATCH:
            self._failures = 0
            return
        self._failures += 1
        if happening is not Verdict.FAILED or retry_after_ms or self._failures >= MOST_FAILURES:
            self.note_failing(retry_after_ms)

    def _conclude(self, together: Sequence[Stored], stage: Stage, reason: str) -> Generator[Wait, bool, list[str]]:
        """Do what the end of a request asks for; returns the keys that are gone."""
        first = together[0]
        if stage is Stage.CONFIRMED:
            return (yield from self._remove(together))
        if stage is Stage.SPLIT:
            return (yield from self._cut(first))
        if stage is Stage.DROPPED:
            envelope = encode_envelope(first.batch)
            return (yield from self._set_aside(first.key, envelope, reason, first.batch.event_count))
        self._home.platform.log(f"events: {first.batch.event_count} stay stored: {reason}")
        return []

    def _remove(self, together: Sequence[Stored]) -> Generator[Wait, bool, list[str]]:
        self._counts.add("drained", sum(stored.batch.event_count for stored in together))
        return (yield from self._spool.remove([stored.key for stored in together]))

    def _cut(self, stored: Stored) -> Generator[Wait, bool, list[str]]:
        """Replace a batch that is too large by its halves, which a later round sends."""
        for half in split_batch(stored.batch):
            kept = yield from self._spool.keep(half, "")
            if kept.happening is not Store.KEPT:
                return []
        return (yield from self._spool.remove([stored.key]))

    def _set_aside(self, key: str, value: bytes, reason: str, event_count: int) -> Generator[Wait, bool, list[str]]:
        if not (yield from self._spool.set_aside(key, encode_aside(value, reason))):
            return []
        self._counts.add("set_aside", event_count)
        self._home.platform.log(f"events: {event_count} set aside as {name_aside(key)}: {reason}")
        return [key]
