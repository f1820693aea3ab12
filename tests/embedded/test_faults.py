"""Every fault: what the client got, what the event sink got, and what `/healthz` said.

The faults are on while all three are asked. A check has one exposure; each request gets a fresh sandbox unless a test
says otherwise.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks.large_spec import multiply_spec
from devhost.embedded.fuel import REPLY
from devhost.embedded.plugin import ROOT, Reply, Running, Start
from devhost.fastly.hosting import Limits
from devhost.fastly.kv import KvStore
from devhost.fastly.manifest import read_manifest
from devhost.fastly.service import Service
from devhost.local_config import EXAMPLE_SPEC
from devhost.local_store import PAGED, list_entries
from edge.spec.cache import TOO_LARGE

KEY = (("statsig-api-key", b"client-local"),)
STORE, SPEC_KEY = "gatelet-specs", "statsig-local"
SPOOL = "gatelet-events/"
GOOD = "Adapter(FastlyKV):Recognized"
TRUE, DEFAULT = (200, True, GOOD), (200, False, "NoValues")
HOUR_MS = 3_600_000


class Seen(NamedTuple):
    """What three onlookers saw."""

    client: tuple[int, object, object]
    sink: int
    health: tuple[int, str]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.chdir(ROOT)
    return read_manifest(Path("fastly.toml"))


def encode_check(user: str) -> bytes:
    return json.dumps({"user": {"userID": user}, "gateName": "test_fastly"}).encode()


def check(gatelet: Running, user: str = "a-user") -> Reply:
    reply = gatelet.ask("POST", "/v1/check_gate", encode_check(user), KEY)
    gatelet.settle()
    return reply


def read_answer(reply: Reply) -> tuple[int, object, object]:
    if reply.headers.get("content-type") != "application/json":
        return reply.status, None, None
    answer = reply.json()
    return reply.status, answer.get("value"), answer.get("reason") or answer.get("error")


def read_events(gatelet: Running) -> list[Mapping[str, Any]]:
    return [event for got in gatelet.backends["events"].received for event in json.loads(got.content)["events"]]


def list_stored(gatelet: Running) -> list[str]:
    listing = json.loads(gatelet.kv_stores[STORE].list_keys(None, SPOOL, 100))
    keys: list[str] = listing["data"]
    return keys


def ask_health(gatelet: Running) -> tuple[int, str]:
    reply = gatelet.ask("GET", "/healthz")
    gatelet.settle()
    if reply.headers.get("content-type") != "application/json":
        return reply.status, ""
    health = reply.json()
    return reply.status, str(health["spec"]["fault"] if "spec" in health else health["error"])


def look(gatelet: Running) -> Seen:
    client = read_answer(check(gatelet))
    return Seen(client, len(read_events(gatelet)), ask_health(gatelet))


def says(health: tuple[int, str], status: int, text: str) -> bool:
    return health[0] == status and text in health[1]


def test_without_a_fault(start_gatelet: Start, service: Service) -> None:
    assert look(start_gatelet(service, limits=Limits(requests=1))) == Seen(TRUE, 1, (200, "None"))


# the script                                        the fault that /healthz shows
NO_SPEC = [
    ("lookup fails with internal-error", "failed: InternalError"),
    ("lookup fails with generic-error", "failed: GenericError"),
    ("lookup fails with too-many-requests", "failed: TooManyRequests"),
    ("lookup is empty", "not JSON"),
    ("lookup is cut to 1 KB", "not JSON"),
    ("lookup breaks after 100 bytes", "reading the KV store failed: HttpIncomplete"),
    ("lookup gives the older value", "has no key statsig-local"),
]


@pytest.mark.parametrize(("script", "fault"), NO_SPEC, ids=[script for script, _ in NO_SPEC])
def test_store_that_gives_no_spec_means_default_answers_and_no_exposures(
    start_gatelet: Start, service: Service, script: str, fault: str
) -> None:
    seen = look(start_gatelet(service, limits=Limits(requests=1), faults=script))
    assert seen[:2] == (DEFAULT, 0)
    assert says(seen.health, 503, fault)


@pytest.mark.parametrize("content", [b"null", b"\xff\xfe", b"[]"])
def test_value_that_is_no_spec_means_default_answers_and_no_exposures(gatelet: Running, content: bytes) -> None:
    gatelet.faults.change("lookup", lambda _value: content, key=SPEC_KEY)
    seen = look(gatelet)
    assert seen[:2] == (DEFAULT, 0)
    assert says(seen.health, 503, "the value is not a config spec")


def test_slow_lookup_delays_the_answer_and_no_more(start_gatelet: Start, service: Service) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="lookup takes 300 ms")
    started = time.monotonic()
    check(gatelet)
    assert 0.3 <= time.monotonic() - started < 10
    assert look(gatelet) == Seen(TRUE, 2, (200, "None"))


def test_fault_of_one_time_after_one_call_strikes_the_second_call_only(gatelet: Running) -> None:
    gatelet.faults.fail("lookup", "internal-error", key=SPEC_KEY, times=1, after=1)
    assert [ask_health(gatelet)[0] for _ in range(3)] == [200, 503, 200]


@pytest.mark.parametrize(
    ("newest", "script", "fault"),
    [
        (None, "lookup fails with too-many-requests, after 3", "failed: TooManyRequests"),  # one look asks thrice
        (b"", "", "not JSON"),
        (b'{"feature_gates":', "", "not JSON"),
    ],
    ids=["throttled", "newest value empty", "newest value cut"],
)
def test_sandbox_that_has_a_spec_keeps_it_through_trouble(
    start_gatelet: Start, service: Service, newest: bytes | None, script: str, fault: str
) -> None:
    gatelet = start_gatelet(service, faults=script)
    assert read_answer(check(gatelet)) == TRUE
    if newest is not None:
        gatelet.kv_stores[STORE].insert(SPEC_KEY, newest)
    gatelet.faults.jump_clock(60)  # beyond the sync interval
    reply = check(gatelet, "another-user")
    assert read_answer(reply)[::2] == (200, f"{GOOD}:Stale")
    assert reply.headers["x-gatelet-spec"].endswith("stale") or "; stale;" in reply.headers["x-gatelet-spec"]
    assert says(ask_health(gatelet), 200, fault)
    assert not gatelet.ended
    gatelet.host.close()
    assert len(read_events(gatelet)) == 2


def write_later_spec(store: KvStore) -> None:
    """Make the store hold a second spec in which the gate is off."""
    spec = json.loads((ROOT / EXAMPLE_SPEC).read_bytes())
    spec["time"] += 1000
    spec["feature_gates"]["test_fastly"]["rules"] = []
    store.insert(SPEC_KEY, json.dumps(spec).encode())


def test_older_generation_after_a_newer_one_is_not_taken_by_a_sandbox_that_saw_the_newer(
    start_gatelet: Start, service: Service
) -> None:
    write_later_spec(service.kv_stores[STORE])
    gatelet = start_gatelet(service)
    assert read_answer(check(gatelet))[:2] == (200, False)
    gatelet.faults.give_older(key=SPEC_KEY)
    gatelet.faults.jump_clock(60)
    assert read_answer(check(gatelet))[:2] == (200, False)
    assert says(ask_health(gatelet), 200, "older than the one in use")
    gatelet.settle()
    assert {event["metadata"]["gateValue"] for event in read_events(gatelet)} <= {"false"}


def test_older_generation_is_what_a_sandbox_that_saw_no_newer_answers_from(
    start_gatelet: Start, service: Service
) -> None:
    write_later_spec(service.kv_stores[STORE])
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="lookup gives the older value")
    assert look(gatelet) == Seen(TRUE, 1, (200, "None"))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("send to events is refused", "ConnectionRefused"),
        ("send is reset", "ConnectionTerminated"),
        ("send answers 429", "answered 429"),
        ("send answers 500", "answered 500"),
        ("send fails with generic-error", "GenericError"),
    ],
)
def test_backend_that_takes_nothing_changes_no_answer_and_the_exposure_is_stored(
    start_gatelet: Start, service: Service, script: str, said: str
) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults=script)
    assert look(gatelet) == Seen(TRUE, 0, (200, "None"))
    assert len(list_stored(gatelet)) == 1
    assert said in "".join(gatelet.ended[0].list_output())


@pytest.mark.parametrize("script", ["send is refused, 1 time", "send answers 500, 1 time", "send answers 429, 1 time"])
def test_backend_that_recovers_gets_the_exposure_once(start_gatelet: Start, service: Service, script: str) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults=script)
    assert look(gatelet) == Seen(TRUE, 1, (200, "None"))
    assert list_stored(gatelet) == []


def test_slow_backend_delays_no_answer(start_gatelet: Start, service: Service) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="send takes 1500 ms")
    started = time.monotonic()
    reply = gatelet.ask("POST", "/v1/check_gate", encode_check("a-user"), KEY)
    assert read_events(gatelet) == []
    gatelet.settle()
    assert time.monotonic() - started >= 1.5
    assert read_answer(reply) == TRUE
    assert len(read_events(gatelet)) == 1
    assert ask_health(gatelet) == (200, "None")


def test_backend_cut_in_the_middle_of_its_body_changes_no_answer(start_gatelet: Start, service: Service) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="send breaks after 5 bytes")
    seen = look(gatelet)
    assert (seen.client, seen.health) == (TRUE, (200, "None"))
    assert seen.sink >= 1  # its status said that it had taken them


@pytest.mark.parametrize("refusal", ["insert is refused", "insert fails with too-many-requests"])
def test_refused_insert_of_what_could_not_be_sent_changes_no_answer(
    start_gatelet: Start, service: Service, refusal: str
) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults=f"send is refused\n{refusal}")
    assert look(gatelet) == Seen(TRUE, 0, (200, "None"))
    assert list_stored(gatelet) == []
    assert "ConnectionRefused" in "".join(gatelet.ended[0].list_output())  # a loss is said


def test_spec_too_large_for_the_heap_is_a_fault_of_the_source_and_the_next_sandbox_is_fine(
    start_gatelet: Start, service: Service
) -> None:
    small = (ROOT / EXAMPLE_SPEC).read_bytes()
    store = service.kv_stores[STORE]
    store.insert(SPEC_KEY, multiply_spec(json.loads(small), 10_000_000))
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="sandbox has 48 MB")
    assert look(gatelet) == Seen(DEFAULT, 0, (503, TOO_LARGE))
    assert f"spec: {TOO_LARGE}" in "".join(gatelet.ended[0].list_output())
    assert "bug:" not in "".join(gatelet.ended[0].list_output())
    store.insert(SPEC_KEY, small)
    assert look(gatelet) == Seen(TRUE, 1, (200, "None"))


def test_manifest_of_the_spec_before_answers_when_the_new_one_is_too_large_for_the_heap(
    start_gatelet: Start, service: Service
) -> None:
    small = (ROOT / EXAMPLE_SPEC).read_bytes()
    store = service.kv_stores[STORE]
    for entry in list_entries(SPEC_KEY, small, PAGED):
        store.insert(entry.key, entry.value, metadata=entry.metadata)
    store.insert(SPEC_KEY, multiply_spec({**json.loads(small), "time": 1_760_000_000_001}, 10_000_000))
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="sandbox has 48 MB")
    seen = look(gatelet)
    assert (seen.client[:2], seen.sink, seen.health[0]) == (TRUE[:2], 1, 200)
    assert "longer than" in seen.health[1]
    reply = gatelet.ask("POST", "/v1/initialize", json.dumps({"user": {"userID": "a-user"}}).encode(), KEY)
    gatelet.settle()
    assert (reply.status, reply.json()["has_updates"]) == (200, True)
    assert TOO_LARGE in "".join(gatelet.ended[-1].list_output())


def test_sandbox_that_cannot_even_begin_is_said_to_the_client(start_gatelet: Start, service: Service) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="sandbox has 1 MB")
    seen = look(gatelet)
    assert seen == Seen((500, None, None), 0, (500, ""))
    assert "exceeds memory limits" in str(gatelet.ended[0].failure)


def test_out_of_instructions_before_the_reply_ends_the_sandbox_and_no_other(
    start_gatelet: Start, service: Service
) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="sandbox has 2000000 instructions")
    assert look(gatelet) == Seen((500, None, None), 0, (500, ""))
    assert [sandbox.fuel for sandbox in gatelet.ended] == [2_000_000, 2_000_000]
    assert gatelet.ask("GET", "/nowhere").status == 404  # which takes fewer


def test_out_of_instructions_after_the_reply_loses_the_exposure_and_nothing_else(
    start_gatelet: Start, service: Service
) -> None:
    counting = start_gatelet(service, limits=Limits(requests=1, fuel=10**10))
    check(counting)
    until_reply = next(mark.fuel for mark in counting.ended[0].trace if mark.function == REPLY)
    gatelet = start_gatelet(service, limits=Limits(requests=1, fuel=until_reply + 100_000))
    client = read_answer(check(gatelet))
    gatelet.host.limits = counting.host.limits  # what health asks costs more than a check
    assert Seen(client, len(read_events(gatelet)), ask_health(gatelet)) == Seen(TRUE, 0, (200, "None"))
    assert "all fuel consumed" in str(gatelet.ended[0].failure)


def test_out_of_time_ends_a_sandbox_that_computes(start_gatelet: Start, service: Service) -> None:
    service.kv_stores[STORE].insert(SPEC_KEY, multiply_spec(json.loads((ROOT / EXAMPLE_SPEC).read_bytes()), 10_000_000))
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults="sandbox has 100 ms")
    seen = look(gatelet)
    assert (seen.client[0], seen.sink, seen.health[0]) == (500, 0, 500)
    assert "interrupt" in str(gatelet.ended[0].failure)


def test_sandbox_ends_after_its_requests_and_loses_no_exposure(start_gatelet: Start, service: Service) -> None:
    gatelet = start_gatelet(service, faults="sandbox takes 3 requests")
    answers = [read_answer(check(gatelet, f"user-{number}")) for number in range(6)]
    assert [answer[::2] for answer in answers] == [(200, GOOD)] * 6
    assert [sandbox.failure for sandbox in gatelet.ended] == [None, None]
    assert len(read_events(gatelet)) == 6
    assert ask_health(gatelet) == (200, "None")


@pytest.mark.parametrize("hours", [1, -1, 24 * 365, -24 * 365 * 10])
def test_clock_that_jumps_changes_no_answer_and_shows_in_the_event(
    start_gatelet: Start, service: Service, hours: int
) -> None:
    gatelet = start_gatelet(service, limits=Limits(requests=1), faults=f"clock jumps {hours} h")
    assert look(gatelet) == Seen(TRUE, 1, (200, "None"))
    [event] = read_events(gatelet)
    assert abs(event["time"] - (time.time() * 1000 + hours * HOUR_MS)) < 60_000


@pytest.mark.parametrize("seconds", [86_400, -86_400])
def test_clock_that_jumps_in_the_life_of_a_sandbox_makes_it_ask_the_store_again(
    start_gatelet: Start, service: Service, seconds: int
) -> None:
    gatelet = start_gatelet(service)
    assert read_answer(check(gatelet)) == TRUE
    write_later_spec(gatelet.kv_stores[STORE])
    gatelet.faults.jump_clock(seconds)
    assert read_answer(check(gatelet))[:2] == (200, False)
    assert ask_health(gatelet) == (200, "None")
    assert not gatelet.ended
    gatelet.host.close()
    assert [event["metadata"]["gateValue"] for event in read_events(gatelet)] == ["true", "false"]


def test_bug_of_the_host_ends_one_sandbox_only(gatelet: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> float:
        raise KeyError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(type(gatelet.faults), "seconds", fail)
        reply = check(gatelet)
    assert reply.status == 500
    assert b"KeyError" in reply.content
    assert isinstance(gatelet.ended[0].failure, KeyError)
    assert look(gatelet) == Seen(TRUE, 1, (200, "None"))


def test_clear_ends_all_faults(gatelet: Running) -> None:
    gatelet.faults.fail("lookup", "internal-error")
    gatelet.faults.jump_clock(3600)
    gatelet.faults.clear()
    assert look(gatelet) == Seen(TRUE, 1, (200, "None"))
    assert gatelet.faults.clock_shift() == 0
