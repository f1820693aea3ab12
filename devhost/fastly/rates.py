"""Edge rate limiting: rate counters and penalty boxes, shared by all sandboxes of a host.

Fastly counts at each POP and roughly; here every request is counted. A rate is the average over the window.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import ClassVar

from devhost.fastly.values import Err, Interface, Resource

WINDOWS = (1, 10, 60)  # seconds that a rate may be asked for
SHORTEST_PENALTY, LONGEST_PENALTY = 60, 3600
LONGEST_COUNT = 60


class Rates:
    """What was counted, and who has to wait."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], deque[tuple[float, int]]] = defaultdict(deque)
        self._penalties: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def count(self, counter: str, entry: str, delta: int) -> None:
        """Count."""
        now = time.monotonic()
        with self._lock:
            counted = self._counted[counter, entry]
            counted.append((now, delta))
            while counted and counted[0][0] < now - LONGEST_COUNT:
                counted.popleft()

    def sum_up(self, counter: str, entry: str, seconds: int) -> int:
        """Return what was counted in the last seconds."""
        since = time.monotonic() - seconds
        with self._lock:
            return sum(delta for at, delta in self._counted[counter, entry] if at >= since)

    def punish(self, box: str, entry: str, seconds: int) -> None:
        """Let somebody wait."""
        with self._lock:
            self._penalties[box, entry] = time.monotonic() + seconds

    def is_punished(self, box: str, entry: str) -> bool:
        """Say whether somebody has to wait."""
        with self._lock:
            return self._penalties.get((box, entry), 0.0) > time.monotonic()


class PenaltyBox(Resource):
    """A penalty box that the guest opened."""

    def __init__(self, name: str, rates: Rates) -> None:
        self._name = name
        self._rates = rates

    def get_name(self) -> str:
        """Return its name."""
        return self._name

    def add(self, entry: str, ttl: int) -> None:
        """Let somebody wait for whole minutes."""
        if not SHORTEST_PENALTY <= ttl <= LONGEST_PENALTY:
            raise Err("invalid-argument")
        self._rates.punish(self._name, entry, ttl // 60 * 60)

    def has(self, entry: str) -> bool:
        """Say whether somebody has to wait."""
        return self._rates.is_punished(self._name, entry)


class RateCounter(Resource):
    """A rate counter that the guest opened."""

    def __init__(self, name: str, rates: Rates) -> None:
        self._name = name
        self._rates = rates

    def get_name(self) -> str:
        """Return its name."""
        return self._name

    def check_rate(self, entry: str, delta: int, window: int, limit: int, box: PenaltyBox, ttl: int) -> bool:
        """Count, and say whether somebody has to wait, who then does."""
        self.increment(entry, delta)
        if self.lookup_rate(entry, window) > limit:
            box.add(entry, ttl)
        return box.has(entry)

    def increment(self, entry: str, delta: int) -> None:
        """Count."""
        self._rates.count(self._name, entry, delta)

    def lookup_rate(self, entry: str, window: int) -> int:
        """Return how much was counted a second."""
        if window not in WINDOWS:
            raise Err("invalid-argument")
        return self._rates.sum_up(self._name, entry, window) // window

    def lookup_count(self, entry: str, duration: int) -> int:
        """Return how much was counted."""
        return self._rates.sum_up(self._name, entry, duration)


class RateLimits(Interface):
    """`fastly:compute/erl`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"rate-counter": RateCounter, "penalty-box": PenaltyBox}

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    def rate_counter_open(self, name: str) -> RateCounter:
        """Open any counter."""
        return RateCounter(name, self._rates)

    def penalty_box_open(self, name: str) -> PenaltyBox:
        """Open any box."""
        return PenaltyBox(name, self._rates)
