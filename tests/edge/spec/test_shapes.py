"""What a spec loses nothing by when it is written as v1: SDKs that read v1 answer from it as the core does from v2."""

import json

import pytest
from statsig import StatsigOptions, StatsigUser
from statsig.statsig_server import StatsigServer

from edge.spec.shapes import PUBLIC, to_v1
from evaluator.decode import decode_project
from tests.conformance.official_core import OfficialCore
from tests.evaluator.builders import Json, ask, condition, document, gate, on_field, rule

USERS = [f"user-{number}" for number in range(60)]
PUBLIC_RULE = {"salt": "", "passPercentage": 100, "conditions": [PUBLIC], "returnValue": True, "idType": "userID"}
MIXED = rule(rule_id="mixed", share=40, value=False)


def held_back(name: str = "held_back") -> Json:
    """The rule that keeps members of a holdout out of a gate, as Statsig writes it in v2."""
    return rule(condition("pass_gate", "any", name), rule_id="holdout", value=False)


GATES = {
    "held_back": gate(rule(share=30), entity="holdout"),
    "open": gate(held_back(), rule(on_field("userID", "any", USERS[:20])), rule(rule_id="half", share=50)),
    "only_holdout": gate(held_back()),
    "nested": gate(rule(condition("fail_gate", "any", "only_holdout"), condition("pass_gate", "any", "open"))),
    "true_when_off": gate(held_back(), default=True, enabled=False),
    "true_by_default": gate(held_back(), rule(rule_id="some", share=20), default=True),
    "never": gate(rule(share=0, value=False), default=True),
    "more": gate(rule(share=250, value=False), default=True),
    "less": gate(rule(share=-1, value=False), default=True),
}


def gates_of_v1(spec: Json) -> dict[str, Json]:
    """The gates of a spec written as v1, by name."""
    written = json.loads(json.dumps(to_v1(spec)["feature_gates"]))
    return {one["name"]: one for one in written}


def test_older_sdk_answers_from_v1_as_the_core_from_v2() -> None:
    spec = document(GATES, experiment_to_layer={})  # the core needs it
    older = StatsigServer()
    older.initialize("secret-local", StatsigOptions(local_mode=True, bootstrap_values=json.dumps(to_v1(spec))))
    with OfficialCore(spec) as core:
        for name in GATES:
            answers = [(core.get_feature_gate({"userID": one}, name), one) for one in USERS]
            expected = [(found["value"], found["ruleID"]) for found, _ in answers]
            found = [older.get_feature_gate(StatsigUser(one), name) for one in USERS]
            assert [(one.value, one.rule_id) for one in found] == expected, name
    older.shutdown()


@pytest.mark.parametrize("name", GATES)
def test_we_answer_alike_from_both(name: str) -> None:
    v2 = document(GATES)
    one, other = decode_project(v2), decode_project(json.loads(json.dumps(to_v1(v2))))
    for user in USERS:
        old, new = (ask(made, "gate", name, {"userID": user}) for made in (one, other))
        assert (old.value, old.rule_id, old.group_name) == (new.value, new.rule_id, new.group_name)


def test_holdout_is_written_as_statsig_writes_it() -> None:
    """Seen in Statsig's own project, of which both shapes are public."""
    kept_out, half = gates_of_v1(document({"open": gate(held_back(), rule(share=50))}))["open"]["rules"]
    assert (kept_out["passPercentage"], kept_out["returnValue"]) == (0, True)
    assert (half["passPercentage"], half["returnValue"]) == (50, True)


@pytest.mark.parametrize(("is_on", "name"), [(False, "disabled"), (True, "default")])
def test_gate_that_is_true_for_the_rest_ends_with_a_rule_that_says_so(is_on: bool, name: str) -> None:
    written = gates_of_v1(document({"open": gate(default=True, enabled=is_on)}))["open"]
    assert (written["enabled"], written["defaultValue"]) == (True, False)
    assert written["rules"] == [{"name": name, "id": name, **PUBLIC_RULE}]


def test_gate_that_percentages_cannot_say_stays_as_it_is() -> None:
    """False for a share of users and true for the rest is no share of users that it is true for."""
    written = gates_of_v1(document({"mixed": gate(MIXED, default=True)}))["mixed"]
    (one,) = written["rules"]
    assert (written["defaultValue"], one["passPercentage"], one["returnValue"]) == (True, 40, False)


@pytest.mark.parametrize(
    ("kind", "operator", "target", "expected"),
    [
        ("user_bucket", "any", {"12": True, "-1": True, "007": True}, [12, -1, "007"]),
        ("user_bucket", "none", {}, []),
        ("user_field", "any", {"12": True, "ada": True, "Eve": True}, ["12", "ada"]),
        ("user_field", "any_case_sensitive", {"ada": True}, {"ada": True}),
        ("user_bucket", "lt", 500, 500),
    ],
)
def test_set_is_written_as_an_array(kind: str, operator: str, target: object, expected: object) -> None:
    """SDKs that read v1 know arrays only; a key with upper case is met by nobody."""
    asked = condition(kind, operator, target, field="userID")
    spec = document({"open": gate(rule(asked))})
    (written,) = gates_of_v1(spec)["open"]["rules"][0]["conditions"]
    assert written == {**asked, "targetValue": expected}
    users = [{"userID": one} for one in (*USERS, "ada", "eve", "12")]
    old, new = (decode_project(one) for one in (spec, json.loads(json.dumps(to_v1(spec)))))
    assert [ask(old, "gate", "open", one).value for one in users] == [
        ask(new, "gate", "open", one).value for one in users
    ]
