"""Ask the official core about one condition at a time, many questions to a spec.

The core does not tell what it saw (a user-agent field, a country); it only answers gates. So each question becomes a
gate with a single condition that compares with the answer we expect, and the core says yes or no.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.conformance.official_core import OfficialCore

type Json = dict[str, Any]


class Question(NamedTuple):
    """A condition for one user. `field` and `target` are as in a spec."""

    user: Mapping[str, Any]
    condition_type: str
    field: str
    operator: str
    target: object


def expect_field(user: Mapping[str, Any], condition_type: str, field: str, value: str | None) -> Question:
    """Ask whether the core sees exactly this value in a field; None asks whether it sees nothing."""
    if value is None:
        return Question(user, condition_type, field, "eq", None)
    return Question(user, condition_type, field, "eq", value)


def answer_questions(questions: Sequence[Question]) -> list[bool]:
    """Return the core's answers, in order."""
    keys = [f"{q.condition_type}|{q.field}|{q.operator}|{q.target!r}" for q in questions]
    conditions = {key: _build_condition(question) for key, question in zip(keys, questions, strict=True)}
    with OfficialCore(_build_spec(conditions)) as core:
        return [core.check_gate(question.user, key) for key, question in zip(keys, questions, strict=True)]


def _build_condition(question: Question) -> Json:
    return {
        "type": question.condition_type,
        "field": question.field,
        "operator": question.operator,
        "targetValue": question.target,
        "additionalValues": {},
        "idType": "userID",
    }


def _build_gate(condition: str) -> Json:
    rule = {
        "name": "matched",
        "id": "matched",
        "salt": "",
        "passPercentage": 100,
        "conditions": [condition],
        "returnValue": True,
        "idType": "userID",
    }
    return {
        "type": "feature_gate",
        "entity": "feature_gate",
        "salt": "",
        "enabled": True,
        "defaultValue": False,
        "rules": [rule],
        "idType": "userID",
    }


def _build_spec(conditions: Mapping[str, Json]) -> Json:
    return {
        "has_updates": True,
        "time": 1,
        "response_format": "dcs-v2",
        "company_id": "",
        "feature_gates": {key: _build_gate(key) for key in conditions},
        "dynamic_configs": {},
        "layer_configs": {},
        "experiment_to_layer": {},
        "condition_map": dict(conditions),
    }
