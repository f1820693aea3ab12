"""Keys, routes, target apps and lists of entities: who may ask what, and what a client key can learn.

`tests/edge/project.py` says which entity belongs to which app, and what the lists hold.
"""

import json
from typing import Any

import pytest

from edge.callers.keys import Access
from edge.messages import Reply
from edge.routes.table import ROUTES
from edge.sandbox import Sandbox
from evaluator.bucketing import find_name_hash, hash_djb2
from specstore import cut
from tests.edge.builders import CLIENT, SERVER, Json, ask, json_of, platform, put_both, request
from tests.edge.project import SECRET_NAMES, project

APP_A, APP_B, LISTED, BOTH = "client-a", "client-b", "client-listed", "client-both"
USER = {"userID": "u"}
KEYS = {"": 401, "nobody": 401, CLIENT: 0, APP_A: 0, APP_B: 0, LISTED: 0, BOTH: 0, SERVER: 0, "secret-next": 0}


def sandbox(layout: str = "raw", document: Json | None = None) -> Sandbox:
    spec = project() if document is None else document
    outside = platform(spec)
    if layout == "paged":
        put_both(outside, spec)
    outside.secrets["client_key"] = f"{CLIENT} {APP_A}\n{APP_B} {LISTED} {BOTH}".encode()
    outside.secrets["server_secret"] = f"{SERVER} secret-next".encode()
    return Sandbox(outside)


def send(path: str, body: object, key: str, layout: str = "raw") -> Reply:
    method, headers = "GET" if body is None else "POST", {name: key for name in HEADERS if key}
    return ask(sandbox(layout), request(path, body, method=method, key="", headers=headers))


HEADERS = ("statsig-api-key", "x-api-key")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("key", KEYS)
def test_a_key_opens_the_routes_of_its_kind_and_no_other(route: Any, key: str) -> None:
    path = route.path.partition("{")[0] + ("x" if "{" in route.path else "")
    status = send(path, None if route.method == "GET" else {}, key).status
    is_server = key in {SERVER, "secret-next"}
    if route.path == "/v1/id_lists/{file}":
        assert status == 401  # the signature of its address opens it, and no key
    elif route.access is Access.NONE:
        assert status not in {401, 403}
    elif KEYS[key] == 401:
        assert status == 401
    elif route.access is Access.SERVER and not is_server:
        assert status == 403
    else:
        assert status not in {401, 403}


# Every question about one name: the path, the body, and where the name stands in it.
QUESTIONS = [
    ("/v1/check_gate", "gateName", "gate"),
    ("/v1/get_config", "configName", "config"),
    ("/v1/get_config", "configName", "experiment"),
    ("/v1/get_config", "configName", "bandit"),
    ("/v1/get_layer", "layerName", "layer"),
    ("/v1/get_ranked_list", "configName", "bandit"),
]


@pytest.mark.parametrize(("path", "field", "kind"), QUESTIONS)
def test_entity_of_another_app_is_answered_like_a_name_that_nobody_used(path: str, field: str, kind: str) -> None:
    def ask_for(name: str, key: str) -> tuple[int, str]:
        reply = send(path, {"user": USER, field: name}, key)
        return reply.status, reply.body.decode().replace(name, "NAME")

    hidden, unused = ask_for(f"{kind}_b", APP_A), ask_for(f"{kind}_x", APP_A)
    assert hidden == unused
    assert ask_for(f"{kind}_b", APP_B) != hidden
    assert ask_for(f"{kind}_b", CLIENT) == ask_for(f"{kind}_b", SERVER) != hidden
    mine, whole = ask_for(f"{kind}_a", APP_A), ask_for(f"{kind}_a", SERVER)
    assert mine == (whole[0], whole[1].replace(',"allocatedExperimentName":"experiment_b"', ""))


def test_entity_without_an_app_is_hidden_from_keys_that_have_one() -> None:
    body = {"user": USER, "gateName": "gate_free"}
    assert json_of(send("/v1/check_gate", body, APP_A))["value"] is False
    assert json_of(send("/v1/check_gate", body, CLIENT))["value"] is True


@pytest.mark.parametrize("algorithm", ["none", "djb2", "sha256"])
def test_client_response_names_nothing_of_another_app(algorithm: str) -> None:
    body = {"user": USER, "hash": algorithm}
    hash_name = find_name_hash(algorithm)
    mine, all_of_it = (send("/v1/initialize", body, key).body.decode() for key in (APP_A, SERVER))
    for name in SECRET_NAMES:
        assert json.dumps(hash_name(name)) not in mine, name
    for name in ("gate_b", "experiment_b", "layer_b"):
        assert json.dumps(hash_name(name)) in all_of_it
    for name in ("gate_a", "config_a", "experiment_a", "layer_a", "bandit_a", "store_a"):
        assert json.dumps(hash_name(name)) in mine, name


def test_stored_parameter_that_leans_on_another_app_takes_what_the_client_would() -> None:
    stores: Json = json_of(send("/v1/initialize", {"user": USER, "hash": "none"}, APP_A))["param_stores"]  # type: ignore[assignment]
    assert stores["store_a"] == {
        "fixed": {"ref_type": "static", "param_type": "string", "name": "fixed", "value": "x"},
        "own": {
            "ref_type": "gate",
            "param_type": "string",
            "name": "own",
            "gate_name": "gate_a",
            "pass_value": 1,
            "fail_value": 2,
        },
        "gated": {"ref_type": "static", "param_type": "string", "name": "gated", "value": 2},
    }


def test_values_of_an_app_are_the_same_as_without_one() -> None:
    body = {"user": USER, "hash": "none"}
    mine, whole = (json_of(send("/v1/initialize", body, key)) for key in (APP_A, SERVER))
    for section in ("feature_gates", "dynamic_configs", "layer_configs"):
        own, other = mine[section], whole[section]
        assert isinstance(own, dict)
        assert isinstance(other, dict)
        assert own
        assert {name: entry["value"] for name, entry in own.items()} == {name: other[name]["value"] for name in own}


ENTITIES = [f"{kind}_{app}" for kind in ("gate", "config", "experiment", "bandit", "layer") for app in "ab"]
ENTITIES += ["gate_free"]
# Which of them each key sees.
SEEN = {
    SERVER: set(ENTITIES),
    CLIENT: set(ENTITIES),
    APP_A: {"gate_a", "config_a", "experiment_a", "bandit_a", "layer_a"},
    APP_B: {"gate_b", "config_b", "experiment_b", "bandit_b", "layer_b"},
    LISTED: {"gate_free", "config_a", "experiment_b", "bandit_a", "layer_a", "layer_b"},  # lists have no layers
    BOTH: {"gate_a", "experiment_a", "layer_a"},
}
ASKED = {"gate": "gateName", "layer": "layerName"}
ROUTE_OF = {"gate": "/v1/check_gate", "layer": "/v1/get_layer"}


def ask_about(name: str, key: str, layout: str, *, unused: bool = False) -> list[tuple[int, str]]:
    """What each route that asks for one name says of an entity, or of a name that nobody used in its place."""
    kind, said = name.partition("_")[0], "nobody_used_this" if unused else name
    replies = [
        send(ROUTE_OF.get(kind, "/v1/get_config"), {"user": USER, ASKED.get(kind, "configName"): said}, key, layout),
        send(f"/ofrep/v1/evaluate/flags/{said}", {"context": {"targetingKey": "u"}}, key, layout),
    ]
    if kind == "bandit":
        replies.append(send("/v1/get_ranked_list", {"user": USER, "configName": said}, key, layout))
    return [(reply.status, reply.body.decode().replace(said, "NAME")) for reply in replies]


@pytest.mark.parametrize("layout", ["raw", "paged"])
@pytest.mark.parametrize("key", SEEN)
def test_single_questions_show_a_key_what_it_may_see_and_nothing_else(key: str, layout: str) -> None:
    for name in ENTITIES:
        unused = ask_about(name, key, layout, unused=True)
        for found, other in zip(ask_about(name, key, layout), unused, strict=True):
            assert (found != other) is (name in SEEN[key]), (name, found)


@pytest.mark.parametrize("layout", ["raw", "paged"])
@pytest.mark.parametrize("key", SEEN)
def test_answers_about_everything_hold_what_a_key_may_see_and_nothing_else(key: str, layout: str) -> None:
    response = json_of(send("/v1/initialize", {"user": USER, "hash": "none"}, key, layout))
    sections = [response[name] for name in ("feature_gates", "dynamic_configs", "layer_configs")]
    flags = json_of(send("/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u"}}, key, layout))["flags"]
    assert isinstance(flags, list)
    for found in ({name for one in sections if isinstance(one, dict) for name in one}, {one["key"] for one in flags}):
        assert found & set(ENTITIES) == SEEN[key]
        assert (found > SEEN[key]) is (key in {SERVER, CLIENT})  # the spec has entities besides these


def value_of(name: str) -> str:
    """A text that stands in the value of one entity alone."""
    return f"what {name} is worth"


def marked_project() -> Json:
    """The project with a value of its own for each config, layer and bandit."""
    document: Any = project()
    for section in ("dynamic_configs", "layer_configs"):
        for name, spec in document[section].items():
            spec["rules"][0]["returnValue"] = {"c": value_of(name)}
    for name, spec in document["cmab_configs"].items():
        spec["groups"][1]["parameterValues"] = {"color": value_of(name)}
    marked: Json = document
    return marked


@pytest.mark.parametrize("layout", ["raw", "paged"])
@pytest.mark.parametrize("key", [APP_A, APP_B, LISTED, BOTH])
@pytest.mark.parametrize("algorithm", ["none", "djb2", "sha256"])
@pytest.mark.parametrize("response_format", ["v1", "v2", "init-v2"])
def test_whole_answers_hold_neither_name_nor_value_of_what_is_hidden(
    layout: str, key: str, algorithm: str, response_format: str
) -> None:
    hash_name = find_name_hash(algorithm)
    headers = dict.fromkeys(HEADERS, key)
    asked = {"user": USER, "hash": algorithm, "responseFormat": response_format}
    shared = sandbox(layout, marked_project())
    client = ask(shared, request("/v1/initialize", asked, key="", headers=headers)).body.decode()
    flags = {"context": {"targetingKey": "u"}}
    bulk = ask(shared, request("/ofrep/v1/evaluate/flags", flags, key="", headers=headers)).body.decode()
    # `layer_a` has the value of the experiment that it delegates to.
    worth = {"experiment_b" if name == "layer_a" else name for name in SEEN[key]}
    for name in (*ENTITIES, "holdout", "segment:staff"):
        if name not in SEEN[key]:
            assert json.dumps(hash_name(name)) not in client, name
            assert json.dumps(name) not in bulk, name
        if "gate" not in name:
            assert (value_of(name) in client, value_of(name) in bulk) == (name in worth,) * 2, name


def test_list_hides_what_is_nested_as_an_app_does() -> None:
    response = send("/v1/initialize", {"user": USER, "hash": "none", "responseFormat": "init-v2"}, LISTED).body.decode()
    assert '"gate_b"' not in response
    whole = send("/v1/initialize", {"user": USER, "hash": "none"}, SERVER).body.decode()
    assert '"gate_b"' in whole
    layer = json_of(send("/v1/get_layer", {"user": USER, "layerName": "layer_a"}, LISTED))
    assert layer["allocatedExperimentName"] == "experiment_b"  # which is on the list


@pytest.mark.parametrize("listed", [{}, {"gates": None}, {"gates": {"gate_a": 1}, "configs": "config_a"}, [], "gate_a"])
def test_list_that_is_none_shows_no_gate_and_no_config(listed: object) -> None:
    changed = {**project(), "hashed_sdk_keys_to_entities": {hash_djb2(CLIENT): listed}}
    reply = ask(Sandbox(platform(changed)), request("/v1/initialize", {"user": USER, "hash": "none"}, key=CLIENT))
    response = json_of(reply)
    assert (response["feature_gates"], response["dynamic_configs"]) == ({}, {})
    assert response["layer_configs"]


@pytest.mark.parametrize("table", [{}, None, {hash_djb2("another"): {"gates": [], "configs": []}}])
def test_key_without_a_list_sees_everything(table: object) -> None:
    changed = {**project(), "hashed_sdk_keys_to_entities": table}
    reply = ask(Sandbox(platform(changed)), request("/v1/initialize", {"user": USER, "hash": "none"}, key=CLIENT))
    gates = json_of(reply)["feature_gates"]
    assert isinstance(gates, dict)
    assert {"gate_a", "gate_b", "gate_free"} <= gates.keys()


@pytest.mark.parametrize("key", SEEN)
def test_pages_without_sights_hide_the_same(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "write_sights", lambda *_: {})  # as earlier builds wrote them
    for name in ENTITIES:
        unused = ask_about(name, key, "paged", unused=True)
        for found, other in zip(ask_about(name, key, "paged"), unused, strict=True):
            assert (found != other) is (name in SEEN[key]), (name, found)
