"""The v1 format: everything spelled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.client_response.entries import LAYER_ENTITY
from evaluator.client_response.kept import encode

if TYPE_CHECKING:
    from evaluator.client_response.entries import Entry, Listed
    from evaluator.client_response.kept import Kept, Text, Trail
    from evaluator.client_response.options import ResponseOptions
    from evaluator.client_response.sections import Found
    from evaluator.outcome import Outcome
    from evaluator.spec import Exposure

_NO_EXPOSURES: Final = "]}"


class Writer:
    """Writes the entries of one response, in pieces; texts that do not depend on the user come from `form`."""

    __slots__ = ("form", "kept", "shows_id_type", "stored", "trails")
    name = "v1"

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        self.kept = kept
        self.shows_id_type = not options.remove_id_type
        self.form = kept.find_form(self.name if self.shows_id_type else f"{self.name} without ID types")
        self.trails = self.form.trails
        # The pieces of all sections so far: what a client stores, and so what its checksum is about.
        self.stored: list[str] = []

    def write_all(self, found: Found) -> list[str]:
        """Return the object {hashed name: entry}, in pieces."""
        pieces = self.write_pieces(found)
        pieces.append("}")
        self.stored += pieces
        pieces[0] = "{" + pieces[0].removeprefix(",") if found else "{}"
        return pieces

    def write_pieces(self, found: Found) -> list[str]:
        """Return `,"hashed name":entry` for each, in pieces."""
        pieces: list[str] = []
        add = pieces.append
        trails, find_start, write_trail = self.trails, self.find_start, self.write_trail
        for listed, outcome in found:
            start = listed.texts.get(outcome.verdict) if outcome.delegate is None else None
            add(start or find_start(listed, outcome))
            trail = outcome.trail
            end = (trails.get(trail) or write_trail(trail)) if trail else _NO_EXPOSURES
            if listed.entity is LAYER_ENTITY:
                add(end[:-1])
                add(',"undelegated_secondary_exposures":[')
                end = end if outcome.undelegated is None else write_trail(outcome.undelegated)
            add(end)
        return pieces

    def find_start(self, listed: Listed, outcome: Outcome) -> str:
        """Return an entry up to its exposures."""
        return self.form.find_entry(listed, outcome, self.start_entry)

    def start_entry(self, entry: Entry) -> str:
        """Write an entry up to its exposures."""
        if not self.shows_id_type:
            entry.pop("id_type", None)
        if entry.get("explicit_parameters", ()) is None:
            entry["explicit_parameters"] = []  # of a layer
        return f',{encode(entry["name"])}:{encode(entry)[:-1]},"secondary_exposures":['

    def write_trail(self, trail: Trail) -> str:
        """Return the items of a list of exposures, without duplicates, and the end of the entry."""
        return self.form.find_trail(trail, self.end_entry)

    def end_entry(self, trail: Trail) -> str:
        """Write what `write_trail` returns."""
        return ",".join([self.refer(exposure) for exposure in dict.fromkeys(trail)]) + "]}"

    def refer(self, exposure: Exposure) -> str:
        """Return what stands in a list for an exposure: here the exposure itself."""
        return self.kept.find_exposure(exposure)

    def tables(self) -> dict[str, Text]:
        """Return what entries refer to, as parts of the response."""
        return {}
