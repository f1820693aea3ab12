"""The client response as the browser client asks for it."""

import base64
import json
from dataclasses import replace

import pytest

from benchmarks.made_spec import make_spec
from edge.messages import Reply, encode_json
from edge.routes.clients import SDK_INFO
from edge.sandbox import Sandbox
from evaluator.client_response import FORMATS, ResponseOptions, write_client_response
from evaluator.decode import decode_project
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.edge.builders import CLIENT, SERVER, TIME, Json, ask, document, json_of, platform, request
from tests.edge.project import project

USER = {"userID": "u", "custom": {"a": 1}, "privateAttributes": {"salary": 1}}


def encode(body: Json) -> bytes:
    """A body as the browser client writes it: base64 of Latin-1, backwards."""
    return base64.b64encode(json.dumps(body, ensure_ascii=False).encode("latin-1"))[::-1]


def initialize(sandbox: Sandbox, body: object, query: str = "", key: str = CLIENT) -> Reply:
    return ask(sandbox, request(f"/v1/initialize?k={key}&st=javascript-client&t=1{query}", body, key=""))


def test_initialize_answers_what_the_client_needs() -> None:
    reply = initialize(Sandbox(platform(project())), {"user": USER, "hash": "none"})
    body = json_of(reply)
    assert reply.status == 200
    assert (body["has_updates"], body["time"], body["hash_used"]) == (True, TIME, "none")
    gates, configs, layers = (body[key] for key in ("feature_gates", "dynamic_configs", "layer_configs"))
    assert isinstance(gates, dict)
    assert isinstance(configs, dict)
    assert isinstance(layers, dict)
    assert gates["gate_free"]["value"] is True
    assert "holdout" not in gates
    assert configs["experiment_a"]["value"] == {"c": 1.0}
    assert layers["layer_a"]["allocated_experiment_name"] == "experiment_b"
    assert reply.events() == ()


def test_view_of_the_user_is_let_go_of_behind_the_reply() -> None:
    kept = initialize(Sandbox(platform(project())), {"user": USER}).made_from
    assert isinstance(kept, tuple)
    assert isinstance(kept[0], UserView)


@pytest.mark.parametrize(("share", "is_planned"), [("1", False), ("2", True)])
def test_next_response_is_planned_where_another_request_may_come(share: str, is_planned: bool) -> None:
    sandbox = Sandbox(platform(project(), requests_per_sandbox=share))
    done: list[bool] = []
    reply = initialize(sandbox, {"user": USER})
    sandbox.after_reply(replace(reply, ahead=lambda: done.append(True)))
    assert done == [True] * is_planned


def test_users_who_are_alike_get_what_a_fresh_sandbox_answers() -> None:
    sandbox = Sandbox(platform(project()))
    for number in range(6):
        user = {**USER, "userID": f"u{number}"}
        reused, fresh = (initialize(one, {"user": user}) for one in (sandbox, Sandbox(platform(project()))))
        assert reused.body == fresh.body


def test_body_written_backwards_in_base64_is_read_as_latin_1() -> None:
    sandbox = Sandbox(platform(project()))
    user = {"userID": "é"}
    assert json_of(initialize(sandbox, encode({"user": user}), "&se=1"))["user"] == user


def test_plain_body_is_read_although_the_query_says_encoded() -> None:
    sandbox = Sandbox(platform(project()))
    user = {"userID": "日本"}
    assert json_of(initialize(sandbox, {"user": user}, "&se=1"))["user"] == user


@pytest.mark.parametrize("body", [b"", b"!!!", b"e30", encode({})[1:], b"[1]", b'{"user": 1}', b'{"hash": "md5"}'])
def test_body_that_is_no_object_is_400(body: bytes) -> None:
    assert initialize(Sandbox(platform()), body).status == 400


def test_user_is_echoed_as_sent_without_private_attributes() -> None:
    sandbox = Sandbox(platform(project(), environment="staging"))
    body = json_of(initialize(sandbox, {"user": USER, "statsigMetadata": {"stableID": "stable-1"}}))
    assert body["user"] == {"userID": "u", "custom": {"a": 1}}


def test_stable_id_of_the_metadata_counts_where_the_user_has_none() -> None:
    sandbox = Sandbox(platform(project()))
    asked: Json = {"user": {}, "hash": "none", "statsigMetadata": {"stableID": "stable-1"}}
    own: Json = {**asked, "user": {"customIDs": {"stableID": "own"}}}
    values = [json_of(initialize(sandbox, body))["feature_gates"] for body in (asked, own)]
    assert [gates["known_device"]["value"] for gates in values if isinstance(gates, dict)] == [True, False]


def test_stable_id_comes_from_the_cookie_that_the_setting_names() -> None:
    sandbox = Sandbox(platform(project(), stable_id_cookie="device"))
    asked = request(
        f"/v1/initialize?k={CLIENT}", {"hash": "none"}, key="", headers={"cookie": "a=b; device=stable-1; c=d"}
    )
    gates = json_of(ask(sandbox, asked))["feature_gates"]
    assert isinstance(gates, dict)
    assert gates["known_device"]["value"] is True


def test_client_that_holds_just_this_hears_that_nothing_changed() -> None:
    sandbox = Sandbox(platform(project()))
    first = json_of(initialize(sandbox, {"user": USER}))
    held: Json = {"user": USER, "sinceTime": TIME, "full_checksum": first["full_checksum"]}
    assert json_of(initialize(sandbox, held)) == {"has_updates": False}
    for change in ({"sinceTime": 0}, {"full_checksum": "other"}, {"full_checksum": None}, {"hash": "sha256"}):
        assert json_of(initialize(sandbox, {**held, **change}))["has_updates"] is True


def test_no_change_reply_ends_with_a_new_spec() -> None:
    outside = platform(document())
    sandbox = Sandbox(outside)
    first = json_of(initialize(sandbox, {"user": USER}))
    outside.put("gatelet-specs", "statsig-test", json.dumps(document(TIME + 1)).encode())
    outside.time_ms += 60_000
    held = {"user": USER, "sinceTime": TIME, "full_checksum": first["full_checksum"]}
    assert json_of(initialize(sandbox, held))["time"] == TIME + 1


def test_initialize_without_a_spec_is_503_so_that_the_client_keeps_what_it_has() -> None:
    reply = initialize(Sandbox(platform(b"not json")), {"user": USER})
    assert (reply.status, json_of(reply)["error"]) == (503, "no_spec")


@pytest.mark.parametrize("key", ["", "nobody"])
def test_initialize_without_a_known_key_is_401(key: str) -> None:
    assert initialize(Sandbox(platform()), {"user": USER}, key=key).status == 401


def test_key_may_stand_in_the_header() -> None:
    assert ask(Sandbox(platform()), request("/v1/initialize", {"user": USER}, key=SERVER)).status == 200


@pytest.mark.parametrize("response_format", FORMATS)
def test_format_that_the_body_asks_for_is_what_the_evaluator_writes(response_format: str) -> None:
    spec = make_spec()
    outside = platform(spec)
    made = decode_project(spec)
    for user in ({"userID": "a", "email": "a@example.com"}, {"userID": "b", "country": "US"}):
        body = {"user": user, "hash": "djb2", "responseFormat": response_format}
        found = json_of(initialize(Sandbox(outside), body, key=SERVER))
        view = UserView(made, decode_user(user), outside.time_ms)
        options = ResponseOptions(response_format=response_format, previous_response_hash="")
        expected = write_client_response(view, options, json.loads(SDK_INFO))
        assert found.pop("user") == user
        expected.pop("user", None)
        assert found == json.loads(encode_json(expected))
        assert ("exposures" in found) is (response_format != "v1")


def test_key_of_a_target_app_gets_the_format_that_is_narrowed() -> None:
    outside = platform(project())
    outside.secrets["client_key"] = b"client-a"
    short, long = (
        json_of(initialize(Sandbox(outside), {"user": USER, "responseFormat": wanted}, key="client-a"))
        for wanted in ("init-v2", "v1")
    )
    assert short == long


@pytest.mark.parametrize(("hash_name", "status"), [(None, 200), ("", 200), ("sha256", 200), ("md5", 400), (False, 400)])
def test_hash_is_one_of_three_or_left_to_us(hash_name: object, status: int) -> None:
    reply = ask(
        Sandbox(platform()), request("/v1/initialize", {"user": {"userID": "u"}, "hash": hash_name}, key=CLIENT)
    )
    assert reply.status == status
    if status == 200:
        assert json_of(reply)["hash_used"] == (hash_name or "djb2")


def test_unknown_format_is_refused() -> None:
    reply = initialize(Sandbox(platform(project())), {"user": USER, "responseFormat": "v9"})
    assert (reply.status, json_of(reply)["message"]) == (400, "responseFormat must be one of v1, v2, init-v2")
