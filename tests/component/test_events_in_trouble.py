"""Every exposure arrives, whatever the endpoint goes through: the short form of `python -m tests.events_long`."""

from pathlib import Path

from devhost.event_sink import Mood
from devhost.local_config import EXAMPLE_SPEC, ROOT
from tests.component.serving import running_service
from tests.component.trouble import Clients, Phase, run_phases, wait_until_all_arrived

PHASES = (
    Phase("instant", 1.0),
    Phase("slow", 1.5, Mood(delay=1.0)),
    Phase("failing", 1.0, Mood(status=500)),
    Phase("busy", 1.0, Mood(status=429, retry_after=2)),
    Phase("refused", 1.5, is_down=True),
    Phase("reset", 1.0, Mood(resets=True)),
    Phase("back", 1.0),
)


def test_every_exposure_arrives_whatever_the_endpoint_goes_through(host: str, tmp_path: Path) -> None:
    with running_service(host, tmp_path, ROOT / EXAMPLE_SPEC, settings={"drain_share": "1"}) as service:
        clients = Clients(service, count=4, pace=40.0)
        measured = run_phases(service, clients, PHASES)
        arrived = wait_until_all_arrived(service, clients, 60.0)
    assert clients.faults == []
    assert len(clients.users) > 200
    assert set(clients.users) - set(arrived) == set()
    repeats = sum(arrived.values()) - len(arrived)
    print(f"{len(arrived)} events, {repeats} repeats; requests to the endpoint:")
    print({phase.name: phase.posts for phase in measured})
    busy = next(phase for phase in measured if phase.name == "busy")
    assert busy.posts <= len(busy.seconds), "an endpoint that wants patience gets more requests than there are checks"
    # Only an answer that was lost makes a repeat; 1 % is measured by the long form, where each phase lasts longer.
    assert repeats <= len(arrived) // 20
