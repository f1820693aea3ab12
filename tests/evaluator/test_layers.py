from typing import Any

from tests.evaluator.builders import Json, ask, condition, experiment, exposure, gate, layer, on_field, project, rule

OPEN = {"open": gate(rule(rule_id="all"))}
PASSES_OPEN = condition("pass_gate", None, "open")
SEEN_OPEN = exposure("open", "true", "all")


def to_experiment(name: str = "e", *conditions: Json, **changes: Any) -> Json:
    return rule(*conditions, **{"rule_id": "to experiment", "value": {}, "configDelegate": name, **changes})


def group(value: Json, *conditions: Json, **changes: object) -> Json:
    return experiment(
        rule(*conditions, rule_id="group", value=value, groupName="Test", isExperimentGroup=True),
        explicitParameters=["a"],
        **changes,
    )


def test_layer_without_experiment_answers_for_itself() -> None:
    found = ask(project(layers={"l": layer(rule(value={"a": 1}), default={"a": 0})}), "layer", "l")
    assert (found.value, found.rule_id, found.allocated_experiment) == ({"a": 1}, "r", None)


def test_delegate_answers_in_place_of_the_layer() -> None:
    made = project(
        configs={"e": group({"a": 1})}, layers={"l": layer(to_experiment(share=0), default={"a": 0, "b": 0})}
    )
    found = ask(made, "layer", "l")
    # Neither the layer rule's pass percentage nor the layer's defaults count.
    assert (found.value, found.rule_id, found.group_name) == ({"a": 1}, "group", "Test")
    assert (found.allocated_experiment, found.explicit_parameters) == ("e", ["a"])
    assert found.is_user_in_experiment
    assert found.is_experiment_active


def test_delegates_exposures_come_behind_the_layers_and_are_not_undelegated() -> None:
    other = {"other": gate(rule(rule_id="o"))}
    inner = group({"a": 1}, condition("pass_gate", None, "other"))
    made = project({**OPEN, **other}, {"e": inner}, {"l": layer(to_experiment("e", PASSES_OPEN))})
    found = ask(made, "layer", "l")
    assert found.secondary_exposures == [SEEN_OPEN, exposure("other", "true", "o")]
    assert found.undelegated_secondary_exposures == [SEEN_OPEN]


def test_delegate_that_does_not_exist_leaves_an_ordinary_rule() -> None:
    made = project(layers={"l": layer(to_experiment("unknown", value={"a": 1}))})
    found = ask(made, "layer", "l")
    assert (found.value, found.rule_id, found.allocated_experiment) == ({"a": 1}, "to experiment", None)


def new_layer(*rules: Json, default: Json) -> Json:
    return layer(*rules, default=default, useNewLayerEval=True)


def test_new_layer_gathers_parameters_over_its_rules() -> None:
    rules = (
        rule(rule_id="one", value={"a": 1}),
        rule(on_field("userID", "any", []), rule_id="two", value={"b": 2}),
        rule(rule_id="three", value={"a": 3, "c": 3}),
    )
    made = project(layers={"l": new_layer(*rules, default={"a": 0, "b": 0, "c": 0})})
    found = ask(made, "layer", "l")
    assert found.value == {"a": 1, "b": 0, "c": 3}
    assert found.parameter_rule_ids == {"a": "one", "b": "default", "c": "three"}


def test_new_layer_rolls_the_pass_percentage_before_delegating() -> None:
    layers = {"l": new_layer(to_experiment(share=0), default={"a": 0})}
    found = ask(project(configs={"e": group({"a": 1})}, layers=layers), "layer", "l")
    assert (found.value, found.rule_id, found.allocated_experiment) == ({"a": 0}, "default", None)


def test_new_layer_takes_its_own_rule_id_with_the_delegates_value() -> None:
    layers = {"l": new_layer(to_experiment("e", PASSES_OPEN), default={"a": 0, "b": 0})}
    found = ask(project(OPEN, {"e": group({"a": 1})}, layers), "layer", "l")
    assert (found.value, found.rule_id, found.group_name) == ({"a": 1, "b": 0}, "to experiment", "Test")
    assert (found.allocated_experiment, found.explicit_parameters) == ("e", ["a"])
    assert found.undelegated_secondary_exposures == [SEEN_OPEN]


def test_new_layer_delegates_only_before_any_rule_has_passed() -> None:
    rules = (rule(rule_id="first", value={"b": 1}), to_experiment())
    found = ask(
        project(configs={"e": group({"a": 1})}, layers={"l": new_layer(*rules, default={"a": 0})}), "layer", "l"
    )
    assert (found.value, found.allocated_experiment) == ({"b": 1, "a": 0}, None)
