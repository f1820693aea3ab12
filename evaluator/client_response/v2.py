"""The v2 format: v1 with keys in place of exposures, and the exposures in a table."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from evaluator.client_response import v1
from evaluator.client_response.texts import list_members

if TYPE_CHECKING:
    from evaluator.client_response.kept import Kept, Trail
    from evaluator.client_response.options import ResponseOptions
    from evaluator.client_response.sections import Found
    from evaluator.client_response.texts import Piece, Text
    from evaluator.spec import Exposure


class Writer(v1.Writer):
    """Remembers the lists of exposures that entries have."""

    __slots__ = ("_met",)
    name = "v2"
    shows_parameter_rules = False  # as in the core

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        super().__init__(kept, options)
        self._met: dict[Trail, None] = {}

    def write_section(self, found: Found) -> list[Piece]:
        """Return the object {hashed name: entry} of gates or configs, in pieces."""
        _section, outcomes = found
        self._met |= dict.fromkeys([outcome.trail for outcome in outcomes])
        return super().write_section(found)

    def write_layers(self, found: Found) -> list[Piece]:
        """Return the object {hashed name: entry} of layers, in pieces."""
        _section, outcomes = found
        self._met |= dict.fromkeys([trail for outcome in outcomes for trail in v1.list_trails(outcome)])
        return super().write_layers(found)

    def refer(self, exposure: Exposure) -> bytes:
        """Return the key of an exposure."""
        return self.kept.find_exposure_key(exposure)

    def tables(self) -> dict[str, Text]:
        """Return the table of exposures."""
        find_key, find = self.kept.find_exposure_key, self.kept.find_exposure
        table = {find_key(exposure): find(exposure) for exposure in dict.fromkeys(chain.from_iterable(self._met))}
        return {"exposures": list_members(table)}
