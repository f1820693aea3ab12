"""The init-v2 format: short keys, defaults left out, exposures and values in tables keyed "0", "1", …."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.client_response import v1
from evaluator.client_response.entries import GATE_ENTITY, LAYER_ENTITY
from evaluator.client_response.kept import encode, list_members

if TYPE_CHECKING:
    from evaluator.client_response.entries import Entry, Listed
    from evaluator.client_response.kept import Kept, Text, Trail
    from evaluator.client_response.options import ResponseOptions
    from evaluator.client_response.sections import Found
    from evaluator.outcome import Outcome
    from evaluator.spec import Exposure

_SHORT: Final = {
    "rule_id": "r",
    "id_type": "i",
    "group_name": "gn",
    "is_user_in_experiment": "ue",
    "is_experiment_active": "ea",
    "passed": "p",
    "allocated_experiment_name": "ae",
}
_DEFAULT_RULE: Final = "default"


class Writer(v1.Writer):
    """Numbers the exposures and values of one response as they come."""

    __slots__ = ("_exposures", "_values")
    name = "init-v2"

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        super().__init__(kept, options)
        self.trails = {}
        self._exposures: dict[Exposure, str] = {}
        self._values: dict[str, str] = {}

    def write_pieces(self, found: Found) -> list[str]:
        """Return `,"hashed name":entry` for each, in short keys, as one piece: short, and of this response only."""
        return ["".join([self.write(listed, outcome) for listed, outcome in found])] if found else []

    def write(self, listed: Listed, outcome: Outcome) -> str:
        """Return `,"hashed name":entry`."""
        is_layer = listed.entity is LAYER_ENTITY
        kept = listed.texts.get(outcome.verdict) if outcome.delegate is None else None
        start, value, fields = kept or self.form.find_entry(
            listed, outcome, self.split_layer if is_layer else self.split_entry
        )
        parts = [fields] if fields else []
        if listed.entity is not GATE_ENTITY:
            parts.append(f'"v":{self._values.get(value) or self.number_value(value)}')
        elif outcome.verdict.passed:
            parts.append('"v":true')
        trail = outcome.trail
        if trail:
            parts.append(f'"s":[{self.trails.get(trail) or self.write_trail(trail)}]')
        if is_layer:
            layer_trail = trail if outcome.undelegated is None else outcome.undelegated
            if layer_trail:
                parts.append(f'"us":[{self.write_trail(layer_trail)}]')
        return f"{start}{','.join(parts)}}}"

    def split_layer(self, entry: Entry) -> tuple[str, str, str]:
        """Split the entry of a layer, which alone shows explicit parameters."""
        start, value, fields = self.split_entry(entry)
        explicit = entry["explicit_parameters"]
        return start, value, fields if explicit is None else f'{fields},"ep":{encode(explicit)}'.removeprefix(",")

    def split_entry(self, entry: Entry) -> tuple[str, str, str]:
        """Return the start with the name, the value, and the fields that a default does not cover, each as text."""
        short = {_SHORT[key]: field for key, field in entry.items() if key in _SHORT}
        if not self.shows_id_type:
            del short["i"]
        if short["r"] == _DEFAULT_RULE:
            del short["r"]
        return f",{encode(entry['name'])}:{{", encode(entry["value"]), encode(short)[1:-1]

    def number_value(self, value: str) -> str:
        """Return the number of a value that has none yet, as text."""
        number = self._values[value] = f'"{len(self._values)}"'
        return number

    def write_trail(self, trail: Trail) -> str:
        """Return the numbers of a list of exposures, without duplicates."""
        text = self.trails[trail] = ",".join([self.refer(exposure) for exposure in dict.fromkeys(trail)])
        return text

    def refer(self, exposure: Exposure) -> str:
        """Return the number of an exposure, as text."""
        number = self._exposures.get(exposure)
        if number is None:
            number = self._exposures[exposure] = f'"{len(self._exposures)}"'
        return number

    def tables(self) -> dict[str, Text]:
        """Return both tables and the name of the format."""
        find = self.kept.find_exposure
        exposures = "".join(list_members({number: find(one) for one, number in self._exposures.items()}))
        self.stored += (exposures, *self._values)
        return {
            "exposures": exposures,
            "values": list_members({number: value for value, number in self._values.items()}),
            "response_format": '"init-v2"',
        }
