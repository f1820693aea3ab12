"""The events of one sandbox on their way: collected into an open batch, sent, confirmed or stored.

The open batch is sealed by count, by bytes, by age, and before the sandbox ends. Each batch is delivered by a task of
its own, which asks `machine` what comes next; so nothing here waits but the end of the sandbox, and a client that hands
its own events over. When the endpoint wants to be left alone, all batches leave it alone; so they do, after one try,
when other sandboxes have found it failing.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Final

from edge.events.answers import Verdict
from edge.events.batch import Batch, Content, backoff_ms, split_batch
from edge.events.client_events import ClientEvents, Handover
from edge.events.counts import Counts
from edge.events.delivery import await_judgement, begin_delivery, prepare_content
from edge.events.drain import Drain
from edge.events.endings import Ended, Step, describe_end
from edge.events.home import Home
from edge.events.machine import Conditions, Other, Stage, State, Store, advance
from edge.events.spool import Spool
from edge.events.tasks import Task, Tasks, Wait, run_to_end
from edge.messages import Event, encode_json
from edge.ports import DeliveryFault, PendingDelivery

RETRY_BASE_MS: Final = 200
LONGEST_DELAY_MS: Final = 2_000
HOLD_MS: Final = 5_000  # after the last try of a batch has failed
MOST_HELD: Final = 4 << 20  # bytes of batches in memory
GIVEN_UP: Final = (Verdict.FAILED, Verdict.REFUSED, Store.FAILED)


class Outbox:
    """The events of one sandbox, and what became of them."""

    __slots__ = (
        "_counts",
        "_held",
        "_home",
        "_open",
        "_open_bytes",
        "_open_project",
        "_open_until",
        "_serial",
        "_wanted_ms",
        "drain",
        "spool",
        "tasks",
    )

    def __init__(self, home: Home) -> None:
        self._home = home
        self._counts = Counts()
        self.tasks = Tasks()
        self.spool = Spool(home, self._counts)
        self.drain = Drain(home, self.spool, self._counts)
        self._open: list[bytes] = []
        self._open_bytes = 0
        self._open_project = ""
        self._open_until = 0.0  # on the duration clock
        self._serial = 0  # of the last batch
        self._held = 0  # bytes of the batches on their way
        self._wanted_ms = 0  # the endpoint is left alone until then, on the duration clock

    def collect(self, events: Sequence[Event], project: str = "") -> None:
        """Add the events of a reply to the open batch of their project, and seal it when it is full.

        The log hears of them before anything else is done, so that a sandbox that is killed has told what it had.
        """
        self._counts.add("collected", len(events))
        self.log_counts()
        if project != self._open_project:
            self.seal()
            self._open_project = project
        for event in events:
            self._add(encode_json(event))

    def seal(self) -> None:
        """Send the open batch on its way."""
        if not self._open:
            return
        content, now_ms = b",".join(self._open), self._home.platform.now_ms()
        batch = Batch(self._next_id(), content, len(self._open), now_ms, project=self._open_project)
        self._open, self._open_bytes = [], 0
        self.start(batch)

    def start(self, batch: Batch) -> None:
        """Begin to deliver a batch, unless too many are on their way already."""
        if self._held + len(batch.content) > MOST_HELD:
            self._drop(batch, "too many batches wait in this sandbox")
        else:
            self.tasks.start(self._deliver(batch))

    def is_idle(self) -> bool:
        """Tell whether nothing waits for anything."""
        return not self._open and not self.tasks

    def next_tick(self) -> float | None:
        """Return the next instant of the duration clock at which there is something to do."""
        tick = self.tasks.next_tick()
        if not self._open:
            return tick
        return self._open_until if tick is None else min(tick, self._open_until)

    def step(self) -> None:
        """Go on with what can go on, without waiting."""
        now = self._home.platform.ticks()
        if self._open and now >= self._open_until:
            self.seal()
        if self.tasks:
            self.tasks.step(now)
        self._drain_when_due()

    def hand_over(self, events: ClientEvents, project: str = "") -> Handover:
        """Deliver a client's events, or store them, while the client waits."""
        batch = Batch(
            self._next_id(),
            events.body,
            events.event_count,
            self._home.platform.now_ms(),
            is_sealed=True,
            encoding=events.encoding,
            headers=events.headers,
            project=project,
        )
        self._counts.add("collected", batch.event_count)
        wait_s = self._home.background.events_reply_wait_ms / 1000
        ended = run_to_end(self._pass_on(batch, is_last_try=True), self._home.platform, wait_s)
        self._count_end(batch, ended, lost="refused")
        if ended.stored_as and ended.unanswered is not None:
            self.tasks.start(self._withdraw(batch, ended.stored_as, ended.unanswered))
        return describe_end(ended)

    def close(self) -> None:
        """Bring everything to its end, within bounds."""
        self.seal()
        self.drain.note_ending()
        self._finish()
        if self._drain_when_due():
            self._finish()

    def _drain_when_due(self) -> bool:
        drain = self.drain.find_round()
        if drain is None:
            return False
        self.tasks.start(drain)
        return True

    def _finish(self) -> None:
        if self.tasks:
            self.tasks.finish(self._home.platform, self._home.background.events_wait_ms / 1000)

    def note_bots(self, exposures: int) -> None:
        """Count exposures that were left out because a bot asked."""
        self._counts.add("bots", exposures)

    def note_left_out(self, deduplicated: int, sampled_out: int) -> None:
        """Take over how many exposures were left out so far."""
        self._counts.set("deduplicated", deduplicated)
        self._counts.set("sampled_out", sampled_out)

    def counts(self) -> Mapping[str, int]:
        """Return what became of the events of this sandbox."""
        return self._counts.totals()

    def log_counts(self) -> None:
        """Write what was counted since the last line."""
        line = self._counts.take_line()
        if line:
            self._home.platform.log(f"events: {line}")

    def _next_id(self) -> str:
        self._serial += 1
        return f"{self._home.platform.session_id()}-{self._serial}"

    def _add(self, event: bytes) -> None:
        settings = self._home.background
        if not self._open:
            self._open_until = self._home.platform.ticks() + settings.events_batch_age_ms / 1000
        self._open.append(event)
        self._open_bytes += len(event) + 1
        if len(self._open) >= settings.events_batch_count or self._open_bytes >= settings.events_batch_bytes:
            self.seal()

    def _deliver(self, batch: Batch) -> Task:
        self._held += len(batch.content)
        ended = yield from self._pass_on(batch)
        self._held -= len(batch.content)
        self._count_end(batch, ended, lost="dropped")
        if ended.state.stage is Stage.SPLIT:
            for half in split_batch(batch):
                self.start(half)

    def _pass_on(self, batch: Batch, *, is_last_try: bool = False) -> Generator[Wait, bool, Ended]:
        """Take a batch to the end of its way, as the machine says."""
        state, last = State(), Step(Other.BEGUN)
        delivery: PendingDelivery | None = None
        unanswered: PendingDelivery | None = None
        reason, stored_as = "", ""  # why the endpoint has not taken it, and where it is instead
        content: Content | None = None
        is_ending = is_last_try
        while not state.stage.is_final:
            if state.stage is Stage.READY:
                patience_ms = 0 if is_last_try else LONGEST_DELAY_MS
                last = yield from self._wait_until_due(state, patience_ms, reason)
                if last.happening is Other.BEGUN:
                    content = content or prepare_content(self._home, [batch])
                    delivery, last = self._begin(batch, content, state)
                reason = last.reason or reason
            elif state.stage is Stage.SENT and delivery is not None:
                last = yield from self._await_answer(delivery)
                reason = last.reason
                unanswered = delivery if last.happening is Other.ENDING else None
            else:
                kept = yield from self.spool.keep(batch, reason)
                last, stored_as = Step(kept.happening, kept.reason), kept.key
            is_ending = is_ending or last.happening is Other.ENDING
            state = advance(state, last.happening, self._conditions(batch, state, last, is_ending))
            if last.happening in GIVEN_UP and state.stage is Stage.STORING:
                self._leave_alone(HOLD_MS)
        return Ended(state, last, unanswered, stored_as)

    def _wait_until_due(self, state: State, patience_ms: int, earlier: str) -> Generator[Wait, bool, Step]:
        """Wait until a batch may be sent; the earlier reason stands when nothing comes of it."""
        due_ms = max(state.due_ms, self._wanted_ms)
        wait_ms = due_ms - self._now_ms() if due_ms else 0
        if wait_ms > patience_ms and not state.must_wait:
            return Step(Other.HELD, earlier or "the backend is left alone for now")
        if wait_ms > 0 and not (yield self._home.platform.ticks() + wait_ms / 1000):
            return Step(Other.ENDING, earlier or "the sandbox ends")
        return Step(Other.BEGUN)

    def _begin(self, batch: Batch, content: Content, state: State) -> tuple[PendingDelivery | None, Step]:
        """Send a batch."""
        now_ms = batch.born_ms
        if state.tries:
            now_ms = self._home.platform.now_ms()
            self._counts.add("retried", batch.event_count)
        try:
            delivery = begin_delivery(self._home, self._counts, [batch], content, now_ms, state.tries)
        except DeliveryFault as problem:
            return None, Step(Verdict.REFUSED, str(problem))
        return delivery, Step(Other.BEGUN)

    def _await_answer(self, delivery: PendingDelivery) -> Generator[Wait, bool, Step]:
        judgement = yield from await_judgement(delivery)
        if judgement is None:
            self.drain.note_failing()
            return Step(Other.ENDING, "the backend has not answered")
        if judgement.verdict is Verdict.TAKEN:
            self._wanted_ms = 0
            self.drain.note_working()
            return Step(judgement.verdict, judgement.reason, judgement.retry_after_ms)
        self._leave_alone(judgement.retry_after_ms)
        if judgement.verdict is Verdict.FAILED:
            self.drain.note_failing(judgement.retry_after_ms)
            yield from self.spool.ask_level()  # needed to store the batch, and says whether it is worth another try
            self._leave_alone(self.spool.find_failing_ms())
        return Step(judgement.verdict, judgement.reason, judgement.retry_after_ms)

    def _withdraw(self, batch: Batch, key: str, delivery: PendingDelivery) -> Task:
        """Take a batch out of the store when the late answer says that it has arrived."""
        judgement = yield from await_judgement(delivery)
        if judgement is None or judgement.verdict is not Verdict.TAKEN:
            return
        if (yield from self.spool.remove([key])):
            self._counts.add("drained", batch.event_count)

    def _conditions(self, batch: Batch, state: State, last: Step, is_ending: bool) -> Conditions:
        """Return what the next step depends on; the clock is asked only where a wait may follow."""
        may_wait = last.happening in GIVEN_UP
        now_ms = self._now_ms() if may_wait else 0
        return Conditions(
            now_ms,
            max(self._wanted_ms - now_ms, backoff_ms(batch.id, state.tries, RETRY_BASE_MS)) if may_wait else 0,
            most_tries=1 if is_ending else self._home.background.events_tries,
            longest_delay_ms=LONGEST_DELAY_MS,
            can_split=batch.can_split,
            is_ending=is_ending,
        )

    def _now_ms(self) -> int:
        return int(self._home.platform.ticks() * 1000)

    def _leave_alone(self, milliseconds: int) -> None:
        if milliseconds:
            self._wanted_ms = max(self._wanted_ms, self._now_ms() + milliseconds)

    def _count_end(self, batch: Batch, ended: Ended, lost: str) -> None:
        stage = ended.state.stage
        if stage is Stage.CONFIRMED:
            self._counts.add("delivered", batch.event_count)
        elif stage is Stage.STORED:
            self._counts.add("stored", batch.event_count)
            self._home.platform.log(f"events: {batch.event_count} stored: {ended.last.reason}")
        elif stage is Stage.DROPPED:
            self._drop(batch, ended.last.reason, lost)

    def _drop(self, batch: Batch, reason: str, lost: str = "dropped") -> None:
        self._counts.add(lost, batch.event_count)
        self._home.platform.log(f"events: {batch.event_count} {lost}: {reason}")
