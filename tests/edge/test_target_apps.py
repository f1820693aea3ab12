"""Keys, routes and target apps: who may ask what, and what a client key can learn.

`tests/edge/project.py` says which entity belongs to which app.
"""

import json
from typing import Any

import pytest

from edge.keys import Access
from edge.messages import Reply
from edge.routes.table import ROUTES
from edge.sandbox import Sandbox
from evaluator.bucketing import find_name_hash
from tests.edge.builders import CLIENT, SERVER, Json, ask, json_of, platform, request
from tests.edge.project import SECRET_NAMES, project

APP_A, APP_B = "client-a", "client-b"
USER = {"userID": "u"}
KEYS = {"": 401, "nobody": 401, CLIENT: 0, APP_A: 0, APP_B: 0, SERVER: 0, "secret-next": 0}


def sandbox() -> Sandbox:
    outside = platform(project())
    outside.secrets["client_key"] = f"{CLIENT} {APP_A}\n{APP_B}".encode()
    outside.secrets["server_secret"] = f"{SERVER} secret-next".encode()
    return Sandbox(outside)


def send(path: str, body: object, key: str) -> Reply:
    method = "GET" if body is None else "POST"
    return ask(sandbox(), request(path, body, method=method, key="", headers={name: key for name in HEADERS if key}))


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
    assert ask_for(f"{kind}_a", APP_A) == ask_for(f"{kind}_a", SERVER)


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
