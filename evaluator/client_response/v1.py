"""The v1 format: everything spelled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.client_response.kept import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluator.client_response.entries import Entry, Listed
    from evaluator.client_response.kept import Kept, Piece, Text, Trail
    from evaluator.client_response.options import ResponseOptions
    from evaluator.client_response.sections import Found
    from evaluator.outcome import Outcome
    from evaluator.spec import Exposure

_END: Final = b"]}"
_UNDELEGATED: Final = b'],"undelegated_secondary_exposures":['


class Writer:
    """Writes the entries of one response, in pieces; texts that do not depend on the user come from `form`."""

    __slots__ = ("form", "kept", "shows_id_type", "stored", "trails")
    name = "v1"

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        self.kept = kept
        self.shows_id_type = not options.remove_id_type
        self.form = kept.find_form(self.name if self.shows_id_type else f"{self.name} without ID types")
        self.trails: dict[object, bytes] = self.form.trails
        # The pieces of all sections so far: what a client stores, and so what its checksum is about.
        self.stored: list[bytes] = []

    def write_section(self, found: Found) -> list[Piece]:
        """Return the object {hashed name: entry} of gates or configs, in pieces."""
        return self.enclose(self.write_entries(found))

    def write_layers(self, found: Found) -> list[Piece]:
        """Return the object {hashed name: entry} of layers, in pieces."""
        pieces: list[bytes] = []
        for listed, outcome in found:
            whole = listed.wholes.get(outcome)
            pieces += (whole,) if whole else self.write_layer(listed, outcome)
        return self.enclose(pieces)

    def enclose(self, entries: list[bytes]) -> list[Piece]:
        """Return the pieces of an object, from those of its entries."""
        self.stored += (b"{", *entries)
        # The first entry without its comma: a view, because it may be long.
        return [b"{", memoryview(entries[0])[1:], *entries[1:], b"}"] if entries else [b"{}"]

    def write_entries(self, found: Found) -> list[bytes]:
        """Return `,"hashed name":entry` for each gate or config, in pieces."""
        pieces: list[bytes] = []
        add, trails = pieces.append, self.trails
        for listed, outcome in found:
            trail = outcome.trail
            if trail:
                add(listed.texts.get(outcome.verdict) or self.write_start(listed, outcome))
                add(trails.get(trail) or self.write_trail(trail))
            else:
                add(listed.wholes.get(outcome) or self.write_whole(listed, outcome, self.finish_entry))
        return pieces

    def write_layer(self, listed: Listed, outcome: Outcome) -> tuple[bytes, ...]:
        """Return `,"hashed name":entry` for a layer, in pieces."""
        undelegated = outcome.trail if outcome.undelegated is None else outcome.undelegated
        if not (outcome.trail or undelegated):
            return (self.write_whole(listed, outcome, self.finish_layer),)
        return self.write_start(listed, outcome), self.write_trails((outcome.trail, undelegated))

    def write_start(self, listed: Listed, outcome: Outcome) -> bytes:
        """Return an entry up to its exposures."""
        start: bytes = self.form.find_entry(listed, outcome, self.start_entry)
        return start

    def write_whole(self, listed: Listed, outcome: Outcome, write: Callable[[Entry], bytes]) -> bytes:
        """Return an entry without exposures."""
        return self.form.find_whole(listed, outcome, write)

    def start_entry(self, entry: Entry) -> bytes:
        """Write an entry up to its exposures."""
        if not self.shows_id_type:
            entry.pop("id_type", None)
        if entry.get("explicit_parameters", ()) is None:
            entry["explicit_parameters"] = []  # of a layer
        return b',%b:%b,"secondary_exposures":[' % (encode(entry["name"]), encode(entry)[:-1])

    def finish_entry(self, entry: Entry) -> bytes:
        """Write an entry without exposures."""
        return self.start_entry(entry) + _END

    def finish_layer(self, entry: Entry) -> bytes:
        """Write the entry of a layer without exposures."""
        return self.start_entry(entry) + _UNDELEGATED + _END

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
