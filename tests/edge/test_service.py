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
    reply = ask(Sandbox(platform()), request("/v1/check_gate", method="OPTIONS", key=""))
    assert (reply.status, reply.body) == (204, b"")
    assert "statsig-api-key" in header_of(reply, "access-control-allow-headers")
    assert header_of(reply, "access-control-allow-origin") == "*"


def test_every_reply_says_which_spec_answered_and_how_long_it_took() -> None:
    held = platform()
    sandbox = Sandbox(held)
    held.time_ms = 1_600_000_005_500
    assert header_of(ask(sandbox, request("/nope")), "x-gatelet-spec") == "none"
    second = ask(sandbox, request("/gate?name=open&userID=a"))
    assert header_of(second, "x-gatelet-spec") == "kv; layout=raw; time=1600000000000; age=5"
    assert header_of(second, "server-timing") == 'total;dur=0.00, sandbox;desc="request 2"'


def test_apology_suits_both_shapes_of_an_error() -> None:
    assert {"error", "message", "details"} <= set(json_of(APOLOGY))
