"""Specs and users for comparing with the official core: every kind of entity, condition and operator, odd values.

Values come from small pools that collide on purpose, so that conditions are met about as often as they are missed.
"""

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from evaluator.operators import LIST_OPERATORS, OPERATORS
from evaluator.sources import SOURCES

type Json = dict[str, Any]

# A difference shows itself; making the project smaller takes minutes.
ONLY_GENERATE = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])

FIELDS = ("email", "Plan", "level", "country", "userID", "browser_name", "os_version", "tier", "user_id", "ip")
APPS = ("shop", "blog")
GROUPS = ("Control", "Test")
ID_TYPES = ("userID", "companyID", "stableid", "USERID")
WORDS = ("", " 1", "a", "A", "a.b", "true", "null", "nan", "us", "US", "ß", "Straße", "İ", "日本")
NUMERIC = ("1", "1.0", "-1", "1e3", "1.2.3", "2.x", "8.8.8.8", "1700000000")
DATES = ("2023-01-02 03:04:05", "2023-01-02T03:04:05Z")
TEXTS = (*WORDS, *NUMERIC, *DATES)
NUMBERS = (0, 1, -1, 2.5, 1.0, 1e21, 1e-7, 2**53 + 1, 1700000000, 1700000000000, -0.0)

# Every seventh gate is a segment, every eleventh a holdout.
GATE_ENTITIES = {"feature_gate": "gate_{}", "segment": "segment:{}", "holdout": "holdout_{}"}
CLIENT_KEYS = {"client-shop": "shop", "client-blog": "blog"}

texts = st.sampled_from(TEXTS)
OBJECTS = st.dictionaries(st.sampled_from(("p", "forced")), texts, max_size=2)
scalars = st.one_of(texts, st.sampled_from(NUMBERS), st.booleans(), st.none())
values = st.one_of(scalars, st.lists(scalars, max_size=3))
targets = st.one_of(
    values,
    st.lists(scalars, min_size=1, max_size=5),
    st.dictionaries(texts, st.just(True), max_size=3),
    st.sampled_from(("^a", "[0-9]+", "(", "a$")),
)
# The ends are what an experiment has that takes everybody or nobody.
PARTS_OF_BUCKETS = st.tuples(
    st.sampled_from(("lt", "lte", "gt", "gte")), st.one_of(st.integers(0, 1000), st.sampled_from((-1, 0, 999, 1000)))
)
SETS_OF_BUCKETS = st.tuples(
    st.sampled_from(("any", "none")),
    st.dictionaries(st.one_of(st.just("-1"), st.integers(0, 1000).map(str)), st.just(True), max_size=3),
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
        operator, target = draw(st.one_of(PARTS_OF_BUCKETS, SETS_OF_BUCKETS))
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
    is_gate = entity in GATE_ENTITIES
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
    if draw(st.booleans()):
        spec["targetAppIDs"] = draw(st.lists(st.sampled_from(APPS), unique=True))
    if draw(st.booleans()):
        spec["forwardAllExposures"] = draw(st.booleans())
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
        "groupName": draw(st.sampled_from(GROUPS)),
        "isExperimentGroup": draw(st.booleans()),
    }
    if draw(st.booleans()):
        rule["samplingRate"] = draw(st.sampled_from((1, 2, 10**12)))
    if draw(st.booleans()) and names:
        rule["configDelegate"] = draw(st.sampled_from((*names, "no_such_experiment")))
    return rule


@st.composite
def group_conditions(draw: st.DrawFn, experiments: tuple[str, ...]) -> Json:
    """Build a condition on the user's group in an experiment."""
    return {
        "type": "experiment_group",
        "operator": draw(st.sampled_from(("any", "none", "eq"))),
        "targetValue": draw(st.lists(st.sampled_from((*GROUPS, "Other")), max_size=2)),
        "field": draw(st.sampled_from((*experiments, "no_such_experiment"))),
        "idType": "userID",
        "additionalValues": {},
    }


@st.composite
def mappings(draw: st.DrawFn, names: tuple[str, ...]) -> list[Json]:
    """Build what leads a config to others: only to the names given, because the core does not survive a circle."""
    reference = st.fixed_dictionaries({"rule_name": st.sampled_from(("mapped_0", "mapped_1", "no_such_rule"))})
    mapping = st.fixed_dictionaries(
        {
            "new_config_name": st.sampled_from((*names, "nowhere")),
            "rules": st.lists(reference, min_size=1, max_size=2),
        }
    )
    return draw(st.lists(mapping, max_size=2))


@st.composite
def bandits(draw: st.DrawFn, gates: tuple[str, ...]) -> Json:
    """Build a contextual bandit that leaves nothing to chance: every group has weights, and none is explored."""
    weights = st.fixed_dictionaries(
        {
            "alpha": st.sampled_from((0.0, 0.5, -1.0)),
            "intercept": st.sampled_from((0.0, 0.25, 2.0)),
            "records": st.integers(0, 9),
            "weightsNumerical": st.fixed_dictionaries({"level": st.sampled_from((0.1, -0.1, 3.0))}),
            "weightsCategorical": st.dictionaries(
                st.sampled_from(FIELDS), st.dictionaries(texts, st.sampled_from((1.0, -1.0)), max_size=2), max_size=2
            ),
        }
    )
    names = ["one", "two", "three"][: draw(st.integers(0, 3))]
    bandit: Json = {
        "salt": draw(texts),
        "idType": draw(st.sampled_from(ID_TYPES)),
        "enabled": draw(st.booleans()),
        "version": 1,
        "sampleRate": 0.0,
        "higherIsBetter": draw(st.booleans()),
        "defaultValue": {"p": "none"},
        "groups": [{"id": f"id_{name}", "name": name, "parameterValues": {"p": name}} for name in names],
        "config": {f"id_{name}": draw(weights) for name in names},
    }
    if draw(st.booleans()):
        bandit["targetingGateName"] = draw(st.sampled_from((*gates, "no_such_gate")))
    return bandit


@st.composite
def param_stores(draw: st.DrawFn) -> Json:
    """Build a parameter store with a parameter of every kind."""
    parameters: Json = {
        "fixed": {"ref_type": "static", "param_type": "string", "value": draw(texts)},
        "gated": {
            "ref_type": "gate",
            "param_type": "number",
            "gate_name": "gate_0",
            "pass_value": 1,
            "fail_value": draw(st.sampled_from(NUMBERS[:4])),
        },
    }
    for kind, key in (("dynamic_config", "config_name"), ("experiment", "experiment_name"), ("layer", "layer_name")):
        parameters[kind] = {"ref_type": kind, "param_type": "string", key: f"{kind}_0", "param_name": "p"}
    store: Json = {"parameters": parameters}
    if draw(st.booleans()):
        store["targetAppIDs"] = draw(st.lists(st.sampled_from(APPS), unique=True))
    return store


@st.composite
def projects(draw: st.DrawFn, size: int) -> Json:
    """Build a whole v2 document with `size` gates; nothing refers to what comes after it, so there is no circle."""
    condition_map: Json = {}
    gates: Json = {}
    for number in range(size):
        known = tuple(gates)
        ids = [f"c{len(condition_map) + index}" for index in range(3)]
        condition_map.update({one: draw(conditions(known)) for one in ids})
        entity = "segment" if number % 7 == 3 else "holdout" if number % 11 == 5 else "feature_gate"
        gates[GATE_ENTITIES[entity].format(number)] = draw(specs(entity, ids))
    every, few = list(condition_map), size // 4
    experiments = {f"exp_{number}": draw(specs("experiment", every)) for number in range(few)}
    experiments["autotune"] = draw(specs("autotune", every))
    condition_map["group"] = draw(group_conditions(tuple(experiments)))
    every.append("group")
    configs = {f"config_{number}": draw(specs("dynamic_config", every)) for number in range(few)}
    layers = {f"layer_{number}": draw(specs("layer", every, tuple(experiments))) for number in range(few)}
    later = tuple(configs)[1:]
    return {
        "feature_gates": gates,
        "dynamic_configs": {**configs, **experiments},
        "layer_configs": layers,
        "condition_map": condition_map,
        "experiment_to_layer": {},
        "has_updates": True,
        "time": 1700000000000,
        "app_id": "app",
        "overrides": {"config_0": draw(mappings(later)), "no_such_config": draw(mappings(later))},
        "override_rules": {name: draw(rules_of(False, every, (), name)) for name in ("mapped_0", "mapped_1")},
        "cmab_configs": {name: draw(bandits(tuple(gates))) for name in ("bandit", "exp_0")[: draw(st.integers(0, 2))]},
        "param_stores": {"store": draw(param_stores())},
        "sdk_keys_to_app_ids": CLIENT_KEYS,
        "default_environment": draw(st.sampled_from((None, "true", "a"))),
    }


@st.composite
def surroundings(draw: st.DrawFn) -> Json:
    """Build what surrounds an evaluation beside spec and user: options of the SDK, and local overrides."""
    forced = []
    for kind, value in (("gate", st.booleans()), ("config", OBJECTS), ("experiment", OBJECTS), ("layer", OBJECTS)):
        name = {"gate": "gate_{}", "config": "config_{}", "experiment": "exp_{}", "layer": "layer_{}"}[kind]
        number = draw(st.integers(0, 4))
        forced.append((kind, name.format(number), draw(value), draw(st.sampled_from((None, "a", "1", "true")))))
    return {
        "environment": draw(st.sampled_from((None, None, "a", "us"))),
        "global_custom": draw(st.dictionaries(st.sampled_from(FIELDS), texts, max_size=2)),
        "forced": forced,
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
