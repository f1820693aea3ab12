"""Show that no exposure is lost and none slows a reply, over many checks: `make events-long`.

16 clients check at a steady pace, below what the machine can take, while the event sink goes through its troubles. Each
trouble stands between two phases in which the sink is well, and is compared with these two: a machine that becomes
slower meets both. What follows a trouble, when stored events are sent, is counted with the troubles. Prints for each
phase the reply times from when a check was due, the processor time of the host's process, and the requests that the
sink was sent and got; fails when an event is missing, when more than 1 % arrived twice, when replies in trouble took
more than 1.3 times as long as those without, or when a trouble made the host or the sink work harder.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from devhost.event_sink import Mood
from devhost.local_config import EXAMPLE_SPEC, ROOT
from tests.component.serving import EMBEDDED, NATIVE, VICEROY, running_service
from tests.component.trouble import HAS_USAGE, Clients, Measured, Phase, run_phase, wait_until_all_arrived

CLIENTS = 16
MOST_REPEATS = 0.01
MOST_SLOWDOWN = 1.3
MOST_EFFORT = 1.15
ENOUGH_CHECKS = 1_000  # to tell processor time, which is counted in ticks of 10 ms, from noise
DRAIN_SECONDS = 600.0
WELL, BACK = "well", "back"
# How long each lasts, as shares of one trouble but the last.
WELL_SHARE, BACK_SHARE = 0.75, 0.5
HEADER = f"{'sink':20}{'checks':>7}{'p50 ms':>9}{'p95 ms':>9}{'CPU ms':>9}{'tries/s':>9}{'posts':>7}"
HEADER += "   times well: p50, p95, CPU, tries"


class Plan(NamedTuple):
    """How many checks there are, how fast they come, how long the sink is down at last, what a sandbox takes."""

    checks: int
    pace: float
    down_seconds: float
    reuse: int | None

    def find_trouble_seconds(self) -> float:
        """How long a trouble lasts, so that all checks fit."""
        shares = 5 + 6 * BACK_SHARE + 7 * WELL_SHARE
        return (self.checks / self.pace - self.down_seconds) / shares


class Compared(NamedTuple):
    """A phase, and the phases without trouble on both sides of it."""

    measured: Measured
    calm: Measured

    def compare(self, figure: Callable[[Measured], float]) -> float:
        """How many times as large a figure is as without trouble."""
        return figure(self.measured) / max(figure(self.calm), 1e-9)


def list_troubles(plan: Plan) -> tuple[Phase, ...]:
    """The troubles, each as long as the others but the last."""
    seconds = plan.find_trouble_seconds()
    return (
        Phase("2 s slow", seconds, Mood(delay=2.0)),
        Phase("500", seconds, Mood(status=500)),
        Phase("429, Retry-After 3", seconds, Mood(status=429, retry_after=3)),
        Phase("refused", seconds, is_down=True),
        Phase("reset", seconds, Mood(resets=True)),
        Phase(f"down for {plan.down_seconds:.0f} s", plan.down_seconds, is_down=True),
    )


def list_phases(plan: Plan) -> tuple[Phase, ...]:
    """Every phase: well, then each trouble with what follows it, and well again."""
    seconds = plan.find_trouble_seconds()
    well, back = Phase(WELL, WELL_SHARE * seconds), Phase(BACK, BACK_SHARE * seconds)
    return (well, *(phase for trouble in list_troubles(plan) for phase in (trouble, back, well)))


def find_p50(measured: Measured) -> float:
    """The median."""
    return measured.percentile(0.5)


def find_p95(measured: Measured) -> float:
    """What one reply in twenty takes longer than."""
    return measured.percentile(0.95)


def find_cpu(measured: Measured) -> float:
    """What a check costs the host."""
    return measured.cpu_per_check


def find_tries(measured: Measured) -> float:
    """What the sink is sent."""
    return measured.tries_per_second


def join(name: str, phases: Sequence[Measured]) -> Measured:
    """Return several phases as one."""
    return Measured(
        name,
        [second for phase in phases for second in phase.seconds],
        sum(phase.tries for phase in phases),
        sum(phase.posts for phase in phases),
        sum(phase.took for phase in phases),
        sum(phase.cpu_ms for phase in phases),
    )


def compare_all(phases: Sequence[Measured]) -> list[Compared]:
    """Put every phase beside those without trouble that enclose it."""
    compared = []
    for number, phase in enumerate(phases):
        before = [one for one in phases[: number + 1] if one.name == WELL][-1:]
        after = [one for one in phases[number + 1 :] if one.name == WELL][:1]
        calm = phase if phase.name == WELL else join(WELL, before + after)
        compared.append(Compared(phase, calm))
    return compared


def write_line(one: Compared) -> str:
    """One line of the table."""
    measured = one.measured
    line = f"{measured.name:20}{len(measured.seconds):7}{find_p50(measured):9.2f}{find_p95(measured):9.2f}"
    line += f"{measured.cpu_per_check:9.2f}{measured.tries_per_second:9.1f}{measured.posts:7}"
    if measured is one.calm:
        return line
    figures = (find_p50, find_p95, find_cpu, find_tries)
    return f"{line}   " + " ".join(f"{one.compare(figure):5.2f}" for figure in figures)


def find_faults(compared: Sequence[Compared], together: Compared) -> list[str]:
    """What the figures say that must not be."""
    faults = []
    slowdown = max(together.compare(find_p50), together.compare(find_p95))
    if slowdown > MOST_SLOWDOWN:
        faults.append(f"trouble made replies {slowdown:.2f} times slower")
    for one in compared:
        if one.measured.name in (WELL, BACK):
            continue
        is_enough = HAS_USAGE and len(one.measured.seconds) >= ENOUGH_CHECKS
        if is_enough and one.compare(find_cpu) > MOST_EFFORT:
            faults.append(f"{one.measured.name}: a check costs {one.compare(find_cpu):.2f} times the processor time")
        if one.compare(find_tries) > MOST_EFFORT:
            faults.append(f"{one.measured.name}: the sink is sent {one.compare(find_tries):.2f} times the requests")
    return faults


def run(host: str, plan: Plan, folder: Path) -> list[str]:
    """Run everything and return what was not as it has to be."""
    with running_service(host, folder, ROOT / EXAMPLE_SPEC, reuse=plan.reuse) as service:
        clients = Clients(service, CLIENTS, plan.pace)
        run_phase(service, clients, Phase("warm", 3.0))
        phases = []
        for phase in list_phases(plan):
            phases.append(run_phase(service, clients, phase))
            print(f"{phase.name}: {len(phases[-1].seconds)} checks", file=sys.stderr, flush=True)
        arrived = wait_until_all_arrived(service, clients, DRAIN_SECONDS)
    compared = compare_all(phases)
    calm = join(WELL, [phase for phase in phases if phase.name == WELL])
    together = Compared(join("all but well", [phase for phase in phases if phase.name != WELL]), calm)
    print(HEADER, *(write_line(one) for one in (*compared, Compared(calm, calm), together)), sep="\n")
    expected, received = len(clients.users), sum(arrived.values())
    repeats = received - len(arrived)
    print(f"{expected} events expected, {received} received, {len(arrived)} of them unique, {repeats} repeats")
    faults = [*clients.faults, *find_faults(compared, together)]
    if repeats > MOST_REPEATS * len(arrived):
        faults.append(f"{repeats} repeats are more than 1 %")
    if len(arrived) < expected:
        faults.append(f"{expected - len(arrived)} events are missing")
    return faults


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.events_long", description=__doc__)
    parser.add_argument("--host", choices=[VICEROY, EMBEDDED, NATIVE], default=VICEROY)
    parser.add_argument("--checks", type=int, default=20_000, help="in all phases together")
    parser.add_argument("--pace", type=float, default=40.0, help="checks a second")
    parser.add_argument("--reuse", type=int, help="requests that a sandbox takes; 1: each check has a fresh one")
    parser.add_argument("--down", type=float, default=30.0, help="seconds of the last trouble")
    options = parser.parse_args()
    plan = Plan(options.checks, options.pace, options.down, options.reuse)
    if plan.find_trouble_seconds() <= 0:
        parser.error("so few checks are over before the sink is back")
    with tempfile.TemporaryDirectory() as folder:
        faults = run(options.host, plan, Path(folder))
    for fault in faults[:20]:
        print(f"not so: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
