import json

import pytest

from edge.sandbox import Sandbox
from edge.spec.projects import fingerprint
from tests.edge.builders import (
    CLIENT,
    SERVER,
    STORE,
    ask,
    document,
    gate,
    header_of,
    json_of,
    platform,
    request,
)

USER = {"userID": "u"}


def check(**body: object) -> dict[str, object]:
    return {"user": USER, **body}


def test_gate_answers_in_the_shape_of_statsigs_example() -> None:
    reply = ask(Sandbox(platform()), request("/gate?name=open&userID=a%20b", key=""))
    assert (reply.status, json_of(reply)) == (200, {"userID": "a b", "gateResult": True})


def test_gate_is_false_when_the_gate_is_unknown() -> None:
    assert json_of(ask(Sandbox(platform()), request("/gate?name=nope&userID=a")))["gateResult"] is False


@pytest.mark.parametrize("query", ["", "userID=a", "name=&userID=a", "name=open"])
def test_gate_refuses_a_query_without_name_or_user_id(query: str) -> None:
    reply = ask(Sandbox(platform()), request(f"/gate?{query}"))
    assert (reply.status, json_of(reply)["error"]) == (400, "bad_request")


def test_gate_needs_a_key_unless_the_setting_opens_it() -> None:
    closed = Sandbox(platform(open_gate_check="false"))
    assert ask(closed, request("/gate?name=open&userID=a", key="")).status == 401
    assert ask(closed, request("/gate?name=open&userID=a", key=CLIENT)).status == 200


def test_gate_answers_500_with_details_when_there_is_no_spec() -> None:
    reply = ask(Sandbox(platform(b"not json")), request("/gate?name=open&userID=a"))
    body = json_of(reply)
    assert (reply.status, set(body)) == (500, {"error", "details"})
    assert "not JSON" in str(body["details"])


def test_check_gate_answers_one() -> None:
    reply = ask(Sandbox(platform()), request("/v1/check_gate", check(gateName="open"), key=CLIENT))
    assert json_of(reply) == {
        "name": "open",
        "value": True,
        "rule_id": "pass_all",
        "group_name": None,
        "reason": "Adapter(FastlyKV):Recognized",
    }


def test_check_gate_answers_many_by_name() -> None:
    reply = ask(Sandbox(platform()), request("/v1/check_gate", check(gateNames=["open", "shut", "nope", "open"])))
    body = json_of(reply)
    assert {name: item["value"] for name, item in body.items() if isinstance(item, dict)} == {
        "open": True,
        "shut": False,
        "nope": False,
    }


def test_check_gate_refuses_many_for_a_client_key() -> None:
    reply = ask(Sandbox(platform()), request("/v1/check_gate", check(gateNames=["open"]), key=CLIENT))
    assert (reply.status, json_of(reply)["error"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (check(), "gateName"),
        (check(gateName="a", gateNames=["a"]), "either"),
        (check(gateName=""), "text"),
        (check(gateName=7), "text"),
        (check(gateNames=[]), "1 to 100"),
        (check(gateNames=["a"] * 101), "1 to 100"),
        (check(gateNames="a"), "list"),
        (check(gateNames=["a", None]), "texts"),
        ({"gateName": "a"}, "user is missing"),
        ({"user": [], "gateName": "a"}, "user"),
        ({"user": {"custom": 1}, "gateName": "a"}, "user.custom"),
        ([], "object"),
        (b"{", "malformed JSON"),
        (b"", "malformed JSON"),
        (b'{"user": NaN}', "NaN"),
        (b"\xff", "UTF-8"),
        (b'{"user": {"userID": "\\ud800"}, "gateName": "a"}', "half of a pair"),
        (b"[" * 200_000, "deep"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "deep"),
    ],
)
def test_check_gate_says_what_is_wrong_with_a_body(body: object, named: str) -> None:
    reply = ask(Sandbox(platform()), request("/v1/check_gate", body))
    assert (reply.status, json_of(reply)["error"]) == (400, "bad_request")
    assert named in str(json_of(reply)["message"])


def test_check_gate_refuses_a_body_over_the_limit() -> None:
    sandbox = Sandbox(platform(max_body_bytes="50"))
    assert ask(sandbox, request("/v1/check_gate", b" " * 51)).status == 413
    assert ask(sandbox, request("/v1/check_gate", b'{"user":{},"gateName":"open"}')).status == 200


def test_check_gate_refuses_a_compressed_body() -> None:
    reply = ask(Sandbox(platform()), request("/v1/check_gate", b"{}", headers={"content-encoding": "gzip"}))
    assert (reply.status, json_of(reply)["error"]) == (415, "unsupported_encoding")


@pytest.mark.parametrize("key", ["", "wrong", CLIENT[:-1], "kéy"])
def test_check_gate_needs_a_known_key(key: str) -> None:
    reply = ask(Sandbox(platform()), request("/v1/check_gate", check(gateName="open"), key=key))
    assert (reply.status, json_of(reply)["error"]) == (401, "unauthorized")


def test_everything_but_health_is_closed_when_no_key_is_configured() -> None:
    bare = platform(open_gate_check="false")
    bare.secrets.clear()
    assert ask(Sandbox(bare), request("/v1/check_gate", check(gateName="open"), key=SERVER)).status == 401
    assert ask(Sandbox(bare), request("/gate?name=open&userID=a", key=SERVER)).status == 401
    assert ask(Sandbox(bare), request("/healthz", key="")).status == 200


def test_check_gate_answers_false_with_a_reason_when_there_is_no_spec() -> None:
    reply = ask(Sandbox(platform(b"{}")), request("/v1/check_gate", check(gateName="open")))
    body = json_of(reply)
    assert (reply.status, body["value"], body["reason"]) == (200, False, "NoValues")
    assert header_of(reply, "x-gatelet-spec") == "none"


def test_health_says_what_is_held() -> None:
    held = platform()
    held.time_ms = 1_600_000_060_000
    body = json_of(ask(Sandbox(held), request("/healthz", key="")))
    spec = body["spec"]
    assert isinstance(spec, dict)
    assert body["status"] == "ok"
    assert {key: spec[key] for key in ("source", "layout", "time", "age_s", "fault")} == {
        "source": "kv",
        "layout": "raw",
        "time": 1_600_000_000_000,
        "age_s": 60,
        "fault": None,
    }
    assert spec["counts"] == {"feature_gates": 2, "dynamic_configs": 0, "layer_configs": 0}


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        ("key", "has no key statsig-test"),
        ("store", "no KV store"),
        ("value", "not JSON"),
        ("shape", "feature_gates"),
        ("setting", "spec_key"),
        ("fault", "throttled"),
    ],
)
def test_health_is_503_and_names_the_cause_when_there_is_no_spec(spoil: str, named: str) -> None:
    values = {"value": b"no json", "shape": json.dumps({"has_updates": True}).encode()}
    spoiled = platform(values.get(spoil))
    if spoil == "key":
        spoiled.stores["gatelet-specs"].clear()
    if spoil == "store":
        spoiled.stores.clear()
    if spoil == "setting":
        del spoiled.settings["spec_key"]
    if spoil == "fault":
        spoiled.store_fault = "throttled"
    reply = ask(Sandbox(spoiled), request("/healthz", key=""))
    assert (reply.status, json_of(reply)["error"]) == (503, "no_spec")
    assert named in str(json_of(reply)["message"])


def test_api_key_decides_which_spec_is_asked() -> None:
    other = "statsig-other"
    outside = platform(projects=f"0000=nowhere {fingerprint(CLIENT)}={other}")
    outside.put(STORE, other, json.dumps(document(open=gate(0.0))).encode())
    sandbox = Sandbox(outside)
    body = {"user": {"userID": "u"}, "gateName": "open"}
    values = [json_of(ask(sandbox, request("/v1/check_gate", body, key=key)))["value"] for key in (SERVER, CLIENT)]
    assert values == [True, False]
