"""Small v2 documents from their parts, and the answers a user gets from them."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from evaluator.bucketing import PASS_BUCKETS, USER_BUCKETS, hash_text
from evaluator.decode import decode_project
from evaluator.evaluate import evaluate_config, evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.evaluation import Evaluation
from evaluator.options import Options
from evaluator.project import Project
from evaluator.user import decode_user
from evaluator.view import UserView

type Json = dict[str, Any]

NOW = 1_700_000_000_000
UNIT = "ada"
EVALUATE = {
    "gate": evaluate_gate,
    "config": evaluate_config,
    "experiment": evaluate_experiment,
    "layer": evaluate_layer,
}


def condition(kind: str = "public", operator: str | None = None, target: object = None, **changes: object) -> Json:
    """A condition; everyone meets it unless told otherwise."""
    return {
        "type": kind,
        "operator": operator,
        "targetValue": target,
        "field": None,
        "additionalValues": {},
        "idType": "userID",
        **changes,
    }


def on_field(field: str, operator: str, target: object) -> Json:
    """A condition on a field of the user."""
    return condition("user_field", operator, target, field=field)


def rule(
    *conditions: Json | str, rule_id: str = "r", share: float = 100.0, value: object = True, **changes: object
) -> Json:
    """A rule; without conditions everyone meets it. A text stands for a condition by its id."""
    return {
        "name": rule_id,
        "id": rule_id,
        "salt": rule_id,
        "passPercentage": share,
        "conditions": list(conditions),
        "returnValue": value,
        "idType": "userID",
        **changes,
    }


def gate(*rules: Json, default: bool = False, **changes: object) -> Json:
    """A gate."""
    return _spec("feature_gate", "feature_gate", rules, default, changes)


def config(*rules: Json, default: object = None, **changes: object) -> Json:
    """A dynamic config; `entity="experiment"` makes it an experiment."""
    return _spec("dynamic_config", "dynamic_config", rules, {} if default is None else default, changes)


def experiment(*rules: Json, **changes: object) -> Json:
    """An active experiment."""
    return config(*rules, **{"entity": "experiment", "isActive": True, **changes})


def layer(*rules: Json, default: object = None, **changes: object) -> Json:
    """A layer."""
    return _spec("dynamic_config", "layer", rules, {} if default is None else default, changes)


def _spec(kind: str, entity: str, rules: tuple[Json, ...], default: object, changes: Mapping[str, object]) -> Json:
    return {
        "type": kind,
        "entity": entity,
        "salt": "s",
        "enabled": True,
        "defaultValue": default,
        "idType": "userID",
        "version": 3,
        "rules": list(rules),
        **changes,
    }


def document(
    gates: Mapping[str, Json] | None = None,
    configs: Mapping[str, Json] | None = None,
    layers: Mapping[str, Json] | None = None,
    **changes: object,
) -> Json:
    """A v2 document: the conditions written inside rules go to the condition map."""
    condition_map: dict[str, Json] = {}
    sections = [
        {name: _share_conditions(spec, condition_map) for name, spec in (section or {}).items()}
        for section in (gates, configs, layers)
    ]
    return {
        "has_updates": True,
        "time": NOW,
        "feature_gates": sections[0],
        "dynamic_configs": sections[1],
        "layer_configs": sections[2],
        "condition_map": condition_map,
        **changes,
    }


def _share_conditions(spec: Json, condition_map: dict[str, Json]) -> Json:
    return {**spec, "rules": [_refer(one, condition_map) for one in spec["rules"]]}


def _refer(one: Json, condition_map: dict[str, Json]) -> Json:
    references: list[str] = []
    for inside in one["conditions"]:
        reference = inside if isinstance(inside, str) else f"condition {len(condition_map)}"
        if not isinstance(inside, str):
            condition_map[reference] = inside
        references.append(reference)
    return {**one, "conditions": references}


def project(
    gates: Mapping[str, Json] | None = None,
    configs: Mapping[str, Json] | None = None,
    layers: Mapping[str, Json] | None = None,
    **changes: object,
) -> Project:
    """A project of these specs."""
    return decode_project(document(gates, configs, layers, **changes))


def view(made: Project, user: Json | None = None, **options: Any) -> UserView:
    """A view of a user, `ada` unless told otherwise; `options` are those of `Options`."""
    return UserView(made, decode_user({"userID": UNIT} if user is None else user), NOW, Options(**options))


def ask(made: Project, kind: str, name: str, user: Json | None = None, **options: Any) -> Evaluation:
    """The answer to one question."""
    return EVALUATE[kind](view(made, user, **options), name)


def meets(one: Json, user: Json | None = None, **options: Any) -> bool:
    """Tell whether a user meets a condition, which must be one that is supported."""
    found = ask(project({"g": gate(rule(one))}, **options.pop("changes", {})), "gate", "g", user, **options)
    assert found.state.startswith("Recognized")
    return found.value is True


def pass_bucket(unit: str = UNIT, rule_salt: str = "r", spec_salt: str = "s") -> int:
    """The bucket that a pass percentage is compared with."""
    return hash_text(f"{spec_salt}.{rule_salt}.{unit}".encode()) % PASS_BUCKETS


def user_bucket(salt: str, unit: str = UNIT) -> int:
    """The bucket that `user_bucket` conditions see."""
    return hash_text(f"{salt}.{unit}".encode()) % USER_BUCKETS


def exposure(gate_name: str, value: str, rule_id: str) -> dict[str, str]:
    """A secondary exposure."""
    return {"gate": gate_name, "gateValue": value, "ruleID": rule_id}


@contextmanager
def deep_stack() -> Iterator[None]:
    """As deep a stack as the component has: a nested spec takes five Python calls, 300 of them need more than 1,000."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(3_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
