"""One key may make so many requests, when the setting asks for that."""

import json
from dataclasses import replace

import pytest

from edge.messages import Request
from edge.sandbox import Sandbox
from edge.service import answer
from tests.edge.builders import CLIENT, SERVER, platform, request

BODY = {"user": {"userID": "a"}, "gateName": "open"}


def ask_from(
    sandbox: Sandbox, key: str, ip: str = "192.0.2.1", path: str = "/v1/check_gate"
) -> tuple[int, dict[str, bytes]]:
    asked: Request = replace(request(path, BODY, key=key), find_client_ip=lambda: ip)
    reply = answer(sandbox, asked)
    return reply.status, dict(reply.headers)


def test_nobody_is_counted_unless_the_setting_asks_for_it() -> None:
    outside = platform()
    assert ask_from(Sandbox(outside), CLIENT)[0] == 200
    assert outside.counted == {}


def test_key_that_asks_too_often_is_told_to_wait() -> None:
    sandbox = Sandbox(platform(key_rate_limit="2"))
    replies = [ask_from(sandbox, SERVER) for _ in range(3)]
    assert [status for status, _ in replies] == [200, 200, 429]
    assert replies[2][1]["retry-after"] == b"60"
    assert ask_from(sandbox, CLIENT)[0] == 200  # another key


def test_client_key_is_counted_with_the_address_and_a_server_secret_without() -> None:
    sandbox = Sandbox(platform(key_rate_limit="1"))
    assert [ask_from(sandbox, CLIENT, ip)[0] for ip in ("192.0.2.1", "192.0.2.2", "192.0.2.1")] == [200, 200, 429]
    assert [ask_from(sandbox, SERVER, ip)[0] for ip in ("192.0.2.1", "192.0.2.2")] == [200, 429]


def test_counter_sees_neither_key_nor_address() -> None:
    outside = platform(key_rate_limit="1")
    sandbox = Sandbox(outside)
    for key in (CLIENT, SERVER):
        ask_from(sandbox, key)
    assert len(outside.counted) == 2
    assert all(len(entry) == 16 and entry not in (CLIENT, SERVER) for entry in outside.counted)


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json"])
def test_what_needs_no_key_is_not_counted(path: str) -> None:
    outside = platform(key_rate_limit="1")
    sandbox = Sandbox(outside)
    for _ in range(3):
        assert answer(sandbox, replace(request(path), method="GET")).status == 200
    assert outside.counted == {}


def test_openfeature_clients_hear_it_in_their_words() -> None:
    sandbox = Sandbox(platform(key_rate_limit="1"))
    for _ in range(2):
        reply = answer(
            sandbox, request("/ofrep/v1/evaluate/flags/open", {"context": {"targetingKey": "a"}}, key=CLIENT)
        )
    assert (reply.status, set(json.loads(reply.body))) == (429, {"key", "errorDetails"})
    assert dict(reply.headers)["retry-after"] == b"60"
