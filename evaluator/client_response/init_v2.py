"""The init-v2 format: short keys, defaults left out, exposures and values in tables keyed "0", "1", …."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.client_response import v1
from evaluator.client_response.entries import GATE_ENTITY, LAYER_ENTITY
from evaluator.client_response.sections import pair
from evaluator.client_response.texts import encode, list_members
from evaluator.evaluation import explicit_of, id_type_of, is_active

if TYPE_CHECKING:
    from evaluator.client_response.entries import Listed
    from evaluator.client_response.kept import Kept, Trail
    from evaluator.client_response.options import ResponseOptions
    from evaluator.client_response.sections import Found
    from evaluator.client_response.texts import Piece, Text
    from evaluator.outcome import Outcome
    from evaluator.spec import Exposure

_DEFAULT_RULE: Final = "default"


class Writer(v1.Writer):
    """Numbers the exposures and values of one response as they come."""

    __slots__ = ("_exposures", "_trails", "_values")
    name = "init-v2"

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        super().__init__(kept, options)
        self._trails: dict[Trail, bytes] = {}
        self._exposures: dict[Exposure, bytes] = {}
        self._values: dict[bytes, bytes] = {}

    def write_entries(self, found: Found) -> list[bytes]:
        """Return `,"hashed name":entry` for each, in short keys, as one piece: short, and of this response only."""
        return [b"".join([self.write_short(*each) for each in pair(found)])]

    def write_layers(self, found: Found) -> list[Piece]:
        """Return the object {hashed name: entry} of layers, in short keys."""
        return self.enclose([b"".join([self.write_short_layer(*each) for each in pair(found)])])

    def write_short(self, listed: Listed, outcome: Outcome) -> bytes:
        """Return `,"hashed name":entry` for a gate or config."""
        kept = listed.texts.get(outcome.verdict)
        start, value, fields = kept or self.form.find_entry(listed, outcome, self.split_entry)
        parts = [fields] if fields else []
        if listed.entity is not GATE_ENTITY:
            parts.append(b'"v":' + (self._values.get(value) or self.number_value(value)))
        elif outcome.verdict.passed:
            parts.append(b'"v":true')
        trail = outcome.trail
        if trail:
            parts.append(self._trails.get(trail) or self.write_trail(trail))
        return b"%b%b}" % (start, b",".join(parts))

    def write_short_layer(self, listed: Listed, outcome: Outcome) -> bytes:
        """Return `,"hashed name":entry` for a layer."""
        start, value, fields = self.form.find_entry(listed, outcome, self.split_layer)
        parts = [fields] if fields else []
        parts.append(b'"v":' + (self._values.get(value) or self.number_value(value)))
        if outcome.trail:
            parts.append(self.write_trail(outcome.trail))
        undelegated = outcome.trail if outcome.undelegated is None else outcome.undelegated
        if undelegated:
            parts.append(b'"us":[%b]' % self.list_exposures(undelegated))
        return b"%b%b}" % (start, b",".join(parts))

    def split_layer(self, listed: Listed, outcome: Outcome) -> tuple[bytes, bytes, bytes]:
        """Split the entry of a layer, which alone shows explicit parameters."""
        start, value, fields = self.split_entry(listed, outcome)
        explicit = explicit_of(outcome)
        return start, value, fields if explicit is None else (b'%b,"ep":%b' % (fields, encode(explicit))).lstrip(b",")

    def split_entry(self, listed: Listed, outcome: Outcome) -> tuple[bytes, bytes, bytes]:
        """Return the start with the name, the value, and the fields that a default does not cover, each as text."""
        is_gate = listed.entity is GATE_ENTITY
        rule_id, id_type = outcome.verdict.rule_id + outcome.suffix, id_type_of(outcome)
        short: dict[str, object] = {} if rule_id == _DEFAULT_RULE else {"r": rule_id}
        if self.shown.id_type and not (is_gate and id_type is None):
            short["i"] = id_type or ""
        if not is_gate:
            short |= self.describe(listed, outcome)
        label = self.kept.find_label(listed.name).encode("ascii")
        return b",%b:{" % label, encode(outcome.verdict.value), encode(short)[1:-1]

    def describe(self, listed: Listed, outcome: Outcome) -> dict[str, object]:
        """Return the fields that gates have not, in short keys."""
        verdict = outcome.verdict
        if listed.entity == "dynamic_config":
            return {"p": verdict.passed}
        short: dict[str, object] = {} if verdict.group_name is None else {"gn": verdict.group_name}
        if outcome.delegate and listed.entity is LAYER_ENTITY:
            short["ae"] = self.kept.find_name(outcome.delegate)
        if listed.entity == "experiment" or "ae" in short:
            short |= {"ea": is_active(outcome), "ue": verdict.is_experiment_group}
        return short

    def number_value(self, value: bytes) -> bytes:
        """Return the number of a value that has none yet, as text."""
        number = self._values[value] = b'"%d"' % len(self._values)
        return number

    def write_trail(self, trail: Trail) -> bytes:
        """Return the member that lists the numbers of exposures, without duplicates."""
        text = self._trails[trail] = b'"s":[%b]' % self.list_exposures(trail)
        return text

    def refer(self, exposure: Exposure) -> bytes:
        """Return the number of an exposure, as text."""
        number = self._exposures.get(exposure)
        if number is None:
            number = self._exposures[exposure] = b'"%d"' % len(self._exposures)
        return number

    def tables(self) -> dict[str, Text]:
        """Return both tables and the name of the format."""
        find = self.kept.find_exposure
        exposures = b"".join(list_members({number: find(one) for one, number in self._exposures.items()}))
        self.stored += (exposures, *self._values)
        return {
            "exposures": exposures,
            "values": list_members({number: value for value, number in self._values.items()}),
            "response_format": b'"init-v2"',
        }
