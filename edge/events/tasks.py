"""Work that waits: generators that hand out what they wait for, so that one thread can do all of it and take requests.

A task yields something `Pending`, or an instant of the duration clock, and goes on with True once that is ready. When
the sandbox ends first it goes on with False, and must then come to an end of its own: whatever it yields afterwards is
given little time and then answered with False as well.
"""

from collections.abc import Generator, Sequence
from typing import Final, Protocol

from edge.ports import Pending

LAST_SECONDS: Final = 2.0  # for what begins when the sandbox has no time left
MOST_ENDINGS: Final = 20
SOON: Final = 0.0005  # seconds that are not worth waiting for

type Wait = Pending | float
type Task = Generator[Wait, bool, None]


class Waiter(Protocol):
    """What can wait."""

    def ticks(self) -> float:
        """Return seconds on a clock that only measures durations."""

    def wait_any(self, pendings: Sequence[Pending], seconds: float) -> None:
        """Return when one of these is ready, or the time is over."""


class Tasks:
    """The tasks of a sandbox, each with what it waits for."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[tuple[Task, Wait]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self, task: Task) -> None:
        """Run a task until it first waits."""
        for wait in task:
            self._waiting.append((task, wait))
            return

    def step(self, now: float) -> None:
        """Go on with every task whose wait is over."""
        ready: list[tuple[Task, Wait]] = []
        waiting: list[tuple[Task, Wait]] = []
        for task, wait in self._waiting:
            (ready if is_over(wait, now) else waiting).append((task, wait))
        self._waiting = waiting
        self._resume_all(ready, True)

    def pendings(self) -> list[Pending]:
        """Return what is waited for besides time."""
        return [wait for _, wait in self._waiting if not isinstance(wait, float)]

    def next_tick(self) -> float | None:
        """Return the next instant that a task waits for."""
        return min((wait for _, wait in self._waiting if isinstance(wait, float)), default=None)

    def finish(self, waiter: Waiter, seconds: float) -> None:
        """Bring every task to its end: at most this long by waiting, and then by telling it that it is over."""
        self._run_for(waiter, seconds)
        for _ in range(MOST_ENDINGS):
            if not self._waiting:
                return
            self._end_waits(waiter.ticks())
            self._run_for(waiter, LAST_SECONDS)

    def _run_for(self, waiter: Waiter, seconds: float) -> None:
        now = waiter.ticks()
        deadline = now + seconds
        while self._waiting and now < deadline:
            tick = self.next_tick()
            until = deadline if tick is None else min(deadline, tick)
            waiter.wait_any(self.pendings(), max(0.0, until - now))
            now = waiter.ticks()
            self.step(now)

    def _end_waits(self, now: float) -> None:
        """Go on with every task: what has become ready on the last moment is no reason to give up."""
        self.step(now)
        waiting, self._waiting = self._waiting, []
        self._resume_all(waiting, False)

    def _resume_all(self, waiting: list[tuple[Task, Wait]], is_ready: bool) -> None:
        try:
            while waiting:
                task, _ = waiting.pop(0)
                self._resume(task, is_ready)
        finally:  # a bug in one task is no reason to forget the others
            self._waiting += waiting

    def _resume(self, task: Task, is_ready: bool) -> None:
        try:
            wait = task.send(is_ready)
        except StopIteration:
            return
        self._waiting.append((task, wait))


def is_over(wait: Wait, now: float) -> bool:
    """Tell whether a wait has come to its end."""
    return wait - now < SOON if isinstance(wait, float) else wait.is_ready()


def run_to_end[Result](task: Generator[Wait, bool, Result], waiter: Waiter, seconds: float) -> Result:
    """Run one task to its end at once, within the same bounds as `Tasks.finish`."""
    deadline = waiter.ticks() + seconds
    try:
        wait = next(task)
        while True:
            is_ready = await_one(wait, waiter, deadline)
            if not is_ready:
                deadline = waiter.ticks() + LAST_SECONDS
            wait = task.send(is_ready)
    except StopIteration as end:
        result: Result = end.value
        return result


def await_one(wait: Wait, waiter: Waiter, deadline: float) -> bool:
    """Wait until it is over, or the deadline has come; tells which."""
    while not is_over(wait, now := waiter.ticks()):
        if now >= deadline:
            return False
        until = min(wait, deadline) if isinstance(wait, float) else deadline
        waiter.wait_any([] if isinstance(wait, float) else [wait], until - now)
    return True
