"""A spec with every kind of entity, split between two target apps, for tests of what callers may see.

`gate_a`, `config_a`, `experiment_a`, `layer_a`, `bandit_a` and `store_a` belong to app_a, the same with b to app_b, and
`gate_free`, `holdout`, `segment:staff` to none. The client keys `client-a` and `client-b` belong to the apps,
`client-test` to none; `client-listed` has a list of entities, `client-both` a list and app_a. In app_a everything leans
on the other app: `gate_a` on `gate_b`, `layer_a` on `experiment_b`.
"""

from typing import Any

from evaluator.bucketing import hash_djb2
from tests.edge.builders import TIME, Json, gate

GATED = {"ref_type": "gate", "param_type": "string", "pass_value": 1, "fail_value": 2}
PARAMETER = {"param_name": "c"}
SECRET_NAMES = ("gate_b", "config_b", "experiment_b", "layer_b", "bandit_b", "store_b", "gate_free", "holdout")


def rule(name: str, value: object, *conditions: str, **changes: object) -> Json:
    """A rule that everyone passes whom its conditions let through."""
    made = {"name": name, "id": name, "salt": name, "passPercentage": 100, "idType": "userID"}
    return {**made, "conditions": list(conditions or ("everyone",)), "returnValue": value, **changes}


def config(value: Json, entity: str = "dynamic_config", **changes: object) -> Json:
    """A config of any kind whose one rule gives everyone this value."""
    spec = {"type": "dynamic_config", "entity": entity, "salt": "s", "enabled": True, "defaultValue": {}}
    return {**spec, "idType": "userID", "version": 2, "rules": [rule(f"{entity}_rule", value)], **changes}


def bandit(app: str) -> Json:
    """A contextual bandit with two groups, the second scoring higher."""
    weights = {"alpha": 0, "records": 5, "weightsNumerical": {"age": 1}, "weightsCategorical": {}}
    return {
        "salt": "s",
        "idType": "userID",
        "enabled": True,
        "version": 1,
        "sampleRate": 0,
        "higherIsBetter": True,
        "defaultValue": {"color": "grey"},
        "groups": [
            {"id": "one", "name": "One", "parameterValues": {"color": "red"}},
            {"id": "two", "name": "Two", "parameterValues": {"color": "blue"}},
        ],
        "config": {"one": {**weights, "intercept": 1}, "two": {**weights, "intercept": 2}},
        "targetAppIDs": [app],
    }


def store(app: str) -> Json:
    """A parameter store with a reference to each kind of entity of the other app, and one to its own."""
    parameters = {
        "fixed": {"ref_type": "static", "param_type": "string", "value": "x"},
        "own": {**GATED, "gate_name": "gate_a"},
        "gated": {**GATED, "gate_name": "gate_b"},
        "configured": {"ref_type": "dynamic_config", "param_type": "string", "config_name": "config_b", **PARAMETER},
        "layered": {"ref_type": "layer", "param_type": "string", "layer_name": "layer_b", **PARAMETER},
    }
    return {"parameters": parameters, "targetAppIDs": [app]}


def nested(name: str) -> Json:
    """A condition that passes with a gate."""
    return {"type": "pass_gate", "targetValue": name, "operator": None, "field": None}


def project() -> Json:
    """The whole document, v2."""
    a: dict[str, Any] = {"targetAppIDs": ["app_a"]}
    b: dict[str, Any] = {"targetAppIDs": ["app_b"]}
    everyone = {"type": "public", "targetValue": None, "operator": None, "field": None}
    country = {"type": "ip_based", "targetValue": ["NZ"], "operator": "any", "field": "country"}
    browser = {"type": "ua_based", "targetValue": ["Firefox"], "operator": "any", "field": "browser_name"}
    stable = {"type": "unit_id", "targetValue": ["stable-1"], "operator": "any", "field": None, "idType": "stableID"}
    return {
        "has_updates": True,
        "time": TIME,
        "feature_gates": {
            "gate_a": gate(rules=[rule("leaning", True, "passes_b")], **a),
            "gate_b": gate(**b),
            "gate_free": gate(),
            "holdout": gate(entity="holdout"),
            "segment:staff": gate(entity="segment"),
            "from_new_zealand": gate(rules=[rule("country", True, "in_new_zealand")]),
            "on_firefox": gate(rules=[rule("browser", True, "on_firefox")]),
            "known_device": gate(rules=[rule("device", True, "stable_one")], idType="stableID"),
        },
        "dynamic_configs": {
            "config_a": config({"c": "a"}, **a),
            "config_b": config({"c": "b"}, **b),
            "experiment_a": config({"c": 1.0}, "experiment", isActive=True, **a),
            "experiment_b": config({"c": "b"}, "experiment", isActive=True, explicitParameters=["c"], **b),
        },
        "layer_configs": {
            "layer_a": config(
                {"c": "a", "d": 1}, "layer", rules=[rule("slice", {}, configDelegate="experiment_b")], **a
            ),
            "layer_b": config({"c": "b"}, "layer", **b),
        },
        "cmab_configs": {"bandit_a": bandit("app_a"), "bandit_b": bandit("app_b")},
        "param_stores": {"store_a": store("app_a"), "store_b": store("app_b")},
        "hashed_sdk_keys_to_app_ids": {
            hash_djb2("client-a"): "app_a",
            hash_djb2("client-b"): "app_b",
            hash_djb2("client-both"): "app_a",
        },
        "hashed_sdk_keys_to_entities": {
            hash_djb2("client-listed"): {"gates": ["gate_free"], "configs": ["config_a", "experiment_b", "bandit_a"]},
            hash_djb2("client-both"): {"gates": ["gate_a", "gate_b"], "configs": ["experiment_a", "config_b"]},
        },
        "condition_map": {
            "everyone": everyone,
            "passes_b": nested("gate_b"),
            "in_new_zealand": country,
            "on_firefox": browser,
            "stable_one": stable,
        },
    }
