"""Show that no exposure is lost and none slows a reply, over many checks: `make events-long`.

16 clients check at a steady pace while the event sink goes through its troubles, and before and after while it is well.
Prints for each phase the reply times and the requests that the sink got, and fails when an event is missing, when more
than 1 % arrived twice, or when the replies in trouble took more than 1.3 times as long as those without.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devhost.event_sink import Mood
from devhost.local_config import EXAMPLE_SPEC, ROOT
from tests.component.serving import EMBEDDED, NATIVE, VICEROY, running_service
from tests.component.trouble import Clients, Measured, Phase, run_phases, wait_until_all_arrived

CLIENTS = 16
DOWN_SECONDS = 30.0
MOST_REPEATS = 0.01
MOST_SLOWDOWN = 1.3
DRAIN_SECONDS = 600.0


def list_phases(seconds: float) -> tuple[Phase, ...]:
    """Return the troubles, each this long but the last."""
    return (
        Phase("instant", seconds),
        Phase("2 s slow", seconds, Mood(delay=2.0)),
        Phase("500", seconds, Mood(status=500)),
        Phase("429, Retry-After 3", seconds, Mood(status=429, retry_after=3)),
        Phase("refused", seconds, is_down=True),
        Phase("reset", seconds, Mood(resets=True)),
        Phase("down for 30 s", DOWN_SECONDS, is_down=True),
        Phase("back", seconds),
    )


def show(measured: Measured) -> None:
    """Print one phase."""
    print(
        f"{measured.name:20} {len(measured.seconds):6} checks  p50 {measured.percentile(0.5):7.2f} ms"
        f"  p95 {measured.percentile(0.95):7.2f} ms  {measured.posts:5} requests to the sink,"
        f" {measured.posts / measured.took:6.1f} a second",
        flush=True,
    )


def join(phases: Sequence[Measured]) -> Measured:
    """Return several phases as one."""
    return Measured(
        "together",
        [second for phase in phases for second in phase.seconds],
        sum(phase.posts for phase in phases),
        sum(phase.took for phase in phases),
    )


def run(host: str, checks: int, pace: float, folder: Path) -> list[str]:
    """Run everything and return what was not as it has to be."""
    phase_seconds = (checks / pace - DOWN_SECONDS) / 7
    with running_service(host, folder, ROOT / EXAMPLE_SPEC) as service:
        clients = Clients(service, CLIENTS, pace)
        run_phases(service, clients, [Phase("warm", 3.0)])
        (well,) = run_phases(service, clients, [Phase("well", 2 * phase_seconds)])
        show(well)
        phases = []
        for phase in list_phases(phase_seconds):
            phases += run_phases(service, clients, [phase])
            show(phases[-1])
        arrived = wait_until_all_arrived(service, clients, DRAIN_SECONDS)
        (after,) = run_phases(service, clients, [Phase("well again", 2 * phase_seconds)])
        show(after)
    together, calm = join(phases), join([well, after])
    show(together)
    faults = list(clients.faults)
    repeats = sum(arrived.values()) - len(arrived)
    ratios = [together.percentile(share) / calm.percentile(share) for share in (0.5, 0.95)]
    print(f"{len(together.seconds)} checks in trouble, {len(arrived)} events, {repeats} repeats")
    print(f"p50 {ratios[0]:.2f} and p95 {ratios[1]:.2f} times those without trouble")
    if repeats > MOST_REPEATS * len(arrived):
        faults.append(f"{repeats} repeats are more than 1 %")
    if len(arrived) < len(together.seconds):
        faults.append("events are missing")
    if max(ratios) > MOST_SLOWDOWN:
        faults.append(f"trouble made replies {max(ratios):.2f} times slower")
    return faults


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.events_long", description=__doc__)
    parser.add_argument("--host", choices=[VICEROY, EMBEDDED, NATIVE], default=VICEROY)
    parser.add_argument("--checks", type=int, default=20_000, help="while the sink is in trouble")
    parser.add_argument("--pace", type=float, default=130.0, help="checks a second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = run(options.host, options.checks, options.pace, Path(folder))
    for fault in faults[:20]:
        print(f"not so: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
