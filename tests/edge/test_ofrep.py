"""OpenFeature's remote evaluation protocol."""

import json
from typing import Any

import pytest

from edge.messages import Reply
from edge.sandbox import Sandbox
from evaluator.view import UserView
from tests.edge.builders import CLIENT, SERVER, Json, ask, document, gate, header_of, json_of, platform, request
from tests.edge.project import config, project, rule

PATH = "/ofrep/v1/evaluate/flags"


def evaluate(key: str, context: object = None, *, spec: Json | None = None, api_key: str = CLIENT) -> Reply:
    body = {"context": {"targetingKey": "u"} if context is None else context}
    sandbox = Sandbox(platform(project() if spec is None else spec))
    return ask(sandbox, request(f"{PATH}{key and '/'}{key}", body, key="", headers={"x-api-key": api_key}))


def test_gate_is_a_boolean() -> None:
    reply = evaluate("gate_free")
    assert (reply.status, json_of(reply)) == (
        200,
        {
            "key": "gate_free",
            "reason": "TARGETING_MATCH",
            "variant": "pass_all",
            "value": True,
            "metadata": {
                "ruleID": "pass_all",
                "reason": "Adapter(FastlyKV):Recognized",
                "idType": "userID",
                "configVersion": 3,
            },
        },
    )
    assert [event["eventName"] for event in reply.events()] == ["statsig::gate_exposure"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("config_a", {"c": "a"}),
        ("experiment_a", {"c": 1.0}),
        ("bandit_a", {"color": "blue"}),
        ("layer_a", {"c": "b"}),
        ("experiment_a.c", 1.0),
        ("layer_a.c", "b"),
        ("layer%5Fa.c", "b"),
    ],
)
def test_configs_are_objects_and_parameters_what_they_are(key: str, value: object) -> None:
    reply = evaluate(key)
    assert (reply.status, json_of(reply)["value"]) == (200, value)


def test_float_stays_a_float_on_the_wire() -> None:
    assert b'"value":1.0' in evaluate("experiment_a.c").body


def test_parameter_of_a_layer_exposes_itself_only() -> None:
    spec = project()
    layers: Any = spec["layer_configs"]
    layers["wide"] = config({"a": 1, "b": 2}, "layer")
    (event,) = evaluate("wide.b", spec=spec).events()
    metadata: Any = event["metadata"]
    assert metadata["parameterName"] == "b"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (gate(), "TARGETING_MATCH"),
        (gate(99.999), "SPLIT"),
        (gate(rules=[]), "STATIC"),
        (gate(rules=[], enabled=False), "DISABLED"),
        (gate(rules=[rule("r", True, "gone")]), "UNKNOWN"),
    ],
)
def test_reason_says_how_the_answer_came_about(made: Json, reason: str) -> None:
    assert json_of(evaluate("g", spec=document(g=made)))["reason"] == reason


def test_group_of_an_experiment_is_a_split() -> None:
    spec = project()
    configs: Any = spec["dynamic_configs"]
    group = rule("group", {}, groupName="Green", isExperimentGroup=True)
    configs["e"] = config({}, "experiment", rules=[group], isActive=True)
    body = json_of(evaluate("e", spec=spec))
    assert (body["reason"], body["variant"]) == ("SPLIT", "Green")


@pytest.mark.parametrize(
    ("key", "context", "status", "code"),
    [
        ("nope", None, 404, "FLAG_NOT_FOUND"),
        ("config_a.nope", None, 404, "FLAG_NOT_FOUND"),
        ("gate_free.c", None, 404, "FLAG_NOT_FOUND"),
        ("gate_free", {"targetingKey": ""}, 400, "TARGETING_KEY_MISSING"),
        ("gate_free", {"targetingKey": None}, 400, "TARGETING_KEY_MISSING"),
        ("gate_free", {"targetingKey": 7}, 400, "INVALID_CONTEXT"),
        ("gate_free", {"targetingKey": []}, 400, "INVALID_CONTEXT"),
        ("gate_free", {"customIDs": 7}, 400, "INVALID_CONTEXT"),
        ("gate_free", 7, 400, "INVALID_CONTEXT"),
        ("", 7, 400, "INVALID_CONTEXT"),
    ],
)
def test_errors_have_the_codes_of_the_protocol(key: str, context: object, status: int, code: str) -> None:
    reply = evaluate(key, context)
    body = json_of(reply)
    assert (reply.status, body["errorCode"]) == (status, code)
    assert body["errorDetails"]
    assert body.get("key", "") == key
    assert reply.events() == ()


def test_body_that_is_not_json_is_a_parse_error() -> None:
    reply = ask(Sandbox(platform()), request(f"{PATH}/open", b"{"))
    assert (reply.status, json_of(reply)["errorCode"], json_of(reply)["key"]) == (400, "PARSE_ERROR", "open")


def test_gates_in_a_circle_are_a_general_error() -> None:
    circle = document(g=gate(rules=[rule("r", True, "itself")]))
    circle["condition_map"] = {"itself": {"type": "pass_gate", "targetValue": "g", "operator": None, "field": None}}
    reply = evaluate("g", spec=circle)
    assert (reply.status, json_of(reply)["errorCode"]) == (400, "GENERAL")
    assert json_of(evaluate("", spec=circle))["flags"] == [
        {"key": "g", "errorCode": "GENERAL", "errorDetails": "Error:Statsig Evaluation Depth Exceeded"}
    ]


@pytest.mark.parametrize("key", ["gate_free", ""])
def test_without_a_spec_the_client_keeps_its_default(key: str) -> None:
    sandbox = Sandbox(platform(b"not json"))
    reply = ask(sandbox, request(f"{PATH}/{key}".rstrip("/"), {"context": {}}))
    assert (reply.status, json_of(reply)["errorCode"]) == (500, "GENERAL")


@pytest.mark.parametrize("api_key", ["", "nobody"])
def test_unknown_key_is_401_with_details(api_key: str) -> None:
    reply = evaluate("gate_free", api_key=api_key)
    assert reply.status == 401
    assert json_of(reply)["errorDetails"]


def test_key_may_be_a_bearer_token() -> None:
    asked = request(f"{PATH}/open", {}, key="", headers={"authorization": f"Bearer {SERVER}"})
    assert ask(Sandbox(platform()), asked).status == 200


def test_bulk_holds_everything_but_segments_and_holdouts_and_exposes_nothing() -> None:
    reply = evaluate("")
    flags: Any = json_of(reply)["flags"]
    keys = [flag["key"] for flag in flags]
    assert len(keys) == len(set(keys))
    assert {"gate_a", "config_b", "experiment_a", "bandit_a", "layer_b"} <= set(keys)
    assert not {"holdout", "segment:staff"} & set(keys)
    assert reply.events() == ()


def test_bulk_and_single_agree() -> None:
    flags: Any = json_of(evaluate(""))["flags"]
    for flag in flags:
        assert json_of(evaluate(flag["key"])) == flag


def test_bulk_of_a_sandbox_that_has_answered_others_is_that_of_a_fresh_one() -> None:
    contexts: list[Json] = [{"targetingKey": "u", "country": country} for country in ("NZ", "NL", "NZ")]
    contexts += [{"targetingKey": "u", "customIDs": {"stableID": "stable-1"}}, {}, contexts[0]]
    used = Sandbox(platform(project()))
    for context in contexts:
        bodies = {ask(one, request(PATH, {"context": context})).body for one in (used, Sandbox(platform(project())))}
        assert len(bodies) == 1


def test_bulk_of_a_gate_in_a_circle_answers_the_others() -> None:
    spec = document(g=gate(rules=[rule("r", True, "itself")]), other=gate())
    conditions: Any = spec["condition_map"]
    conditions["itself"] = {"type": "pass_gate", "targetValue": "g", "operator": None, "field": None}
    flags: Any = json_of(evaluate("", spec=spec))["flags"]
    assert [flag.get("value") for flag in flags] == [None, True]


def test_bulk_of_an_app_names_nothing_else() -> None:
    sandbox = Sandbox(platform(project()))
    sandbox.platform.secrets["client_key"] = b"client-a"  # type: ignore[attr-defined]
    reply = ask(sandbox, request(PATH, {"context": {}}, key="client-a"))
    flags: Any = json_of(reply)["flags"]
    assert {flag["key"] for flag in flags} == {"gate_a", "config_a", "experiment_a", "bandit_a", "layer_a"}
    for name in ("gate_b", "experiment_b", "app_b"):
        assert name not in reply.body.decode()
    for key in ("gate_b", "config_b", "config_b.c", "gate_free", "layer_b.c"):
        hidden, unused = (
            ask(sandbox, request(f"{PATH}/{one}", {"context": {}}, key="client-a")) for one in (key, "x" + key[1:])
        )
        assert hidden.status == unused.status == 404
        assert hidden.body.replace(key.encode(), b"K") == unused.body.replace(b"x" + key[1:].encode(), b"K")


def test_bulk_of_an_app_stays_its_own_beside_a_key_that_sees_everything() -> None:
    sandbox = Sandbox(platform(project()))
    sandbox.platform.secrets["client_key"] = b"client-a"  # type: ignore[attr-defined]
    replies = [ask(sandbox, request(PATH, {"context": {}}, key=key)) for key in (SERVER, "client-a") * 2]
    shown: list[Any] = [json_of(one)["flags"] for one in replies]
    assert shown[:2] == shown[2:]
    assert {flag["key"] for flag in shown[1]} < {flag["key"] for flag in shown[0]}
    assert all(isinstance(one.made_from, UserView) for one in replies)


def test_etag_covers_the_context() -> None:
    sandbox = Sandbox(platform(project()))

    def ask_bulk(context: Json, tag: str = "") -> Reply:
        return ask(sandbox, request(PATH, {"context": context}, headers={"if-none-match": tag} if tag else {}))

    first = ask_bulk({"targetingKey": "u"})
    tag = header_of(first, "etag")
    unchanged = ask_bulk({"targetingKey": "u"}, f'"other", W/{tag}')
    assert (unchanged.status, unchanged.body, header_of(unchanged, "etag")) == (304, b"", tag)
    assert ask_bulk({"targetingKey": "u", "country": "NZ"}, tag).status == 200
    assert ask_bulk({"targetingKey": "u", "anything": 1}, tag).status == 304  # nothing depends on it


def test_context_becomes_a_user() -> None:
    sandbox = Sandbox(platform(project()))
    context = {
        "targetingKey": "u",
        "email": "e@example.com",
        "customIDs": {"companyID": "c"},
        "plan": "pro",
        "custom": {"age": 3},
        "privateAttributes": {"salary": 1},
    }
    reply = ask(sandbox, request(f"{PATH}/gate_free", {"context": context}))
    assert json.loads(json.dumps(reply.events()[0]["user"])) == {
        "userID": "u",
        "email": "e@example.com",
        "customIDs": {"companyID": "c"},
        "custom": {"age": 3, "plan": "pro"},
    }
