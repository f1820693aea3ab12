import json
import time

import pytest

from devhost.embedded.plugin import Running

CHECK = json.dumps({"user": {"userID": "a-user"}, "gateName": "test_fastly"}).encode()
KEY = (("statsig-api-key", b"client-local"),)


def ask(gatelet: Running) -> tuple[int, dict[str, object]]:
    reply = gatelet.ask("POST", "/v1/check_gate", CHECK, KEY)
    return reply.status, json.loads(reply.content)


def test_check_is_answered(gatelet: Running) -> None:
    status, answer = ask(gatelet)
    assert status == 200
    assert answer["name"] == "test_fastly"


@pytest.mark.parametrize("error", ["too-many-requests", "internal-error", "generic-error", "bad-request"])
def test_failing_lookup_gives_a_default_answer(gatelet: Running, error: str) -> None:
    gatelet.faults.fail("lookup", error)
    status, answer = ask(gatelet)
    assert (status, answer["value"]) == (200, False)
    assert gatelet.ask("GET", "/healthz").status == 503


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"\xff\xfe"])
def test_unreadable_value_gives_a_default_answer(gatelet: Running, content: bytes) -> None:
    gatelet.faults.change("lookup", lambda _: content)
    status, answer = ask(gatelet)
    assert (status, answer["value"]) == (200, False)


def test_truncated_value_gives_a_default_answer(gatelet: Running) -> None:
    gatelet.faults.change("lookup", lambda value: value[: len(value) // 2])
    status, answer = ask(gatelet)
    assert (status, answer["value"]) == (200, False)


def test_value_that_breaks_in_the_middle_gives_a_default_answer(gatelet: Running) -> None:
    gatelet.faults.break_body("lookup", 100)
    status, answer = ask(gatelet)
    assert (status, answer["value"]) == (200, False)


def test_slow_lookup_delays_the_answer_and_no_more(gatelet: Running) -> None:
    gatelet.faults.delay("lookup", 0.3)
    started = time.monotonic()
    status, _ = ask(gatelet)
    assert status == 200
    assert time.monotonic() - started >= 0.3


def test_fault_of_two_times_ends_after_two(gatelet: Running) -> None:
    gatelet.faults.fail("lookup", "internal-error", times=1)
    assert gatelet.ask("GET", "/healthz").status == 503
    assert gatelet.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize("error", ["generic-error", "http-incomplete", "http-invalid"])
def test_failing_events_backend_changes_no_answer(gatelet: Running, error: str) -> None:
    gatelet.faults.fail("send", error)
    status, answer = ask(gatelet)
    assert status == 200
    assert answer["rule_id"]


def test_bug_of_the_host_ends_one_sandbox_only(gatelet: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> float:
        raise KeyError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(type(gatelet.faults), "seconds", fail)
        reply = gatelet.ask("POST", "/v1/check_gate", CHECK, KEY)
    assert reply.status == 500
    assert b"KeyError" in reply.content
    assert ask(gatelet)[0] == 200
    assert isinstance(gatelet.ended[0].failure, KeyError)
