"""What became of the events of one sandbox.

`/healthz` shows the totals. The log gets what was added since its last line, so that the lines of all sandboxes sum up
to the fleet's totals: what was collected and is neither delivered, stored nor dropped was lost with a sandbox that was
killed, or is still on its way.
"""

from collections.abc import Mapping
from typing import Final

NAMES: Final = (
    "collected",  # exposures of replies, and events that clients handed over
    "deduplicated",  # exposures left out because they were seen within the window
    "sampled_out",  # exposures left out because the spec asks for a sample
    "bots",  # exposures left out because a bot asked
    "delivered",  # confirmed by the endpoint
    "posts",  # requests to the endpoint
    "retried",  # events sent again
    "stored",  # kept in the KV store
    "refused",  # handed over by clients, neither delivered nor stored: the client was told
    "drained",  # taken from the store and confirmed
    "set_aside",  # in the store, and not to be sent
    "dropped",  # lost
)


class Counts:
    """Totals by name, and what of them was logged."""

    __slots__ = ("_logged", "_totals")

    def __init__(self) -> None:
        self._totals: dict[str, int] = {}
        self._logged: dict[str, int] = {}

    def add(self, name: str, number: int = 1) -> None:
        """Count."""
        self._totals[name] = self._totals.get(name, 0) + number

    def set(self, name: str, total: int) -> None:
        """Take over what was counted elsewhere."""
        if total:
            self._totals[name] = total

    def totals(self) -> Mapping[str, int]:
        """Return every total."""
        return {name: self._totals.get(name, 0) for name in NAMES}

    def take_line(self) -> str:
        """Return what was added since the last call as `name=number`, empty when there is nothing new."""
        totals, logged = self._totals, self._logged
        if totals == logged:
            return ""
        line = ""
        for name, number in totals.items():
            added = number - logged.get(name, 0)
            if added:
                line += f" {name}={added}" if line else f"{name}={added}"
        self._logged = totals.copy()
        return line
