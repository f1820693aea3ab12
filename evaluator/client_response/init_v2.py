"""The init-v2 format: short keys, defaults left out, exposures and values in tables keyed "0", "1", …."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.client_response import v1
from evaluator.client_response.entries import GATE_ENTITY, LAYER_ENTITY
from evaluator.client_response.kept import encode

if TYPE_CHECKING:
    from evaluator.client_response.entries import Entry, Listed
    from evaluator.client_response.kept import Kept
    from evaluator.client_response.options import ResponseOptions
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

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        super().__init__(kept, options)
        self._form = "init-v2" if self.shows_id_type else "init-v2 without ID types"
        self._exposures: dict[Exposure, str] = {}
        self._values: dict[str, str] = {}

    def write(self, listed: Listed, outcome: Outcome) -> str:
        """Return `"hashed name":entry` in short keys."""
        is_layer = listed.entity == LAYER_ENTITY
        split = self.split_layer if is_layer else self.split_entry
        name, value, fields = self.kept.find_entry(listed, outcome, self._form, split)
        parts = [fields] if fields else []
        if listed.entity != GATE_ENTITY:
            parts.append(f'"v":{self.number_value(value)}')
        elif outcome.verdict.passed:
            parts.append('"v":true')
        trail = outcome.trail
        if trail:
            parts.append(f'"s":[{self.write_exposures(trail)}]')
        if is_layer:
            layer_trail = trail if outcome.undelegated is None else outcome.undelegated
            if layer_trail:
                parts.append(f'"us":[{self.write_exposures(layer_trail)}]')
        return f"{name}:{{{','.join(parts)}}}"

    def split_layer(self, entry: Entry) -> tuple[str, str, str]:
        """Split the entry of a layer, which alone shows explicit parameters."""
        name, value, fields = self.split_entry(entry)
        explicit = entry["explicit_parameters"]
        return name, value, fields if explicit is None else f'{fields},"ep":{encode(explicit)}'.removeprefix(",")

    def split_entry(self, entry: Entry) -> tuple[str, str, str]:
        """Return the name, the value, and the fields that a default does not cover, each as text."""
        short = {_SHORT[key]: field for key, field in entry.items() if key in _SHORT}
        if not self.shows_id_type:
            del short["i"]
        if short["r"] == _DEFAULT_RULE:
            del short["r"]
        return encode(entry["name"]), encode(entry["value"]), encode(short)[1:-1]

    def number_value(self, value: str) -> str:
        """Return the number of a value, as text."""
        number = self._values.get(value)
        if number is None:
            number = self._values[value] = f'"{len(self._values)}"'
        return number

    def refer(self, exposure: Exposure) -> str:
        """Return the number of an exposure, as text."""
        number = self._exposures.get(exposure)
        if number is None:
            number = self._exposures[exposure] = f'"{len(self._exposures)}"'
        return number

    def tables(self) -> dict[str, str]:
        """Return both tables and the name of the format."""
        find = self.kept.find_exposure
        return {
            "exposures": "{" + ",".join([f"{number}:{find(one)}" for one, number in self._exposures.items()]) + "}",
            "values": "{" + ",".join([f"{number}:{value}" for value, number in self._values.items()]) + "}",
            "response_format": '"init-v2"',
        }
