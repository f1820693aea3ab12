"""How fast a gate is checked on CPython: ours, the official core called from Python, and the SDK before it.

    python -m benchmarks.evaluator_speed [--spec FILE] [--rounds N] [--users N]

Every evaluator runs in a process of its own, started for one mode and ended with it, so the core never answers behind
its own exposures. The processes take turns of some users each, in changing order, until every user has had every gate
checked; so much for one round. The machine may have other work: what is compared is the time that the asking thread was
on a processor, and a ratio is the median over the turns, each evaluator against the others of the same turn.

off, user reused
    Ours: `check_gate(view, name)`; the `User` exists, its view is made once for all gates.
    The core: `check_gate(user, name, options)` without exposure logging; the `StatsigUser` exists.
off, user built
    Ours: a `User`, a `UserView` and a look at the clock for each check. The core: a `StatsigUser` for each check, which
    its own code makes and fills; its look at the clock is inside the check. Both get the same plain Python values.
exposures
    Ours: `ExposureLog.check_gate(view, name)`, the view made once a user. The core: `check_gate(user, name)`. Each
    exposure is new to the de-duplication of both. The SDK before the core: `check_gate(user, name)` in its local mode,
    which makes the event and does not queue it.

Exposures are recorded, not sent: ours become events when somebody takes them. The core writes, packs and posts its own
from threads in the background, to a server that throws them away: "process us" has that work in it, "thread us" and so
the ratio has not. Both sides read the clock of the machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple, Self

from rich.console import Console
from rich.table import Table

from benchmarks.made_spec import make_spec
from benchmarks.subjects import BUILT, CORE, EXPOSED, GATELET, LEGACY, REUSED, Timing, Turn

RESULTS: Final = Path(__file__).parent / "results" / "evaluator.json"
USERS_A_TURN: Final = 100
MODES: Final = {REUSED: (CORE, GATELET), BUILT: (CORE, GATELET), EXPOSED: (CORE, GATELET, LEGACY)}
# What the project promises to be at least, as a ratio of speeds.
GOALS: Final = {(REUSED, CORE): 1.1, (BUILT, CORE): 1.1, (EXPOSED, CORE): 1.5, (EXPOSED, LEGACY): 5.0}


class Measured(NamedTuple):
    """One evaluator in one mode: its turns, in the order in which all evaluators took theirs."""

    mode: str
    name: str
    timings: list[Timing]

    def microseconds(self, clock: str) -> float:
        """Return the median time of a check."""
        times: list[float] = [getattr(timing, clock) / timing.checks for timing in self.timings]
        return median(times) * 1e6

    def passes(self) -> int:
        """Return how many answers were true."""
        return sum(timing.passed for timing in self.timings)

    def times_as_fast_as(self, other: Measured, clock: str = "thread") -> float:
        """Return the median over the turns of the other's time by ours."""
        pairs = zip(self.timings, other.timings, strict=True)
        ratios: list[float] = [getattr(theirs, clock) / getattr(ours, clock) for ours, theirs in pairs]
        return median(ratios)


class Runner:
    """The process of one evaluator."""

    def __init__(self, name: str, spec: Path) -> None:
        command = [sys.executable, "-m", f"benchmarks.subjects.{name}", str(spec)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, turn: Turn) -> Timing:
        """Run a turn; raises ValueError when the process has ended."""
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("the process has no pipes")
        print(json.dumps(turn), file=self._process.stdin, flush=True)
        return Timing(*json.loads(self._process.stdout.readline()))


def measure_mode(mode: str, spec: Path, rounds: int, users: int) -> list[Measured]:
    """Let the evaluators of a mode take turns; a turn before, which nobody counts, wakes them up."""
    names = MODES[mode]
    timings: dict[str, list[Timing]] = {name: [] for name in names}
    with ExitStack() as stack:
        runners = {name: stack.enter_context(Runner(name, spec)) for name in names}
        for name in names:
            runners[name].run(Turn(mode, -USERS_A_TURN, USERS_A_TURN))
        for number, first in enumerate(range(0, rounds * users, USERS_A_TURN)):
            # Each turn has users of its own, so that every exposure is a new one.
            for name in names if number % 2 else reversed(names):
                timings[name].append(runners[name].run(Turn(mode, first, USERS_A_TURN)))
    return [Measured(mode, name, timings[name]) for name in names]


def write_results(measured: list[Measured]) -> list[dict[str, object]]:
    """Return one object per measurement; a ratio above 1 means faster than `ratio_to`."""
    rows: list[dict[str, object]] = []
    for one in measured:
        name, made_by = f"{one.name}, {one.mode}", describe_platform()
        row = {"name": name, "value": one.microseconds("thread"), "unit": "us/check", "platform": made_by}
        rivals = [other for other in measured if one.name == GATELET and other.mode == one.mode and other is not one]
        rows += [{**row, "ratio_to": rival.name, "ratio": one.times_as_fast_as(rival)} for rival in rivals]
        if not rivals:
            rows.append({**row, "ratio_to": None, "ratio": None})
    return rows


def describe_platform() -> str:
    """Return what Python runs the benchmark, and how it was built.

    Without profile-guided optimization (PGO) the interpreter is slower, which weighs on our side: all of it is
    interpreted, while the core is compiled, with the optimizations of its makers.
    """
    built = sysconfig.get_config_var("CONFIG_ARGS") or ""
    means = {"PGO": "--enable-optimizations", "LTO": "--with-lto"}
    how = ", ".join(f"{'with' if option in built else 'without'} {name}" for name, option in means.items())
    return f"{platform.python_implementation()} {platform.python_version()} {how}, {platform.machine()}"


def show(measured: list[Measured]) -> Table:
    """Return the table to print; times are medians in microseconds a check."""
    table = Table(
        "mode",
        "evaluator",
        "thread us",
        "wall us",
        "process us",
        "true",
        "ours is faster by",
        "on the wall",
        "goal",
        caption=describe_platform(),
    )
    ours = {one.mode: one for one in measured if one.name == GATELET}
    for one in measured:
        times = [f"{one.microseconds(clock):.2f}" for clock in ("thread", "wall", "process")]
        clocks = [] if one.name == GATELET else ["thread", "wall"]
        ratios = [f"{ours[one.mode].times_as_fast_as(one, clock):.2f} x" for clock in clocks] or ["", ""]
        goal = GOALS.get((one.mode, one.name))
        table.add_row(one.mode, one.name, *times, f"{one.passes():,}", *ratios, f"{goal} x" if goal else "")
    return table


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description="Compare the speed of gate checks.")
    parser.add_argument("--spec", type=Path, help="a v2 spec; one is made up without it")
    parser.add_argument("--rounds", type=int, default=3, help="how often all users are asked about")
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--mode", choices=list(MODES), help="measure this mode alone, and write nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec: Path = options.spec or Path(folder) / "spec.json"
        if options.spec is None:
            spec.write_text(json.dumps(make_spec()), encoding="utf-8")
        modes = [options.mode] if options.mode else list(MODES)
        measured = [one for mode in modes for one in measure_mode(mode, spec, options.rounds, options.users)]
    Console(width=140).print(show(measured))
    if not options.mode:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(write_results(measured), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
