"""Documents to cut: a few gates, and some that are large enough for many pages."""

from typing import Any

from tests.evaluator.builders import condition, rule

type Json = dict[str, Any]


def gate(*rules: Json, **changes: object) -> Json:
    """A gate, closed unless a rule opens it."""
    return {
        "type": "feature_gate",
        "salt": "salt",
        "enabled": True,
        "defaultValue": False,
        "rules": list(rules),
        "idType": "userID",
        "entity": "feature_gate",
        **changes,
    }


def config(*rules: Json, **changes: object) -> Json:
    """A dynamic config."""
    return {**gate(*rules), "type": "dynamic_config", "defaultValue": {}, "entity": "dynamic_config", **changes}


def document(**sections: object) -> Json:
    """A v2 document of some sections, the others empty."""
    empty: Json = {"feature_gates": {}, "dynamic_configs": {}, "layer_configs": {}, "condition_map": {}}
    return {"has_updates": True, "time": 1_700_000_000_000, **empty, **sections}


def small_document() -> Json:
    """Two gates, one of which asks the other."""
    return document(
        feature_gates={"inner": gate(rule("everyone")), "outer": gate(rule("asks inner"))},
        condition_map={"everyone": condition(), "asks inner": condition("pass_gate", target="inner")},
    )


def large_document(gates: int = 400, size: int = 500) -> Json:
    """Gates enough for several pages, each with a condition of its own of about `size` bytes."""
    numbers = range(gates)
    return document(
        feature_gates={f"gate_{number}": gate(rule(f"c{number}")) for number in numbers},
        condition_map={
            f"c{number}": condition("user_field", "any", [f"{number}{'x' * size}"], field="email") for number in numbers
        },
    )
