"""Specs and users for comparing with the official core: every condition type and operator, nested, with odd values.

Values come from small pools that collide on purpose, so that conditions are met about as often as they are missed.
"""

from typing import Any

from hypothesis import strategies as st

from evaluator.operators import LIST_OPERATORS, OPERATORS
from evaluator.sources import SOURCES

type Json = dict[str, Any]

FIELDS = ("email", "Plan", "level", "country", "userID", "browser_name", "os_version", "tier", "user_id", "ip")
ID_TYPES = ("userID", "companyID", "stableid", "USERID")
WORDS = ("", " 1", "a", "A", "a.b", "true", "null", "nan", "us", "US", "ß", "Straße", "İ", "日本")
NUMERIC = ("1", "1.0", "-1", "1e3", "1.2.3", "2.x", "8.8.8.8", "1700000000")
DATES = ("2023-01-02 03:04:05", "2023-01-02T03:04:05Z")
TEXTS = (*WORDS, *NUMERIC, *DATES)
NUMBERS = (0, 1, -1, 2.5, 1.0, 1e21, 1e-7, 2**53 + 1, 1700000000, 1700000000000, -0.0)

texts = st.sampled_from(TEXTS)
scalars = st.one_of(texts, st.sampled_from(NUMBERS), st.booleans(), st.none())
values = st.one_of(scalars, st.lists(scalars, max_size=3))
targets = st.one_of(
    values,
    st.lists(scalars, min_size=1, max_size=5),
    st.dictionaries(texts, st.just(True), max_size=3),
    st.sampled_from(("^a", "[0-9]+", "(", "a$")),
)


@st.composite
def conditions(draw: st.DrawFn, gate_names: tuple[str, ...]) -> Json:
    """Build a condition; it may refer to the gates named, which come before its own."""
    kind = draw(st.sampled_from((*SOURCES, "public", "public", "user_field", "user_field", "pass_gate", "fail_gate")))
    target = draw(targets)
    operator = draw(st.sampled_from((*OPERATORS, *LIST_OPERATORS)))
    if kind in ("pass_gate", "fail_gate"):
        target = draw(st.sampled_from((*gate_names, "no_such_gate")))
    if kind == "user_bucket":
        operator, target = draw(st.sampled_from(("lt", "gte"))), draw(st.integers(0, 1000))
    if operator in LIST_OPERATORS:
        target = draw(st.sampled_from(("members", "no_such_list")))
    return {
        "type": kind,
        "operator": operator,
        "targetValue": target,
        "field": draw(st.sampled_from(FIELDS)),
        "idType": draw(st.sampled_from(ID_TYPES)),
        "additionalValues": {"salt": draw(texts)},
    }


@st.composite
def specs(draw: st.DrawFn, entity: str, condition_ids: list[str], names: tuple[str, ...] = ()) -> Json:
    """Build a gate, config, experiment or layer over existing conditions; `names` are experiments to delegate to."""
    is_gate = entity in ("feature_gate", "segment")
    rules = [
        draw(rules_of(is_gate, condition_ids, names, f"rule_{number}")) for number in range(draw(st.integers(0, 4)))
    ]
    spec: Json = {
        "type": "feature_gate" if is_gate else "dynamic_config",
        "salt": draw(texts),
        "enabled": draw(st.booleans()),
        "defaultValue": False if is_gate else {"p": "default", "q": 0},
        "rules": rules,
        "idType": draw(st.sampled_from(ID_TYPES)),
        "entity": entity,
        "version": draw(st.integers(0, 9)),
    }
    if entity in ("experiment", "layer"):
        spec["isActive"] = draw(st.booleans())
        spec["hasSharedParams"] = draw(st.booleans())
        spec["explicitParameters"] = draw(st.lists(st.sampled_from(("p", "q")), unique=True))
    if entity == "layer":
        spec["useNewLayerEval"] = draw(st.booleans())
    return spec


@st.composite
def rules_of(draw: st.DrawFn, is_gate: bool, condition_ids: list[str], names: tuple[str, ...], name: str) -> Json:
    """Build one rule."""
    rule: Json = {
        "name": name,
        "id": name,
        "salt": draw(texts),
        "passPercentage": draw(st.sampled_from((0, 100, 100, 50, 33.33, 0.01, 99.99))),
        "conditions": draw(st.lists(st.sampled_from(condition_ids), max_size=3)),
        "returnValue": draw(st.booleans()) if is_gate else {"p": draw(texts)},
        "idType": draw(st.sampled_from(ID_TYPES)),
        "groupName": draw(st.sampled_from(("Control", "Test"))),
        "isExperimentGroup": draw(st.booleans()),
    }
    if draw(st.booleans()) and names:
        rule["configDelegate"] = draw(st.sampled_from((*names, "no_such_experiment")))
    return rule


@st.composite
def projects(draw: st.DrawFn, size: int) -> Json:
    """Build a whole v2 document with `size` gates; gates refer only to gates before them, so there is no circle."""
    condition_map: Json = {}
    gates: Json = {}
    for number in range(size):
        known = tuple(gates)
        ids = [f"c{len(condition_map) + index}" for index in range(3)]
        condition_map.update({one: draw(conditions(known)) for one in ids})
        name = f"segment:{number}" if number % 7 == 3 else f"gate_{number}"
        gates[name] = draw(specs("segment" if number % 7 == 3 else "feature_gate", ids))
    every = list(condition_map)
    experiments = {f"exp_{number}": draw(specs("experiment", every)) for number in range(size // 4)}
    configs = {f"config_{number}": draw(specs("dynamic_config", every)) for number in range(size // 4)}
    layers = {f"layer_{number}": draw(specs("layer", every, tuple(experiments))) for number in range(size // 4)}
    return {
        "feature_gates": gates,
        "dynamic_configs": {**configs, **experiments},
        "layer_configs": layers,
        "condition_map": condition_map,
        "experiment_to_layer": {},
        "has_updates": True,
        "time": 1700000000000,
        "app_id": "app",
    }


@st.composite
def users(draw: st.DrawFn) -> Json:
    """Build a user, sparse or odd."""
    user: Json = {}
    for key in ("userID", "email", "ip", "country", "userAgent", "appVersion"):
        if draw(st.booleans()):
            user[key] = draw(texts)
    for key, names in (("custom", FIELDS), ("privateAttributes", FIELDS)):
        if draw(st.booleans()):
            user[key] = draw(st.dictionaries(st.sampled_from(names), values, max_size=4))
    if draw(st.booleans()):
        user["customIDs"] = draw(
            st.dictionaries(st.sampled_from(("companyID", "companyid", "stableid", "stableID")), texts)
        )
    if draw(st.booleans()):
        user["statsigEnvironment"] = {"tier": draw(texts)}
    return user
