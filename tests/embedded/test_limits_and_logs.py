"""Fastly's rate limiter and log endpoints, as the built component uses them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from devhost.embedded.plugin import ROOT, Running, Start
from devhost.fastly.hosting import Limits
from devhost.fastly.manifest import read_manifest

KEY = (("statsig-api-key", b"secret-local"),)
BODY = json.dumps({"user": {"userID": "somebody"}, "gateName": "test_fastly"}).encode()


def start(start_gatelet: Start, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Running:
    monkeypatch.chdir(ROOT)
    service = read_manifest(Path("fastly.toml"))
    stores = {"gatelet": {**service.config_stores["gatelet"], **settings}}
    return start_gatelet(replace(service, config_stores=stores), limits=Limits(requests=1))


def test_key_that_asks_too_often_waits_whatever_sandbox_it_asks(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gatelet = start(start_gatelet, monkeypatch, key_rate_limit="1")
    replies = [gatelet.ask("POST", "/v1/check_gate", BODY, KEY) for _ in range(21)]  # 2 a second on average of ten
    statuses = [reply.status for reply in replies]
    assert statuses == [200] * 19 + [429] * 2
    assert (replies[-1].headers["retry-after"], replies[-1].json()["error"]) == ("60", "too_many_requests")
    assert gatelet.ask("GET", "/readyz").status == 200
    assert gatelet.ask("POST", "/v1/check_gate", BODY, (("statsig-api-key", b"client-local"),)).status == 200


def test_log_endpoint_gets_lines_and_requests(start_gatelet: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    gatelet = start(start_gatelet, monkeypatch, log_endpoint="mine", log_sample="1")
    assert gatelet.ask("POST", "/v1/check_gate", BODY, KEY).status == 200
    gatelet.settle()
    assert {name for name, _ in gatelet.host.logged} == {"mine"}
    entries = [json.loads(message) for _, message in gatelet.host.logged]
    assert {"events", "request"} <= {entry["topic"] for entry in entries}
    (asked,) = [entry for entry in entries if entry["topic"] == "request"]
    assert (asked["route"], asked["status"], asked["level"]) == ("/v1/check_gate", 200, "info")
    assert asked["milliseconds"] > 0
    assert b"somebody" not in b"".join(message for _, message in gatelet.host.logged)


def test_log_endpoint_that_does_not_open_costs_nothing_else(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gatelet = start(start_gatelet, monkeypatch, log_endpoint="stdout", log_sample="1")
    assert gatelet.ask("POST", "/v1/check_gate", BODY, KEY).status == 200
    gatelet.settle()
    assert gatelet.ended[0].failure is None
    assert "gatelet: log: the endpoint stdout does not open: reserved" in gatelet.ended[0].list_output()
