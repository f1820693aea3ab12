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

    __slots__ = ()
    name = "v2"

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        super().__init__(kept, options)
        self.trails = {}

    def start_entry(self, entry: Entry) -> str:
        """Write an entry up to its exposures; the core leaves out which rule gave each parameter."""
        entry.pop("parameter_rule_ids", None)
        return super().start_entry(entry)

    def write_trail(self, trail: Trail) -> str:
        """Return the keys of a list of exposures, and the end of the entry."""
        text = self.trails[trail] = super().write_trail(trail)
        return text

    def refer(self, exposure: Exposure) -> str:
        """Return the key of an exposure."""
        return self.kept.find_exposure_key(exposure)

    def tables(self) -> dict[str, Text]:
        """Return the table of exposures."""
        find_key, find = self.kept.find_exposure_key, self.kept.find_exposure
        table = {find_key(exposure): find(exposure) for exposure in dict.fromkeys(chain.from_iterable(self.trails))}
        return {"exposures": list_members(table)}
