"""The built component where its events have nowhere to go, and where Statsig finds its batches too large."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from devhost.embedded.plugin import ROOT, Running, Start
from devhost.fastly.backends import Delivered
from devhost.fastly.hosting import Limits
from devhost.fastly.manifest import read_manifest
from devhost.fastly.service import Service
from edge.events.spool_format import PREFIX, StoredKey, parse_keys

KEY = (("statsig-api-key", b"client-local"),)
STORE = "gatelet-specs"
REFUSAL = "insert fails with too-many-requests"
FULL = "and the store of events is full"


def make_service(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Service:
    monkeypatch.chdir(ROOT)
    service = read_manifest(Path("fastly.toml"))
    plain = {
        **service.config_stores["gatelet"],
        "events_tries": "1",
        "drain_share": "1",
        "events_gzip_bytes": "9999999",
    }
    return replace(service, config_stores={"gatelet": {**plain, **settings}})


def check(gatelet: Running, *users: str) -> None:
    for user in users:
        body = json.dumps({"user": {"userID": user}, "gateName": "test_fastly"}).encode()
        reply = gatelet.ask("POST", "/v1/check_gate", body, KEY)
        assert (reply.status, reply.json()["reason"]) == (200, "Adapter(FastlyKV):Recognized")
        gatelet.settle()


def list_stored(gatelet: Running) -> list[StoredKey]:
    return parse_keys(json.loads(gatelet.kv_stores[STORE].list_keys(None, PREFIX, 1000))["data"])


def count_stored(gatelet: Running) -> int:
    return len(list_stored(gatelet))


def count_stored_events(gatelet: Running) -> int:
    return sum(one.event_count for one in list_stored(gatelet))


def list_users(content: bytes) -> list[str]:
    return [event["user"]["userID"] for event in json.loads(content)["events"]]


def list_taken(gatelet: Running) -> list[str]:
    """The users whose events were taken; a batch that is refused is not counted."""
    answer = gatelet.backends["events"].answer
    got = gatelet.backends["events"].received
    return sorted(user for one in got if answer(one)[0] == 202 for user in list_users(one.content))


def ask_counts(gatelet: Running) -> dict[str, int]:
    """What the sandbox that waits says became of its events."""
    counts: dict[str, int] = gatelet.ask("GET", "/healthz").json()["sandbox"]["events"]
    return counts


def sum_up(gatelet: Running, name: str) -> int:
    """A count over the log lines of the sandboxes that have ended."""
    lines = [line for sandbox in gatelet.ended for line in sandbox.list_output() if "=" in line]
    parts = [part.partition("=") for line in lines for part in line.split()]
    return sum(int(number) for found, _, number in parts if found == name)


def test_full_store_keeps_the_oldest_says_what_is_dropped_and_recovers(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(monkeypatch, spool_batches="3")
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="send answers 500")
    for number in range(8):
        check(gatelet, f"user-{number}")
        gatelet.faults.jump_clock(20)  # what is stored is counted anew when the last count is ten seconds old
    assert count_stored(gatelet) == 3
    said = [line for sandbox in gatelet.ended for line in sandbox.list_output() if FULL in line]
    assert said == [f"gatelet: events: 1 dropped: the backend answered 500, {FULL}"] * 5
    assert [sum_up(gatelet, name) for name in ("collected", "stored", "dropped")] == [8, 3, 5]
    gatelet.faults.clear()
    gatelet.faults.jump_clock(180)
    check(gatelet, "after")
    assert count_stored(gatelet) == 0
    assert list_taken(gatelet) == ["after", "user-0", "user-1", "user-2"]
    gatelet.faults.answer(500)
    check(gatelet, "later")
    assert count_stored(gatelet) == 1  # there is room again


LEASE_TOO = "lookup of gatelet-events-lease fails with internal-error\n"


@pytest.mark.parametrize("also", ["", LEASE_TOO], ids=["writes", "writes and the count"])
def test_store_that_refuses_as_well_costs_no_answer_and_no_event_that_can_wait(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch, also: str
) -> None:
    service = make_service(monkeypatch, events_batch_age_ms="0")
    gatelet = start_gatelet(service, limits=Limits(requests=6), faults=f"send answers 500\n{also}{REFUSAL}")
    check(gatelet, "a", "b", "c")
    counts = ask_counts(gatelet)
    assert (counts["collected"], counts["dropped"], counts["stored"]) == (3, 0, 0)  # they wait in the sandbox
    gatelet.faults.clear()
    check(gatelet, "d")
    deadline = time.monotonic() + 20
    while len(list_taken(gatelet)) + count_stored_events(gatelet) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    gatelet.host.close()
    # One whose turn came while the backend was left alone went to the store, which takes it again.
    taken, stored = list_taken(gatelet), count_stored_events(gatelet)
    assert set(taken) <= {"a", "b", "c", "d"}
    assert taken
    assert (len(taken), len(taken) + stored) == (len(set(taken)), 4)
    assert [sum_up(gatelet, name) for name in ("collected", "delivered", "stored", "dropped")] == [
        4,
        4 - stored,
        stored,
        0,
    ]


def test_what_nobody_takes_until_the_sandbox_ends_is_said_in_the_log_and_counted(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"send answers 500\n{REFUSAL}"
    gatelet = start_gatelet(make_service(monkeypatch), limits=Limits(requests=1), faults=script)
    check(gatelet, "a")
    (said,) = [line for line in gatelet.ended[0].list_output() if "dropped:" in line]
    # On a busy machine the sandbox's time ends before the store has refused.
    reasons = ("the KV store gatelet-specs failed: TooManyRequests", "the store of events does not answer")
    assert said in [f"gatelet: events: 1 dropped: the backend answered 500, and {reason}" for reason in reasons]
    assert [sum_up(gatelet, name) for name in ("collected", "dropped")] == [1, 1]
    gatelet.faults.clear()
    check(gatelet, "b")
    assert list_taken(gatelet) == ["b"]


def refuse_more_than_two(delivered: Delivered) -> tuple[int, bytes]:
    return (413, b"") if len(list_users(delivered.content)) > 2 else (202, b'{"success":true}')


def test_batch_that_is_too_large_is_cut_until_all_of_it_is_taken(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [f"user-{number}" for number in range(6)]
    gatelet = start_gatelet(make_service(monkeypatch, events_batch_age_ms="60000"), limits=Limits(requests=6))
    gatelet.backends["events"].answer = refuse_more_than_two
    check(gatelet, *users)
    assert list_taken(gatelet) == users
    assert [len(list_users(got.content)) for got in gatelet.backends["events"].received] == [6, 3, 1, 2, 3, 1, 2]
    assert [sum_up(gatelet, name) for name in ("collected", "delivered", "dropped")] == [6, 6, 0]


def test_single_event_that_is_too_large_is_dropped_and_a_clients_body_is_handed_back(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gatelet = start_gatelet(make_service(monkeypatch), limits=Limits(requests=1), faults="send answers 413")
    check(gatelet, "a")
    assert "gatelet: events: 1 dropped: the backend answered 413" in gatelet.ended[0].list_output()
    body = json.dumps({"events": [{"eventName": "e", "user": {"userID": "c"}}]}).encode()
    reply = gatelet.ask("POST", "/v1/rgstr", body, KEY)
    assert (reply.status, reply.json()["error"]) == (413, "events_not_taken")
    assert count_stored(gatelet) == 0


def test_endpoint_that_wants_patience_gets_one_request_of_each_sandbox(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(monkeypatch, events_batch_age_ms="0", events_tries="3")
    gatelet = start_gatelet(service, limits=Limits(requests=6))
    asked: list[Delivered] = []

    def want_patience(delivered: Delivered) -> tuple[int, bytes]:
        asked.append(delivered)
        return 401, b""  # as with a long Retry-After, no further try makes sense

    gatelet.backends["events"].answer = want_patience
    check(gatelet, *(f"user-{number}" for number in range(6)))
    assert len(asked) == 1
    assert count_stored(gatelet) == 6
