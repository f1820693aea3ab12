"""A spec made of nothing but a seed, as large as a project that has been in use for some years.

Gates refer to gates before them, layers delegate to experiments, and two configs hold much larger values than the
others, as it is in real projects.
"""

import random
from typing import Any

type Json = dict[str, Any]

SEED = 7
GATES, CONFIGS, EXPERIMENTS, LAYERS = 82, 35, 30, 12
DOMAINS = ("example.com", "example.org", "example.net")
COUNTRIES = ("NL", "DE", "JP", "US", "BR", "KE")


def make_spec() -> Json:
    """Return a v2 document, the same in every run."""
    dice = random.Random(SEED)  # noqa: S311  # not for secrets: the same numbers in every run
    conditions: Json = {"everyone": _condition("public", None, None)}
    gates: Json = {}
    for number in range(GATES):
        ids = [_add_condition(dice, conditions, list(gates)) for _ in range(dice.randint(1, 3))]
        gates[f"gate_number_{number}"] = _gate(dice, ids, f"gate_{number}")
    configs = {f"config_number_{number}": _config(dice, conditions, number) for number in range(CONFIGS)}
    experiments = {f"experiment_number_{number}": _experiment(dice, number) for number in range(EXPERIMENTS)}
    layers = {f"layer_number_{number}": _layer(dice, list(experiments)) for number in range(LAYERS)}
    return {
        "has_updates": True,
        "time": 1_763_000_000_000,
        "feature_gates": gates,
        "dynamic_configs": configs | experiments,
        "layer_configs": layers,
        "condition_map": conditions,
        "experiment_to_layer": {},
    }


def _condition(kind: str, operator: str | None, target: object, field: str | None = None, salt: str = "") -> Json:
    return {
        "type": kind,
        "operator": operator,
        "targetValue": target,
        "field": field,
        "additionalValues": {"salt": salt},
        "idType": "userID",
    }


def _add_condition(dice: random.Random, conditions: Json, gates: list[str]) -> str:
    """Add a condition of some kind, and return its id."""
    kinds = [
        _condition("user_field", "any", [f"user-{dice.randrange(500)}" for _ in range(20)], "userID"),
        _condition("user_field", "str_contains_any", dice.sample(DOMAINS, 2), "email"),
        _condition("user_field", "version_gte", f"{dice.randrange(9)}.{dice.randrange(20)}.1", "appVersion"),
        _condition("ip_based", "any", dice.sample(COUNTRIES, 3), "country"),
        _condition("user_bucket", "lt", dice.randrange(1000), None, f"salt-{dice.getrandbits(64):x}"),
    ]
    if gates:
        kinds.append(_condition(dice.choice(("pass_gate", "fail_gate")), None, dice.choice(gates)))
    reference = str(dice.getrandbits(32))
    conditions[reference] = dice.choice(kinds)
    return reference


def _rule(dice: random.Random, conditions: list[str], value: object, share: float, **more: object) -> Json:
    name = f"{dice.getrandbits(96):x}"
    return {
        "name": name,
        "id": name,
        "salt": f"{dice.getrandbits(128):x}",
        "passPercentage": share,
        "conditions": conditions,
        "returnValue": value,
        "idType": "userID",
        **more,
    }


def _spec(dice: random.Random, entity: str, default: object, rules: list[Json], **more: object) -> Json:
    return {
        "type": "feature_gate" if entity == "feature_gate" else "dynamic_config",
        "entity": entity,
        "salt": f"{dice.getrandbits(128):x}",
        "enabled": True,
        "defaultValue": default,
        "rules": rules,
        "idType": "userID",
        "version": dice.randint(1, 40),
        **more,
    }


def _gate(dice: random.Random, ids: list[str], entity_salt: str) -> Json:
    rules = [_rule(dice, [one], True, dice.choice((100, 100, 50, 10))) for one in ids]
    rules.append(_rule(dice, ["everyone"], True, dice.choice((0, 50)), groupName=entity_salt))
    return _spec(dice, "feature_gate", False, rules)


def _config(dice: random.Random, conditions: Json, number: int) -> Json:
    size = 1_500 if number < 2 else dice.randint(1, 8)
    value = {f"parameter_{index}": f"value {dice.getrandbits(64):x}" for index in range(size)}
    condition = dice.choice(list(conditions))
    return _spec(dice, "dynamic_config", {}, [_rule(dice, [condition], value, 100), _rule(dice, ["everyone"], {}, 50)])


def _experiment(dice: random.Random, number: int) -> Json:
    groups = [
        _rule(dice, ["everyone"], {"color": color, "number": number}, share, groupName=name, isExperimentGroup=True)
        for color, name, share in (("blue", "Control", 50), ("green", "Test", 100))
    ]
    return _spec(dice, "experiment", {"color": "grey"}, groups, isActive=True, explicitParameters=["color", "number"])


def _layer(dice: random.Random, experiments: list[str]) -> Json:
    delegating = _rule(dice, ["everyone"], {}, 100, configDelegate=dice.choice(experiments))
    return _spec(dice, "layer", {"color": "white", "shown": True}, [delegating])
