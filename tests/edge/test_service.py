import pytest

from edge.sandbox import Sandbox
from edge.service import APOLOGY
from tests.edge.builders import ask, header_of, json_of, platform, request


def test_unknown_path_is_404() -> None:
    reply = ask(Sandbox(platform()), request("/nope"))
    assert (reply.status, json_of(reply)["error"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("/gate", "POST", "GET, HEAD, OPTIONS"),
        ("/v1/check_gate", "GET", "POST, OPTIONS"),
        ("/v1/check_gate", "BREW", "POST, OPTIONS"),
    ],
)
def test_wrong_method_is_405_and_names_the_right_ones(path: str, method: str, allow: str) -> None:
    reply = ask(Sandbox(platform()), request(path, method=method))
    assert (reply.status, json_of(reply)["error"]) == (405, "method_not_allowed")
    assert header_of(reply, "allow") == allow


def test_head_answers_without_a_body() -> None:
    reply = ask(Sandbox(platform()), request("/healthz", method="HEAD"))
    assert (reply.status, reply.body) == (200, b"")


def test_preflight_allows_the_headers_of_statsigs_clients() -> None:
    asked = request("/v1/check_gate", method="OPTIONS", key="", headers={"origin": "https://shop.example"})
    reply = ask(Sandbox(platform(cors_headers="x-trace")), asked)
    assert (reply.status, reply.body) == (204, b"")
    assert "statsig-api-key" in header_of(reply, "access-control-allow-headers")
    assert header_of(reply, "access-control-allow-headers").endswith(", x-trace")
    assert header_of(reply, "access-control-allow-origin") == "*"


def test_only_named_origins_may_read_replies_where_the_setting_names_some() -> None:
    sandbox = Sandbox(platform(cors_origins="https://shop.example https://www.shop.example"))
    known, other = (
        ask(sandbox, request("/healthz", headers={"origin": origin}))
        for origin in ("https://shop.example", "https://else.example")
    )
    assert header_of(known, "access-control-allow-origin") == "https://shop.example"
    assert "access-control-allow-origin" not in dict(other.headers)
    assert header_of(known, "vary") == header_of(other, "vary") == "origin"


def test_request_without_an_origin_costs_no_header_about_it() -> None:
    names = {name for name, _ in ask(Sandbox(platform()), request("/healthz")).headers}
    assert not [name for name in names if name.startswith("access-control")]


def test_every_reply_says_which_spec_answered_and_how_long_it_took() -> None:
    held = platform()
    sandbox = Sandbox(held)
    held.time_ms = 1_600_000_005_500
    assert header_of(ask(sandbox, request("/nope")), "x-gatelet-spec") == "none"
    second = ask(sandbox, request("/gate?name=open&userID=a"))
    assert header_of(second, "x-gatelet-spec") == "kv; layout=raw; time=1600000000000; age=5"
    assert header_of(second, "server-timing") == 'total;dur=0, sandbox;desc="request 2"'


def test_apology_suits_both_shapes_of_an_error() -> None:
    assert {"error", "message", "details"} <= set(json_of(APOLOGY))
