"""The log as JSON lines for a log endpoint: levels, samples, and nothing of anybody."""

import json
from dataclasses import replace
from typing import Any

import pytest

from edge.events.answers import Answer
from edge.journal import find_level
from edge.memory import MemoryPlatform
from edge.messages import Request
from edge.routes.table import ROUTES
from edge.sandbox import Sandbox
from edge.service import answer
from tests.edge.builders import CLIENT, SERVER, ask, platform, request

SECRETS = ("somebody", "somebody@example.com", "192.0.2.77", "device-77", "private-77", CLIENT, SERVER)


def read_entries(outside: MemoryPlatform) -> list[dict[str, Any]]:
    assert {endpoint for endpoint, _ in outside.written} <= {"mine"}
    return [json.loads(message) for _, message in outside.written]


def check(sandbox: Sandbox, times: int = 1) -> None:
    for _ in range(times):
        assert ask(sandbox, request("/v1/check_gate", {"user": {"userID": "u"}, "gateName": "open"})).status == 200


def test_without_an_endpoint_nothing_is_written() -> None:
    outside = platform(log_sample="1")
    sandbox = Sandbox(outside)
    check(sandbox)
    sandbox.close()
    assert outside.written == []
    assert outside.lines


def test_lines_and_sampled_requests_are_written_with_their_level() -> None:
    outside = platform(log_endpoint="mine", log_sample="1")
    sandbox = Sandbox(outside)
    check(sandbox)
    sandbox.close()
    entries = read_entries(outside)
    about = {"time": outside.time_ms, "sandbox": "memory", "level": "info"}
    assert entries[0] == {**about, "topic": "events", "message": "collected=1"}
    (asked,) = [entry for entry in entries if entry["topic"] == "request"]
    expected = {"method": "POST", "route": "/v1/check_gate", "status": 200, "milliseconds": 0.0, "request": 1}
    assert asked == {**about, "topic": "request", **expected}


@pytest.mark.parametrize(("share", "least", "most"), [("0", 0, 0), ("1", 50, 50), ("5", 2, 20)])
def test_one_request_in_so_many_is_written(share: str, least: int, most: int) -> None:
    outside = platform(log_endpoint="mine", log_sample=share)
    check(Sandbox(outside), 50)
    assert least <= sum(entry["topic"] == "request" for entry in read_entries(outside)) <= most


def test_request_that_failed_is_always_written() -> None:
    outside = platform(spec=b"", log_endpoint="mine", log_level="error")
    assert ask(Sandbox(outside), replace(request("/readyz"), method="GET")).status == 503
    (entry,) = read_entries(outside)
    assert (entry["level"], entry["route"], entry["status"]) == ("error", "/readyz", 503)


def test_level_leaves_out_what_is_not_so_bad() -> None:
    outside = platform(log_endpoint="mine", log_level="warning", log_sample="1")
    outside.answer = lambda _batch: Answer(400)
    sandbox = Sandbox(outside)
    check(sandbox)
    sandbox.close()
    assert [(entry["level"], entry["message"]) for entry in read_entries(outside)] == [
        ("error", "1 dropped: the backend answered 400")
    ]


# line                                                    level
LINES = [
    ("bug: KeyError at a.py:1 f", "error"),
    ("keys: the Secret Store gatelet does not open: not_found", "error"),
    ("settings: x: expected a whole number; using 1", "warning"),
    ("spec: the KV store failed", "warning"),
    ("pages: written", "info"),
    ("events: collected=1", "info"),
    ("events: posts=1 dropped=1", "info"),
    ("events: 1 dropped: the backend answered 400", "error"),
    ("events: 1 stored: the backend answered 500", "warning"),
    ("events: 1 set aside as x: y", "warning"),
    ("events: the store of events was not drained: z", "warning"),
]


@pytest.mark.parametrize(("line", "level"), LINES)
def test_level_of_a_line(line: str, level: str) -> None:
    assert find_level(line) == level


def test_no_line_holds_a_key_a_user_an_address_or_a_path() -> None:
    outside = platform(log_endpoint="mine", log_sample="1", events_batch_age_ms="0")
    outside.answer = lambda _batch: Answer(500 if len(outside.batches) % 2 else 400)
    user = {
        "userID": "somebody",
        "email": "somebody@example.com",
        "ip": "192.0.2.77",
        "customIDs": {"stableID": "device-77"},
        "privateAttributes": {"salary": "private-77"},
    }
    bodies: list[object] = [{"user": user}, {"context": {"targetingKey": "somebody"}}, user, "somebody", [user]]
    sandbox = Sandbox(outside)
    for route in ROUTES:
        for key in (CLIENT, SERVER, "somebody"):
            for body in bodies:
                start = route.path.partition("{")[0]
                path = start if start == route.path else f"{start}{key}"
                asked = request(path, body, key=key)
                ask_all(sandbox, replace(asked, method=route.method, query=f"k={key}&name=open&userID=somebody"))
    ask_all(sandbox, request("/somebody/secret", {}, key=CLIENT))
    sandbox.close()
    written = b"\n".join(message for _, message in outside.written).decode()
    assert written.count('"topic":"request"') > len(ROUTES) * 10
    for text in SECRETS:
        assert text not in written
        assert not any(text in line for line in outside.lines)


def ask_all(sandbox: Sandbox, asked: Request) -> None:
    sandbox.after_reply(answer(sandbox, asked))
