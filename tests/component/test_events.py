"""Exposures reach Statsig's stand-in, and never hold up a reply."""

import statistics
import time
from pathlib import Path

import httpx

from devhost.event_sink import Mood
from devhost.local_config import EXAMPLE_SPEC, ROOT
from tests.component.serving import CLIENT, Running, running_service

CHECKS = 100
SLOW_SECONDS = 2.0


def check_many(client: httpx.Client, prefix: str, count: int) -> float:
    """Check that many users and return the median time of a reply, in seconds."""
    times = []
    for number in range(count):
        started = time.perf_counter()
        reply = client.get(f"/gate?name=test_fastly&userID={prefix}{number}")
        times.append(time.perf_counter() - started)
        assert reply.status_code == 200
    return statistics.median(times)


def test_every_exposure_arrives_and_a_slow_sink_delays_no_reply(host: str, tmp_path: Path) -> None:
    with running_service(host, tmp_path, ROOT / EXAMPLE_SPEC) as service, service.client() as client:
        check_many(client, "warm-", 20)
        quick = check_many(client, "quick-", CHECKS)
        service.sink.mood = Mood(delay=SLOW_SECONDS)
        slow = check_many(client, "slow-", CHECKS)
        events = service.wait_for_events(20 + 2 * CHECKS)
    print(f"p50 of a reply: {quick * 1000:.2f} ms with an instant sink, {slow * 1000:.2f} ms with one that waits 2 s")
    users = [event["user"]["userID"] for event in events]
    assert len(users) == len(set(users)) == 20 + 2 * CHECKS
    # The exact ratio is measured alone on a quiet machine; waiting for the sink would show as a factor of 100 and more.
    assert slow < quick * 10


def test_event_names_the_gate_and_leaves_private_attributes_out(example: Running) -> None:
    person = {"userID": "one-person", "privateAttributes": {"salary": 1}}
    with example.client() as client:
        before = example.sink.received.events
        client.post("/v1/check_gate", json={"user": person, "gateName": "test_fastly"}, headers=CLIENT)
    example.wait_for_events(before + 1)
    time.sleep(0.2)
    (event,) = [event for event in example.wait_for_events(0) if event["user"].get("userID") == "one-person"]
    assert event["eventName"] == "statsig::gate_exposure"
    assert event["metadata"]["gate"] == "test_fastly"
    assert "privateAttributes" not in event["user"]


def test_missing_events_backend_costs_no_reply_and_no_event(host: str, tmp_path: Path) -> None:
    with running_service(
        host, tmp_path, ROOT / EXAMPLE_SPEC, reuse=1, settings={"events_backend": "nowhere"}
    ) as service:
        with service.client() as client:
            assert client.get("/gate?name=test_fastly&userID=some-person").status_code == 200
            time.sleep(0.5)
        log = service.log.read_text(encoding="utf-8", errors="replace")
    assert "events: 1 stored: the backend nowhere takes nothing: not_found" in log
    assert "some-person" not in log
