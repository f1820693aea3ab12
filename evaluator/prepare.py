"""From the JSON of one spec to the values of `spec`, on demand.

Everything that does not depend on the user happens here, once: operators get their targets, results their verdicts.
Readings are shared between all conditions of a project that read the same, so that a view of a user makes each only
once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from evaluator.bucketing import USER_BUCKETS
from evaluator.coerce import find_number, find_text
from evaluator.operators import LIST_OPERATORS, OPERATORS, to_lowered, to_unit_hash, write_element
from evaluator.sources import BUCKET, SOURCES
from evaluator.spec import (
    ALWAYS,
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
from evaluator.units import find_unit

if TYPE_CHECKING:
    from evaluator.operators import Conversion, Test
    from evaluator.spec import Prepared, Reference

type Document = Mapping[str, Any]
type Readings = dict[Reference, Reading]

# Of conversions, what does the same to whole numbers, in C.
_OF_NUMBERS: Final[Mapping[Conversion, Any]] = {to_lowered: str, find_number: float}
# Operators whose answer changes at most once from the first bucket to the last, and those that look into a set.
_OF_RANGE: Final = frozenset(("gt", "gte", "lt", "lte"))
_OF_SET: Final = frozenset(("any", "none"))
_LONGEST: Final = 4  # digits that are read: Python refuses to read thousands
_NESTED: Final = {"pass_gate": True, "fail_gate": False}


class Preparer:
    """Prepares specs of one document; keeps the readings and the shared conditions."""

    __slots__ = ("_ask", "_condition_map", "_conditions", "_readings")

    def __init__(self, condition_map: Document) -> None:
        self._condition_map = condition_map
        self._conditions: dict[str, AnyCondition] = {}
        self._readings: Readings = {}
        # Not a bound method: conditions must not refer to what holds them, the collector of cycles is slow.
        self._ask = partial(_prepare_question, self._readings)

    def prepare_spec(self, name: str, document: Document) -> Spec:
        """Prepare a gate, config, experiment or layer of a checked document."""
        default = document["defaultValue"]
        is_active = document.get("isActive") is True
        fallback = Verdict("default" if document["enabled"] else "disabled", default is True, default, is_active)
        salt = document["salt"]
        rules = [self.prepare_rule(rule, salt, default, is_active) for rule in document["rules"]]
        return Spec(name, document, rules, fallback)

    def prepare_rule(self, rule: Document, salt: str, default: object = None, is_active: bool = False) -> Rule:
        """Prepare a rule with what it needs of its spec; a rule of the config mapping has none but a salt."""
        rule_id, value, id_type, known = rule["id"], rule["returnValue"], rule.get("idType"), self._conditions
        passed = failed = Verdict(rule_id, value is not False, value, is_active, rule)
        if rule["passPercentage"] != ALWAYS:
            failed = Verdict(rule_id, default is True, default, is_active, rule)
        unit = find_unit(id_type if type(id_type) is str else str(id_type or ""))
        conditions = [
            known[one] if type(one) is str and one in known else self._find_condition(one) for one in rule["conditions"]
        ]
        return Rule(rule, salt, unit, conditions, passed, failed)

    def _find_condition(self, reference: Any) -> AnyCondition:
        """Prepare the condition of an id (v2), which is kept, or an inline one (v1)."""
        if not isinstance(reference, str):
            return self._prepare_condition(reference)
        document = self._condition_map.get(reference)
        condition = Unsupported(True) if document is None else self._prepare_condition(document)
        self._conditions[reference] = condition
        return condition

    def _prepare_condition(self, document: Document) -> AnyCondition:
        kind = document["type"]
        if kind == "public":
            return PUBLIC
        name = document.get("operator")
        if kind in SOURCES:
            if name in OPERATORS:
                return Condition(document, self._ask)
            return _prepare_list(self._readings, document, name) if name in LIST_OPERATORS else Unsupported(False)
        if kind in _NESTED:
            target = document.get("targetValue")
            return GateCondition(target if isinstance(target, str) else "", _NESTED[kind])
        return _prepare_group(document, name) if kind == "experiment_group" else Unsupported(False)


def _prepare_question(readings: Readings, document: Document) -> Prepared:
    kind, name, target = document["type"], document["operator"], document.get("targetValue")
    operator = OPERATORS[name]
    convert, test = operator.prepare(target)
    settled = None
    if kind == BUCKET:
        answer = _settle_bucket(name, target, test)
        settled = None if answer is None else answer is operator.wanted
        convert = _OF_NUMBERS.get(convert, convert)
    return (_find_reading(readings, document, convert), test, operator.wanted), settled


def _settle_bucket(operator: str, target: object, test: Test) -> bool | None:
    """Return what a test answers for every bucket, so that none need be hashed; None where that depends, or may.

    The console writes such conditions: `any` of no bucket but -1 for an experiment that nothing keeps users from, and
    `lt` 1000 for its last group.
    """
    if operator in _OF_RANGE:
        first, last = test(0.0) is True, test(float(USER_BUCKETS - 1)) is True
        return first if first is last else None
    if operator in _OF_SET and isinstance(target, (dict, list)):
        texts = target if isinstance(target, dict) else (write_element(one).lower() for one in target)
        return None if any(map(_is_bucket, texts)) else False
    return None


def _is_bucket(text: str) -> bool:
    return text.isascii() and text.isdecimal() and str(int(text[:_LONGEST])) == text and int(text) < USER_BUCKETS


def _find_reading(readings: Readings, document: Document, convert: Conversion) -> Reading:
    """Return the reading of a condition's value, which all conditions share that read and convert the same."""
    kind = document["type"]
    key = (kind, convert, _find_reference(kind, document))
    reading = readings.get(key)
    if reading is None:
        reading = readings[key] = Reading(SOURCES[kind](document), convert, key)
    return reading


def _prepare_list(readings: Readings, document: Document, name: str) -> ListCondition:
    """Prepare membership of an ID list."""
    target: object = document.get("targetValue")
    hashed = _find_reading(readings, document, to_unit_hash)
    return ListCondition(target if isinstance(target, str) else None, hashed, LIST_OPERATORS[name])


def _prepare_group(document: Document, name: Any) -> AnyCondition:
    operator = OPERATORS.get(name)
    if operator is None:
        return Unsupported(False)
    convert, test = operator.prepare(document.get("targetValue"))
    return GroupCondition(find_text(document.get("field")), convert, test, operator.wanted)


def _find_reference(kind: str, document: Document) -> object:
    """Return what the source of a condition reads: it may be any JSON value, also an array, and 1 is not true."""
    if kind != BUCKET:
        name = document.get("idType" if kind == "unit_id" else "field")
        return name if type(name) is str else (repr(name),)
    additional = document.get("additionalValues") or {}
    return (repr((document.get("idType"), additional.get("salt", ""))),)
