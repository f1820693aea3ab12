"""Configs and layers over Statsig's HTTP API; gates are in test_routes."""

import json
from typing import Any

import pytest

from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox
from tests.edge.builders import CLIENT, Json, ask, document, gate, json_of, platform, request
from tests.edge.project import project

USER = {"userID": "u"}


def sent_events(outside: MemoryPlatform) -> list[dict[str, object]]:
    return [event for batch in outside.batches for event in json.loads(batch.body)["events"]]


def test_dynamic_config_is_answered_and_exposed() -> None:
    outside = platform(project())
    reply = ask(Sandbox(outside), request("/v1/get_config", {"user": USER, "configName": "config_a"}, key=CLIENT))
    assert json_of(reply) == {
        "name": "config_a",
        "value": {"c": "a"},
        "group": "dynamic_config_rule",
        "rule_id": "dynamic_config_rule",
        "group_name": None,
        "reason": "Adapter(FastlyKV):Recognized",
    }
    (event,) = sent_events(outside)
    assert event["eventName"] == "statsig::config_exposure"
    assert event["metadata"] == {
        "config": "config_a",
        "ruleID": "dynamic_config_rule",
        "rulePassed": "true",
        "reason": "Adapter(FastlyKV):Recognized",
        "lcut": "1600000000000",
        "receivedAt": "1700000000000",
        "configVersion": "2",
    }


def test_unknown_config_has_the_empty_value_and_no_rule() -> None:
    reply = ask(Sandbox(platform(project())), request("/v1/get_config", {"user": USER, "configName": "nope"}))
    body = json_of(reply)
    assert reply.status == 200
    assert (body["value"], body["group"], body["rule_id"]) == ({}, "", None)


def test_contextual_bandit_is_asked_as_a_config() -> None:
    reply = ask(Sandbox(platform(project())), request("/v1/get_config", {"user": USER, "configName": "bandit_a"}))
    body = json_of(reply)
    assert (body["value"], body["rule_id"], body["group_name"]) == ({"color": "blue"}, "two", "Two")


def test_config_without_a_spec_is_empty_and_says_so() -> None:
    reply = ask(Sandbox(platform(b"not json")), request("/v1/get_config", {"user": USER, "configName": "config_a"}))
    assert (reply.status, json_of(reply)["value"], json_of(reply)["reason"]) == (200, {}, "NoValues")
    assert reply.events() == ()


def test_layer_is_answered_with_its_experiment_and_each_parameter_is_exposed() -> None:
    outside = platform(project())
    reply = ask(Sandbox(outside), request("/v1/get_layer", {"user": USER, "layerName": "layer_a"}))
    assert json_of(reply) == {
        "name": "layer_a",
        "value": {"c": "b"},
        "ruleID": "experiment_rule",
        "allocatedExperimentName": "experiment_b",
        "reason": "Adapter(FastlyKV):Recognized",
    }
    (event,) = sent_events(outside)
    metadata = event["metadata"]
    assert isinstance(metadata, dict)
    assert event["eventName"] == "statsig::layer_exposure"
    assert (metadata["parameterName"], metadata["allocatedExperiment"]) == ("c", "experiment_b")


def test_unknown_layer_is_404() -> None:
    reply = ask(Sandbox(platform(project())), request("/v1/get_layer", {"user": USER, "layerName": "nope"}))
    assert (reply.status, json_of(reply)["error"]) == (404, "unknown_layer")
    assert reply.events() == ()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/check_gate", {"gateName": "gate_a"}),
        ("/v1/get_config", {"configName": "config_a"}),
        ("/v1/get_layer", {"layerName": "layer_a"}),
    ],
)
def test_exposures_are_turned_off_by_the_client(path: str, body: dict[str, object]) -> None:
    metadata = {"statsigMetadata": {"exposureLoggingDisabled": True}}
    reply = ask(Sandbox(platform(project())), request(path, {"user": USER, **body, **metadata}))
    assert (reply.status, reply.events()) == (200, ())


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/v1/get_config", {"user": USER}, "configName is missing"),
        ("/v1/get_config", {"user": USER, "configName": 1}, "configName must be a text"),
        ("/v1/get_config", {"user": USER, "configName": "n" * 501}, "longer than 500"),
        ("/v1/get_config", {"configName": "a"}, "user is missing"),
        ("/v1/get_layer", {"user": USER}, "layerName is missing"),
        ("/v1/get_layer", {"user": {"custom": []}, "layerName": "a"}, "user.custom"),
    ],
)
def test_bad_question_is_400_and_says_what_is_wrong(path: str, body: object, named: str) -> None:
    reply = ask(Sandbox(platform()), request(path, body))
    assert (reply.status, json_of(reply)["error"]) == (400, "bad_request")
    assert named in str(json_of(reply)["message"])


def test_groups_of_a_bandit_are_ranked_by_their_score() -> None:
    asked = request("/v1/get_ranked_list", {"user": {"userID": "u", "custom": {"age": 3}}, "configName": "bandit_a"})
    reply = ask(Sandbox(platform(project())), asked)
    assert json.loads(reply.body) == [
        {"name": "Two", "value": {"color": "blue"}, "rule_id": "two", "score": 5.0},
        {"name": "One", "value": {"color": "red"}, "rule_id": "one", "score": 4.0},
    ]
    assert reply.events() == ()


@pytest.mark.parametrize("name", ["config_a", "nope"])
def test_ranking_of_what_is_no_bandit_is_404(name: str) -> None:
    reply = ask(Sandbox(platform(project())), request("/v1/get_ranked_list", {"user": USER, "configName": name}))
    assert (reply.status, json_of(reply)["error"]) == (404, "unknown_bandit")


@pytest.mark.parametrize(
    ("asked", "kind", "value"),
    [
        ({"name": "gate_a"}, "gate", True),
        ({"name": "config_a", "kind": "config"}, "config", {"c": "a"}),
        ({"name": "experiment_a", "kind": "config"}, "experiment", {"c": 1.0}),
        ({"name": "layer_a", "kind": "layer"}, "layer", {"c": "b"}),
        ({"name": "nope", "kind": "experiment"}, "experiment", None),
    ],
)
def test_explanation_is_the_trace_and_exposes_nothing(asked: Json, kind: str, value: object) -> None:
    reply = ask(Sandbox(platform(project())), request("/v1/explain", {"user": USER, **asked}))
    body = json_of(reply)
    assert (reply.status, body["kind"], body["value"]) == (200, kind, value)
    assert isinstance(body["rules"], list)
    assert reply.events() == ()


def test_explanation_shows_bucket_and_threshold() -> None:
    spec = document(g=gate(50.0))
    body = json_of(ask(Sandbox(platform(spec)), request("/v1/explain", {"user": USER, "name": "g"})))
    rules: Any = body["rules"]
    assert rules[0]["threshold"] == 5000.0
    assert 0 <= rules[0]["bucket"] < 10_000


@pytest.mark.parametrize("asked", [{}, {"name": ""}, {"name": "g", "kind": "flag"}])
def test_bad_question_about_a_reason_is_400(asked: Json) -> None:
    assert ask(Sandbox(platform()), request("/v1/explain", {"user": USER, **asked})).status == 400
