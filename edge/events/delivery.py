"""A request to the events endpoint, from its beginning to the judgement of its answer."""

from collections.abc import Generator

from edge.events.answers import Judgement, judge
from edge.events.tasks import Wait
from edge.ports import PendingDelivery


def await_judgement(delivery: PendingDelivery) -> Generator[Wait, bool, Judgement | None]:
    """Wait for the answer to a request; None when the wait ends first."""
    while (answer := delivery.find_answer()) is None:
        if not (yield delivery):
            return None
    return judge(answer)
