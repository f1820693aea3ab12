"""Events that a client hands over, as one body that stays as it came.

A route calls `Sandbox.hand_over` and answers as the result says: only what is delivered or stored may be answered with
202, because a client keeps and repeats what gets a 5xx and forgets everything else.
"""

from enum import Enum
from typing import NamedTuple

from edge.messages import Header


class ClientEvents(NamedTuple):
    """The body of one `log_event` or `rgstr` request, not opened here."""

    body: bytes
    event_count: int  # as far as known; 0 when the body cannot be opened
    encoding: str = ""  # of the body: gzip, zstd or none
    headers: tuple[Header, ...] = ()  # the client's own to pass on: statsig-sdk-type, statsig-sdk-version…


class Fate(Enum):
    """What became of a client's events."""

    DELIVERED = "delivered"  # Statsig has them: 202
    STORED = "stored"  # they are kept and will be sent: 202
    WRONG = "wrong"  # Statsig says that the content is at fault: 400
    TOO_LARGE = "too large"  # Statsig says so, and the body cannot be cut: 413
    REFUSED = "refused"  # neither delivered nor stored: 503, so that the client tries again


class Handover(NamedTuple):
    """The fate of a client's events, and why it is no better one."""

    fate: Fate
    reason: str = ""

    @property
    def is_safe(self) -> bool:
        """Tell whether the client may forget the events."""
        return self.fate in (Fate.DELIVERED, Fate.STORED)
