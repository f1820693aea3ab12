from evaluator.explain import explain
from evaluator.options import Options
from evaluator.project import Project
from evaluator.user import decode_user
from tests.evaluator.builders import (
    NOW,
    UNIT,
    Json,
    condition,
    experiment,
    gate,
    layer,
    on_field,
    pass_bucket,
    project,
    rule,
    user_bucket,
)


def trace(made: Project, kind: str, name: str) -> Json:
    return explain(made, decode_user({"userID": UNIT}), kind, name, now_ms=NOW, options=Options())


def test_trace_shows_every_rule_tried_with_what_its_conditions_saw() -> None:
    first = rule(on_field("userID", "any", ["bob"]), rule_id="first")
    found = trace(project({"g": gate(first, rule(rule_id="second", share=50), rule(rule_id="third"))}), "gate", "g")
    assert [(one["id"], one["matched"]) for one in found["rules"]] == [("first", False), ("second", True)]
    seen = found["rules"][0]["conditions"][0]
    assert (seen["field"], seen["operator"], seen["target"]) == ("userID", "any", ["bob"])
    assert (seen["value"], seen["result"]) == (UNIT, False)


def test_trace_shows_bucket_and_threshold_of_the_rule_that_matched() -> None:
    bucket = pass_bucket()
    found = trace(project({"g": gate(rule(share=50))}), "gate", "g")["rules"][0]
    assert (found["bucket"], found["threshold"], found["passed"]) == (bucket, 5_000, bucket < 5_000)


def test_trace_shows_the_bucket_of_a_condition_that_comes_to_the_same_for_everyone() -> None:
    never = condition("user_bucket", "any", {"-1": True}, additionalValues={"salt": "s"})
    always = condition("user_bucket", "lt", 1000, additionalValues={"salt": "s"})
    rules = trace(project({"g": gate(rule(never), rule(always))}), "gate", "g")["rules"]
    assert [one["matched"] for one in rules] == [False, True]
    for one in rules:
        assert one["conditions"][0]["value"] == user_bucket("s")
        assert one["conditions"][0]["result"] is one["matched"]


def test_trace_holds_nested_gates_and_delegates() -> None:
    by_gate = condition("pass_gate", None, "open")
    made = project(
        {"open": gate(rule(rule_id="all"))},
        {"e": experiment(rule(rule_id="group", value={"a": 1}))},
        {"l": layer(rule(by_gate, value={}, configDelegate="e"))},
    )
    found = trace(made, "layer", "l")
    assert (found["value"], found["allocated_experiment"]) == ({"a": 1}, "e")
    assert [one["name"] for one in found["rules"][0]["nested"]] == ["open"]
    assert found["rules"][0]["delegate"]["rule_id"] == "group"


def test_trace_of_an_unknown_name_has_no_rules() -> None:
    found = trace(project(), "gate", "unknown")
    assert (found["state"], found["value"], found["rules"]) == ("Unrecognized", False, [])
