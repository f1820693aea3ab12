"""One sandbox answers request after request and its heap stays bounded.

What it remembers of users, the exposures of a minute, goes with that minute: the clock is put forward now and then.
`HEAP_REQUESTS=20000 pytest tests/embedded/test_heap.py` asks more.
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from devhost.embedded.plugin import ROOT, Running, Start
from devhost.fastly.hosting import Limits
from devhost.fastly.manifest import read_manifest
from devhost.fastly.service import Service
from tests.cold_long import ASKED

KEY = (("statsig-api-key", b"secret-local"),)
PAGE = 1 << 16
# What the snapshot may grow by; a leak of 350 bytes a request would end the test.
GROWTH = 1 << 20
A_MINUTE = 250  # requests
LONG_REPLIES = 100
REQUESTS = int(os.environ.get("HEAP_REQUESTS", "3000"))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.chdir(ROOT)
    service = read_manifest(Path("fastly.toml"))
    contents = {**service.config_stores["gatelet"], "requests_per_sandbox": str(REQUESTS + 1)}
    return replace(service, config_stores={**service.config_stores, "gatelet": contents})


def read_snapshot_size(start_gatelet: Start, service: Service) -> int:
    """Return how many bytes of memory a sandbox begins with, by what it says when it may have less."""
    size = PAGE
    while True:
        gatelet = start_gatelet(service, limits=Limits(requests=1, memory=size))
        gatelet.ask("GET", "/healthz")
        gatelet.settle()
        found = re.search(r"minimum size of (\d+) pages", str(gatelet.ended[0].failure))
        if found is None:
            return size
        size = int(found[1]) * PAGE


def ask(gatelet: Running, number: int) -> int:
    path, body = ASKED[number % len(ASKED)]
    user = {"userID": f"user-{number}", "email": f"user-{number}@example.com", "custom": {"plan": f"plan-{number}"}}
    reply = gatelet.ask("POST", path, json.dumps({**body, "user": user}).encode(), KEY)
    gatelet.settle()
    return reply.status


def test_long_replies_leave_nothing_behind(start_gatelet: Start, service: Service) -> None:
    memory = read_snapshot_size(start_gatelet, service) + GROWTH
    gatelet = start_gatelet(service, limits=Limits(requests=LONG_REPLIES + 1, memory=memory))
    said = 0
    for _ in range(LONG_REPLIES):
        reply = gatelet.ask("GET", "/openapi.json")
        gatelet.settle()
        assert reply.status == 200
        said += len(reply.content)
    assert said > 4 * GROWTH
    assert gatelet.ended == []
    assert gatelet.host.next_number() == 1


def test_heap_of_a_sandbox_stays_bounded_over_thousands_of_requests(start_gatelet: Start, service: Service) -> None:
    memory = read_snapshot_size(start_gatelet, service) + GROWTH
    gatelet = start_gatelet(service, limits=Limits(requests=REQUESTS + 1, memory=memory, seconds=3600))
    for number in range(REQUESTS):
        if number % A_MINUTE == 0:
            gatelet.faults.jump_clock(61)
        assert ask(gatelet, number) == (400 if ASKED[number % len(ASKED)][1] == {} else 200), number
    assert gatelet.ended == []
    assert gatelet.host.next_number() == 1  # all of them asked the same sandbox
