"""The v2 format: v1 with keys in place of exposures, and the exposures in a table."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from evaluator.client_response import v1
from evaluator.client_response.kept import list_members

if TYPE_CHECKING:
    from evaluator.client_response.entries import Entry
    from evaluator.client_response.kept import Kept, Text, Trail
    from evaluator.client_response.options import ResponseOptions
    from evaluator.spec import Exposure


class Writer(v1.Writer):
    """Remembers the lists of exposures that entries have."""

    __slots__ = ("_met",)
    name = "v2"

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        super().__init__(kept, options)
        self.trails = {}
        self._met: list[Trail] = []

    def start_entry(self, entry: Entry) -> bytes:
        """Write an entry up to its exposures; the core leaves out which rule gave each parameter."""
        entry.pop("parameter_rule_ids", None)
        return super().start_entry(entry)

    def write_trail(self, trail: Trail) -> bytes:
        """Return the keys of a list of exposures, and the end of the entry."""
        self._met.append(trail)
        text = self.trails[trail] = super().write_trail(trail)
        return text

    def write_trails(self, trails: tuple[Trail, Trail]) -> bytes:
        """Return the keys of both lists of a layer, and the end of the entry."""
        self._met += trails
        return super().write_trails(trails)

    def refer(self, exposure: Exposure) -> bytes:
        """Return the key of an exposure."""
        return self.kept.find_exposure_key(exposure)

    def tables(self) -> dict[str, Text]:
        """Return the table of exposures."""
        find_key, find = self.kept.find_exposure_key, self.kept.find_exposure
        table = {find_key(exposure): find(exposure) for exposure in dict.fromkeys(chain.from_iterable(self._met))}
        return {"exposures": list_members(table)}
