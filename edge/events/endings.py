"""What happened to a batch on its way, how its way ended, and what that means for the client that handed it over."""

from dataclasses import dataclass
from typing import Final

from edge.events.answers import Verdict
from edge.events.client_events import Fate, Handover
from edge.events.machine import Happening, Stage, State
from edge.ports import PendingDelivery

BATCH_FATES: Final = {Stage.CONFIRMED: Fate.DELIVERED, Stage.STORED: Fate.STORED}
VERDICT_FATES: Final = {Verdict.WRONG: Fate.WRONG, Verdict.TOO_LARGE: Fate.TOO_LARGE}


@dataclass(slots=True)
class Step:
    """What happened to a batch, why, and how long the endpoint wants to be left alone."""

    happening: Happening
    reason: str = ""
    retry_after_ms: int = 0


@dataclass(slots=True)
class Ended:
    """How the way of a batch ended, and by what."""

    state: State
    last: Step
    unanswered: PendingDelivery | None  # it was sent, and stored because no answer came
    stored_as: str  # the key in the store


def describe_end(ended: Ended) -> Handover:
    """Say what the end of a batch means for the client that handed it over."""
    fate = BATCH_FATES.get(ended.state.stage)
    if fate is not None:
        return Handover(fate)
    happening = ended.last.happening
    if isinstance(happening, Verdict) and happening in VERDICT_FATES:
        return Handover(VERDICT_FATES[happening], ended.last.reason)
    return Handover(Fate.REFUSED, ended.last.reason)
