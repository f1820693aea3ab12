import pytest

from evaluator.bucketing import PASS_BUCKETS, hash_text
from evaluator.evaluate import check_gate, evaluate_gate
from evaluator.overrides import Overrides
from evaluator.project import Project
from tests.evaluator.builders import (
    UNIT,
    Json,
    ask,
    condition,
    config,
    deep_stack,
    exposure,
    gate,
    layer,
    project,
    rule,
    view,
)

BUCKET = hash_text(f"b.{UNIT}".encode()) % PASS_BUCKETS


def weights(intercept: float = 0.0, numerical: Json | None = None, categorical: Json | None = None) -> Json:
    return {
        "alpha": 0.5,
        "intercept": intercept,
        "records": 10,
        "weightsNumerical": {"unseen": 1.0} if numerical is None else numerical,
        "weightsCategorical": categorical or {},
    }


def bandit(**changes: object) -> Json:
    groups = [{"id": f"g{n}", "name": f"Group {n}", "parameterValues": {"n": n}} for n in range(2)]
    return {
        "salt": "b",
        "idType": "userID",
        "enabled": True,
        "version": 4,
        "sampleRate": 0,
        "higherIsBetter": True,
        "groups": groups,
        "defaultValue": {"n": -1},
        **changes,
    }


def with_bandit(one: Json) -> Project:
    return project({"open": gate(rule(rule_id="all")), "shut": gate()}, {"b": config()}, cmab_configs={"b": one})


def test_bandit_outside_its_target_keeps_what_the_targeting_gate_said_of_groups() -> None:
    shut = gate(rule(value=False, groupName="Everyone", isExperimentGroup=True))
    made = project({"shut": shut}, {"b": config()}, cmab_configs={"b": bandit(targetingGateName="shut")})
    found = ask(made, "experiment", "b")
    assert (found.rule_id, found.group_name) == ("inlineTargetingRules", "Everyone")
    assert found.is_user_in_experiment


def test_bandit_keeps_what_else_its_targeting_gate_said() -> None:
    target = gate(
        rule(groupName="Everyone", isExperimentGroup=True, samplingRate=7),
        forwardAllExposures=True,
        hasSharedParams=True,
        explicitParameters=["n"],
    )
    made = project({"target": target}, {"b": config()}, cmab_configs={"b": bandit(targetingGateName="target")})
    found = ask(made, "experiment", "b")
    assert found.group_name in {"Group 0", "Group 1"}
    assert (found.is_user_in_experiment, found.sampling_rate, found.forward_all_exposures) == (True, 7, True)
    assert (found.is_in_layer, found.explicit_parameters) == (True, ["n"])


@pytest.mark.parametrize("is_new", [False, True])
def test_layer_that_asks_a_bandit_forwards_exposures_as_it_says_itself(is_new: bool) -> None:
    target = gate(rule(), forwardAllExposures=True)
    layers = {
        name: layer(rule(configDelegate="b", value={}), useNewLayerEval=is_new, forwardAllExposures=name == "all")
        for name in ("all", "some")
    }
    made = project({"target": target}, {"b": config()}, layers, cmab_configs={"b": bandit(targetingGateName="target")})
    assert [ask(made, "layer", name).forward_all_exposures for name in layers] == [True, False]


def test_override_of_the_targeting_gate_shows_in_the_reason() -> None:
    overrides = Overrides()
    overrides.force("gate", "shut", True)
    found = ask(with_bandit(bandit(targetingGateName="shut")), "experiment", "b", overrides=overrides)
    assert found.reason("Network") == "LocalOverride:Recognized"


@pytest.mark.parametrize("is_new", [False, True])
def test_layer_answers_with_id_type_and_version_of_the_bandit_it_delegates_to(is_new: bool) -> None:
    one = layer(rule(configDelegate="b", value={}), useNewLayerEval=is_new, version=9, idType="stableID")
    made = project({}, {"b": config()}, {"l": one}, cmab_configs={"b": bandit()})
    found = ask(made, "layer", "l")
    assert (found.allocated_experiment, found.id_type, found.version) == ("b", "userID", 4)


@pytest.mark.parametrize(
    ("changes", "rule_id"),
    [
        ({"enabled": False}, "prestart"),
        ({"groups": []}, "prestart"),
        ({"targetingGateName": "shut"}, "inlineTargetingRules"),
    ],
)
def test_bandit_gives_its_default_before_start_and_outside_its_target(changes: Json, rule_id: str) -> None:
    found = ask(with_bandit(bandit(**changes)), "experiment", "b")
    assert (found.value, found.rule_id, found.version) == ({"n": -1}, rule_id, 4)


def test_targeting_gate_is_exposed() -> None:
    found = ask(with_bandit(bandit(targetingGateName="open")), "experiment", "b")
    assert found.secondary_exposures == [exposure("open", "true", "all")]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_targeting_gate_that_asks_for_its_own_bandit_lets_nobody_in(times: int) -> None:
    in_group = condition("experiment_group", "any", ["Group 0", "Group 1"], field="b")
    gates = {"own": gate(rule(*[in_group] * times)), "above": gate(rule(condition("pass_gate", None, "own")))}
    made = project(gates, {"b": config()}, cmab_configs={"b": bandit(targetingGateName="own")})
    found = ask(made, "experiment", "b")
    assert (found.value, found.rule_id, found.is_error) == ({"n": -1}, "inlineTargetingRules", False)
    one = view(made)
    assert [check_gate(one, name) for name in ("above", "own")] == [False, False]


def test_bandits_that_lead_back_by_very_many_ways_end_in_an_error() -> None:
    depth = 40
    asking = [[condition("experiment_group", "any", ["x"], field=f"b{level}")] * 2 for level in range(depth)]
    gates = {f"h{level}": gate(rule(*asked, condition("pass_gate", None, "h0"))) for level, asked in enumerate(asking)}
    bandits = {f"b{level}": bandit(targetingGateName=f"h{level + 1}") for level in range(depth)}
    made = project(gates, {name: config() for name in bandits}, cmab_configs=bandits)
    with deep_stack():
        seen = view(made)
        assert evaluate_gate(seen, "h0").is_error
        assert not check_gate(seen, "h0")


def test_bandit_without_a_model_spreads_users_evenly() -> None:
    found = ask(with_bandit(bandit()), "experiment", "b")
    number = int(BUCKET >= PASS_BUCKETS / 2)
    assert (found.value, found.rule_id, found.group_name) == ({"n": number}, f"g{number}:explore", f"Group {number}")


@pytest.mark.parametrize(("higher", "rule_id"), [(True, "g1"), (False, "g0")])
def test_best_score_wins(higher: bool, rule_id: str) -> None:
    model = {"g0": weights(1.0), "g1": weights(2.0)}
    assert ask(with_bandit(bandit(config=model, higherIsBetter=higher)), "experiment", "b").rule_id == rule_id


@pytest.mark.parametrize(
    ("custom", "rule_id"),
    [
        ({}, "g0"),
        ({"age": 10}, "g1"),
        ({"age": "10"}, "g1"),
        ({"age": -10}, "g0"),
        ({"plan": "pro"}, "g1"),
        ({"plan": "free"}, "g0"),
    ],
)
def test_score_counts_numbers_and_texts_of_the_user(custom: Json, rule_id: str) -> None:
    model = {"g0": weights(1.0), "g1": weights(0.0, {"age": 0.2}, {"plan": {"pro": 5.0}})}
    user = {"userID": UNIT, "custom": custom}
    assert ask(with_bandit(bandit(config=model)), "experiment", "b", user).rule_id == rule_id


def test_first_of_equal_scores_wins() -> None:
    assert ask(with_bandit(bandit(config={"g0": weights(), "g1": weights()})), "experiment", "b").rule_id == "g0"


@pytest.mark.parametrize(("past", "explores"), [(0, False), (1, True)])
def test_sample_rate_is_compared_with_the_bucket(past: int, explores: bool) -> None:
    model = {"g0": weights(1.0), "g1": weights(2.0)}
    one = bandit(config=model, sampleRate=(BUCKET - 0.5 + past) / PASS_BUCKETS)
    assert ask(with_bandit(one), "experiment", "b").rule_id.endswith(":explore") is explores


def test_exploring_answers_the_same_every_time() -> None:
    made = with_bandit(bandit(config={"g0": weights(), "g1": weights()}, sampleRate=1))
    assert len({ask(made, "experiment", "b").rule_id for _ in range(5)}) == 1


def test_only_experiments_are_asked_of_bandits() -> None:
    assert ask(with_bandit(bandit()), "config", "b").value == {}
