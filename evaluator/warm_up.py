"""Evaluate a small spec where a component is built, so that its first request finds the interpreter warmed up.

CPython rewrites its own instructions as it runs them. A component keeps the interpreter as the build left it, and a
sandbox that answers one question would otherwise pay for this each time: nearly a third of decoding and evaluating.
"""

from __future__ import annotations

import json
from typing import Any, Final

from evaluator.decode import decode_project
from evaluator.evaluate import evaluate_config, evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.json_text import read_json
from evaluator.user import decode_user
from evaluator.view import UserView

type Json = dict[str, Any]

# Instructions are rewritten within the first few runs.
_RUNS: Final = 3
_CONDITIONS: Final = {
    "everyone": ("public", None, None, None),
    "holdout": ("pass_gate", None, "holdout", None),
    "plan": ("user_field", "any", ["pro"], "plan"),
}


def warm_up() -> None:
    """Decode and evaluate one spec of each kind a few times, each time from its text, for another user."""
    text = json.dumps(make_document())
    for number in range(_RUNS):
        view = UserView(decode_project(read_json(text)), decode_user({"userID": str(number)}), now_ms=0)
        evaluate_gate(view, "gate")
        evaluate_config(view, "config")
        evaluate_experiment(view, "experiment")
        evaluate_layer(view, "layer")


def make_document() -> Json:
    """Return a spec that meets what nearly every walk meets."""
    return {
        "has_updates": True,
        "time": 0,
        "feature_gates": {"gate": _make_spec("feature_gate", False), "holdout": _make_spec("holdout", False, "plan")},
        "dynamic_configs": {"config": _make_spec("dynamic_config", {}), "experiment": _make_spec("experiment", {})},
        "layer_configs": {"layer": _make_spec("layer", {})},
        "condition_map": {key: _make_condition(*parts) for key, parts in _CONDITIONS.items()},
    }


def _make_spec(entity: str, default: object, first: str = "holdout") -> Json:
    rules = [_make_rule(first, 100), _make_rule("plan", 10), _make_rule("everyone", 50)]
    return {
        "type": entity,
        "salt": entity,
        "enabled": True,
        "defaultValue": default,
        "rules": rules,
        "idType": "userID",
        "entity": entity,
        "version": 1,
    }


def _make_rule(condition: str, share: float) -> Json:
    name = {"name": condition, "id": condition, "salt": condition}
    return {**name, "passPercentage": share, "conditions": [condition], "returnValue": True, "idType": "userID"}


def _make_condition(kind: str, operator: str | None, target: object, field: str | None) -> Json:
    rest = {"field": field, "additionalValues": None, "idType": "userID"}
    return {"type": kind, "operator": operator, "targetValue": target, **rest}
