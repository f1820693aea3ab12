"""The v1 format: everything spelled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluator.client_response.entries import Shown, write_entry
from evaluator.client_response.kept import keep_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluator.client_response.entries import Listed
    from evaluator.client_response.kept import Kept, Trail
    from evaluator.client_response.options import ResponseOptions
    from evaluator.client_response.sections import Found
    from evaluator.client_response.texts import Piece, Text
    from evaluator.outcome import Outcome
    from evaluator.spec import Exposure

_END: Final = b"]}"
_UNDELEGATED: Final = b'],"undelegated_secondary_exposures":['


class Writer:
    """Writes the entries of one response, in pieces; texts that do not depend on the user come from `form`."""

    __slots__ = ("form", "kept", "shown", "stored")
    name = "v1"
    shows_parameter_rules = True

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        self.kept = kept
        self.shown = Shown(not options.remove_id_type, self.shows_parameter_rules)
        self.form = kept.find_form(self.name if self.shown.id_type else f"{self.name} without ID types")
        # The pieces of all sections so far: what a client stores, and so what its checksum is about.
        self.stored: list[bytes] = []

    def write_section(self, found: Found) -> list[Piece]:
        """Return the object {hashed name: entry} of gates or configs, in pieces."""
        return self.enclose(self.write_entries(found))

    def write_layers(self, found: Found) -> list[Piece]:
        """Return the object {hashed name: entry} of layers, in pieces."""
        return self.enclose(find_wholes(found, self.write_layer))

    def enclose(self, entries: list[bytes]) -> list[Piece]:
        """Return the pieces of an object, from those of its entries."""
        self.stored += (b"{", *entries)
        if not (entries and entries[0]):
            return [b"{}"]
        # The first entry without its comma: a view, because it may be long.
        return [b"{", memoryview(entries[0])[1:], *entries[1:], b"}"]

    def write_entries(self, found: Found) -> list[bytes]:
        """Return `,"hashed name":entry` for each gate or config."""
        return find_wholes(found, self.write_entry)

    def write_entry(self, listed: Listed, outcome: Outcome) -> bytes:
        """Return `,"hashed name":entry` for a gate or config, and keep it where others may get the same."""
        trail = outcome.trail
        start = self.form.find_entry(listed, outcome, self.start_entry)
        whole = start + (self.write_trail(trail) if trail else _END)
        return keep_whole(listed, outcome, whole)

    def write_layer(self, listed: Listed, outcome: Outcome) -> bytes:
        """Return `,"hashed name":entry` for a layer, and keep it where others may get the same."""
        start = self.form.find_entry(listed, outcome, self.start_entry)
        whole = start + self.write_trails(list_trails(outcome))
        return keep_whole(listed, outcome, whole)

    def start_entry(self, listed: Listed, outcome: Outcome) -> bytes:
        """Write `,"hashed name":entry` up to its exposures."""
        return write_entry(listed, outcome, self.kept.find_label, self.shown).encode("ascii")

    def write_trail(self, trail: Trail) -> bytes:
        """Return the items of a list of exposures, without duplicates, and the end of the entry."""
        return self.form.find_trail(trail, self.end_entry)

    def write_trails(self, trails: tuple[Trail, Trail]) -> bytes:
        """Return the items of both lists of a layer, and the end of the entry."""
        return self.form.find_trail(trails, self.end_layer)

    def end_entry(self, trail: Trail) -> bytes:
        """Write what `write_trail` returns."""
        return self.list_exposures(trail) + _END

    def end_layer(self, trails: tuple[Trail, Trail]) -> bytes:
        """Write what `write_trails` returns."""
        return _UNDELEGATED.join(map(self.list_exposures, trails)) + _END

    def list_exposures(self, trail: Trail) -> bytes:
        """Return the items of a list of exposures, without duplicates."""
        return b",".join([self.refer(exposure) for exposure in dict.fromkeys(trail)])

    def refer(self, exposure: Exposure) -> bytes:
        """Return what stands in a list for an exposure: here the exposure itself."""
        return self.kept.find_exposure(exposure)

    def tables(self) -> dict[str, Text]:
        """Return what entries refer to, as parts of the response."""
        return {}


def find_wholes(found: Found, write: Callable[[Listed, Outcome], bytes]) -> list[bytes]:
    """Return the whole text of each entity; what is not kept is written."""
    section, outcomes = found
    wholes: list[Any] = list(map(dict.get, section.wholes, outcomes))
    at = -1
    for _missing in range(wholes.count(None)):
        at = wholes.index(None, at + 1)
        wholes[at] = write(section.listed[at], outcomes[at])
    return wholes


def list_trails(outcome: Outcome) -> tuple[Trail, Trail]:
    """Return the exposures of a layer, and those without its delegate's."""
    return outcome.trail, outcome.trail if outcome.undelegated is None else outcome.undelegated
