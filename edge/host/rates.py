"""Fastly's edge rate limiter: a counter and a penalty box that all sandboxes of a POP share."""

from typing import Final

from wit_world.imports.erl import PenaltyBox, RateCounter

COUNTER: Final = "gatelet-requests"
BOX: Final = "gatelet-penalties"
WINDOW_SECONDS: Final = 10
PENALTY_SECONDS: Final = 60  # the shortest that Fastly takes


def count_request(entry: str, limit: int) -> bool:
    """Count a request, and tell whether its sender has to wait; raises Err where there is no limiter."""
    counter, box = RateCounter.open(COUNTER), PenaltyBox.open(BOX)
    return counter.check_rate(entry, 1, WINDOW_SECONDS, limit, box, PENALTY_SECONDS)
