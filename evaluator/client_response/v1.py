"""The v1 format: everything spelled out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evaluator.client_response.entries import LAYER_ENTITY
from evaluator.client_response.kept import encode

if TYPE_CHECKING:
    from evaluator.client_response.entries import Entry, Listed
    from evaluator.client_response.kept import Kept
    from evaluator.client_response.options import ResponseOptions
    from evaluator.outcome import Outcome
    from evaluator.spec import Exposure


class Writer:
    """Writes the entries of one response; texts that do not depend on the user come from `kept`."""

    __slots__ = ("_form", "kept", "shows_id_type")

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        self.kept = kept
        self.shows_id_type = not options.remove_id_type
        self._form = "v1" if self.shows_id_type else "v1 without ID types"

    def write_all(self, found: Iterable[tuple[Listed, Outcome]]) -> str:
        """Return the object {hashed name: entry}."""
        return "{" + ",".join([self.write(listed, outcome) for listed, outcome in found]) + "}"

    def write(self, listed: Listed, outcome: Outcome) -> str:
        """Return `"hashed name":entry`."""
        start = self.kept.find_entry(listed, outcome, self._form, self.start_entry)
        trail = outcome.trail
        text = start + (self.write_exposures(trail) if trail else "")
        if listed.entity == LAYER_ENTITY:
            layer_trail = trail if outcome.undelegated is None else outcome.undelegated
            text += '],"undelegated_secondary_exposures":[' + self.write_exposures(layer_trail)
        return text + "]}"

    def start_entry(self, entry: Entry) -> str:
        """Write an entry up to its exposures."""
        if not self.shows_id_type:
            entry.pop("id_type", None)
        if entry.get("explicit_parameters", ()) is None:
            entry["explicit_parameters"] = []  # of a layer
        return f'{encode(entry["name"])}:{encode(entry)[:-1]},"secondary_exposures":['

    def write_exposures(self, trail: tuple[Exposure, ...]) -> str:
        """Return the items of a list of exposures, without duplicates."""
        return ",".join([self.refer(exposure) for exposure in dict.fromkeys(trail)])

    def refer(self, exposure: Exposure) -> str:
        """Return what stands in a list for an exposure: here the exposure itself."""
        return self.kept.find_exposure(exposure)

    def tables(self) -> dict[str, str]:
        """Return what entries refer to, as parts of the response."""
        return {}
