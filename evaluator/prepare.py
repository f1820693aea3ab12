"""From the JSON of one spec to the values of `spec`, on demand.

Everything that does not depend on the user happens here, once: operators get their targets, results their verdicts.
Readings are shared between all conditions of a project that read the same, so that a view of a user makes each only
once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from evaluator.bucketing import to_bytes
from evaluator.coerce import find_text
from evaluator.operators import LIST_OPERATORS, OPERATORS, to_hashed_text, to_unit_hash
from evaluator.sources import SOURCES, read_unit_id
from evaluator.spec import (
    PUBLIC,
    AnyCondition,
    Condition,
    GateCondition,
    GroupCondition,
    ListCondition,
    Reading,
    Rule,
    Spec,
    Unsupported,
    Verdict,
)

if TYPE_CHECKING:
    from evaluator.operators import Conversion
    from evaluator.spec import Source

type Document = Mapping[str, object]

_NESTED: Final = {"pass_gate": True, "fail_gate": False}


class Preparer:
    """Prepares specs of one document; keeps the readings and the shared conditions."""

    __slots__ = ("_condition_map", "_conditions", "_readings")

    def __init__(self, condition_map: Document) -> None:
        self._condition_map = condition_map
        self._conditions: dict[str, AnyCondition] = {}
        self._readings: dict[tuple[object, ...], Reading] = {}

    def prepare_spec(self, name: str, document: Document) -> Spec:
        """Prepare a gate, config, experiment or layer of a checked document."""
        default = document["defaultValue"]
        rule_id = "default" if document["enabled"] is True else "disabled"
        is_active = document.get("isActive") is True
        fallback = Verdict(rule_id, default is True, default, is_active=is_active)
        rules = tuple(self.prepare_rule(rule, document) for rule in cast("list[Document]", document["rules"]))
        return Spec(name, document, rules, fallback)

    def prepare_rule(self, rule: Document, spec: Document) -> Rule:
        """Prepare a rule of a spec; a rule of the config mapping comes with a stand-in for its spec."""
        rule_id = cast("str", rule["id"])
        default, value = spec.get("defaultValue"), rule.get("returnValue")
        details = {
            "group_name": rule.get("groupName"),
            "is_experiment_group": rule.get("isExperimentGroup") is True,
            "is_active": spec.get("isActive") is True,
            "sampling_rate": rule.get("samplingRate"),
        }
        rule_salt = rule.get("salt")
        salt = to_bytes(f"{spec.get('salt', '')}.{rule_id if rule_salt is None else rule_salt}.")
        id_type = str(rule.get("idType") or "")
        return Rule(
            tuple(map(self._find_condition, cast("list[object]", rule["conditions"]))),
            pass_percentage=float(cast("float", rule["passPercentage"])),
            salt=salt,
            unit=self._share_reading(("unit", id_type), read_unit_id(rule), to_hashed_text),
            id_type=id_type,
            delegate=cast("str | None", rule.get("configDelegate")),
            passed=Verdict(rule_id, value is not False, value, **details),  # type: ignore[arg-type]
            failed=Verdict(rule_id, default is True, default, **details),  # type: ignore[arg-type]
            document=rule,
        )

    def _find_condition(self, reference: object) -> AnyCondition:
        """Return the condition of an id (v2), or prepare the inline one (v1)."""
        if not isinstance(reference, str):
            return self._prepare_condition(cast("Document", reference))
        condition = self._conditions.get(reference)
        if condition is None:
            document = self._condition_map.get(reference)
            condition = Unsupported(True) if document is None else self._prepare_condition(cast("Document", document))
            self._conditions[reference] = condition
        return condition

    def _prepare_condition(self, document: Document) -> AnyCondition:
        kind = cast("str", document["type"])
        if kind == "public":
            return PUBLIC
        target, name = document.get("targetValue"), cast("str", document.get("operator"))
        if kind in _NESTED:
            return GateCondition(target if isinstance(target, str) else "", _NESTED[kind])
        if kind == "experiment_group":
            return _prepare_group(document, target, name)
        make_source = SOURCES.get(kind)
        if make_source is None:
            return Unsupported(False)
        if name in LIST_OPERATORS:
            hashed = Reading(make_source(document), to_unit_hash)
            return ListCondition(target if isinstance(target, str) else None, hashed, LIST_OPERATORS[name])
        operator = OPERATORS.get(name)
        if operator is None:
            return Unsupported(False)
        convert, test = operator.prepare(target)
        # As texts: these may be any JSON value, also an array, and 1 is not true.
        written = repr((document.get("field"), document.get("idType"), _salt_of(document)))
        key = (kind, written, convert)
        return Condition(self._share_reading(key, make_source(document), convert), test, operator.wanted)

    def _share_reading(self, key: tuple[object, ...], source: Source, convert: Conversion) -> Reading:
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = Reading(source, convert)
        return reading


def _prepare_group(document: Document, target: object, name: str) -> AnyCondition:
    operator = OPERATORS.get(name)
    if operator is None:
        return Unsupported(False)
    convert, test = operator.prepare(target)
    return GroupCondition(find_text(document.get("field")), convert, test, operator.wanted)


def _salt_of(document: Document) -> object:
    additional = document.get("additionalValues")
    return additional.get("salt") if isinstance(additional, Mapping) else None
