import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from evaluator.project import Project
from tests.evaluator.builders import Json, ask, condition, config, document, gate, layer, on_field, rule

SHARED = {"entity", "idType"}


def to_v1(made: Json) -> Json:
    """The same document as lists of specs with their names and conditions inside."""
    conditions = made["condition_map"]

    def inline(name: str, spec: Json) -> Json:
        rules = [{**one, "conditions": [conditions[key] for key in one["conditions"]]} for one in spec["rules"]]
        return {**{key: value for key, value in spec.items() if key not in SHARED}, "name": name, "rules": rules}

    sections = ("feature_gates", "dynamic_configs", "layer_configs")
    lists = {key: [inline(name, spec) for name, spec in made[key].items()] for key in sections}
    return {"has_updates": True, "time": made["time"], **lists}


def test_both_shapes_give_equal_answers() -> None:
    inner = condition("pass_gate", None, "inner")
    made = document(
        {"g": gate(rule(inner, share=50)), "inner": gate(rule(on_field("plan", "any", ["pro"])))},
        {"c": config(rule(value={"a": 1}, share=50))},
        {"l": layer(rule(inner, value={"a": 1}), default={"a": 0})},
    )
    for number in range(20):
        user = {"userID": str(number), "custom": {"plan": "pro" if number % 3 else "free"}}
        for kind, name in (("gate", "g"), ("config", "c"), ("layer", "l")):
            old, new = (ask(decode_project(one), kind, name, user) for one in (to_v1(made), made))
            assert (old.value, old.rule_id, old.id_type) == (new.value, new.rule_id, new.id_type)
            assert old.secondary_exposures == new.secondary_exposures


def test_project_says_what_the_document_says_of_itself() -> None:
    made = document(
        {"g": gate()}, {"c": config(), "d": config()}, checksum=12, app_id="shop", default_environment="dev"
    )
    found = decode_project(made)
    assert (found.time, found.checksum, found.app_id) == (made["time"], "12", "shop")
    assert (found.default_environment, found.sdk_configs) == ("dev", {})
    assert found.counts() == {"feature_gates": 1, "dynamic_configs": 2, "layer_configs": 0}


def test_unknown_keys_are_ignored() -> None:
    assert decode_project(document({"g": gate(new_key=1)}, other_key=[])).counts()["feature_gates"] == 1


def faults_of(value: object) -> tuple[str, ...]:
    with pytest.raises(InvalidSpec) as caught:
        decode_project(value)
    return caught.value.faults


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"has_updates": False}, "has_updates: must be true (a document without updates holds no spec)"),
        ({"time": "now"}, "time: must be an integer"),
        ({"feature_gates": None}, "feature_gates: must be an object (v2) or an array (v1)"),
        ({"feature_gates": {"g": 1}}, "feature_gates.g: must be an object"),
        ({"feature_gates": [gate()]}, "feature_gates[0].name: is missing"),
        ({"feature_gates": {"g": gate(salt=None)}}, "feature_gates.g.salt: is null"),
        ({"feature_gates": {"g": gate(enabled=1)}}, "feature_gates.g.enabled: must be true or false"),
        ({"feature_gates": {"g": gate(rules={})}}, "feature_gates.g.rules: must be an array"),
        ({"feature_gates": {"g": gate(version=True)}}, "feature_gates.g.version: must be an integer"),
        ({"feature_gates": {"g": gate(rules=[1])}}, "feature_gates.g.rules[0]: must be an object"),
        (
            {"feature_gates": {"g": gate(rule(passPercentage="all"))}},
            "feature_gates.g.rules[0].passPercentage: must be an integer or a number",
        ),
        (
            {"feature_gates": {"g": gate({**rule(), "conditions": [{"operator": "any"}]})}},
            "feature_gates.g.rules[0].conditions[0].type: is missing",
        ),
        ({"condition_map": {"a": []}}, "condition_map.a: must be an object"),
        (
            {"condition_map": {"a": condition(operator=None) | {"operator": 1}}},
            "condition_map.a.operator: must be a text",
        ),
        ({"override_rules": {"m": {**rule(), "id": 7}}}, "override_rules.m.id: must be a text"),
        ({"overrides": {"c": {}}}, "overrides.c: must be an array"),
        ({"overrides": {"c": [{}]}}, "overrides.c[0].new_config_name: is missing"),
        ({"overrides": {"c": [{"new_config_name": "d"}]}}, "overrides.c[0].rules: is missing"),
        (
            {"overrides": {"c": [{"new_config_name": "d", "rules": [{}]}]}},
            "overrides.c[0].rules[0].rule_name: is missing",
        ),
        ({"cmab_configs": {"b": 1}}, "cmab_configs.b: must be an object"),
    ],
)
def test_fault_is_named_with_its_path(changes: Json, fault: str) -> None:
    assert fault in faults_of({**document(), **changes})


@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_document_must_be_an_object(value: object) -> None:
    assert faults_of(value) == ("document: must be an object",)


def test_every_fault_is_named_up_to_a_hundred() -> None:
    assert len(faults_of({**document(), "time": "now", "condition_map": []})) == 2
    faults = faults_of({**document(), "feature_gates": {str(number): 1 for number in range(200)}})
    assert (len(faults), faults[-1]) == (101, "…: more faults follow")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def decode_or_refuse(value: object) -> Project | None:
    try:
        return decode_project(value)
    except InvalidSpec:
        return None


@given(JSON, st.sampled_from(sorted({*document(), "overrides", "override_rules", "cmab_configs", "sdk_configs"})))
@settings(max_examples=150, deadline=None)
def test_decoding_returns_or_raises_invalid_spec(value: object, key: str) -> None:
    decode_or_refuse(value)
    decode_or_refuse({**document(), key: value})
    decode_or_refuse({**document(), key: {"name": value}})


@given(JSON, st.sampled_from(sorted(gate())), st.sampled_from(sorted(rule())), st.sampled_from(sorted(condition())))
@settings(max_examples=150, deadline=None)
def test_what_decodes_can_be_evaluated(value: object, spec_key: str, rule_key: str, condition_key: str) -> None:
    odd_condition = {**on_field("userID", "any", ["ada"]), condition_key: value}
    for spec in (
        {**gate(rule()), spec_key: value},
        gate({**rule(), rule_key: value}),
        gate({**rule(), "conditions": [odd_condition]}),
    ):
        made = decode_or_refuse({**document(), "feature_gates": {"g": spec}})
        if made is not None:
            assert ask(made, "gate", "g").kind == "gate"


def test_deeply_nested_values_are_no_matter() -> None:
    depth = 500
    value = json.loads("[" * depth + "]" * depth)
    assert decode_project({**document(), "sdk_flags": value}).time
    assert faults_of({**document(), "feature_gates": {"g": value}}) == ("feature_gates.g: must be an object",)
