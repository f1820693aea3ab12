"""Where a spec may come from, what forces its gates and when it is too old: the built component, and its replies.

One sandbox takes all requests of a test, so what is seen is what it holds and when it asks again; the clock is real.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from devhost.embedded.plugin import ROOT, Reply, Running, Start
from devhost.fastly.hosting import Limits
from devhost.fastly.kv import KvStore, KvValue
from devhost.fastly.service import Service
from devhost.local_store import PAGED, list_entries
from edge.spec.projects import fingerprint
from specstore.keys import manifest_key, overrides_key
from tests.edge.builders import document, gate

STORE, KEY, OTHER = "gatelet-specs", "statsig-one", "statsig-other"
SYNC_MS = 200
CLIENT, PARTNER = "client-one", "client-other"
SETTINGS = {"spec_key": KEY, "sync_interval_ms": str(SYNC_MS), "requests_per_sandbox": "1000"}
ALWAYS = Limits(requests=1000)


class CountingStore(KvStore):
    """A KV store that counts the look-ups of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def lookup(self, key: str) -> KvValue | None:
        self.asked.append(key)
        return super().lookup(key)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


def make_service(store: KvStore, **settings: str) -> Service:
    secrets = {"client_key": f"{CLIENT} {PARTNER}".encode(), "server_secret": b"secret"}
    return Service({STORE: store}, {"gatelet": {**SETTINGS, **settings}}, {"gatelet": secrets})


def publish(store: CountingStore, key: str, spec: object) -> None:
    for entry in list_entries(key, json.dumps(spec).encode(), PAGED):
        store.insert(entry.key, entry.value, metadata=entry.metadata)
    store.asked.clear()  # an insert looks its key up as well


def check(gatelet: Running, name: str = "open", key: str = CLIENT) -> tuple[object, str]:
    body = {"user": {"userID": "u"}, "gateName": name, "statsigMetadata": {"exposureLoggingDisabled": True}}
    reply = gatelet.ask("POST", "/v1/check_gate", json.dumps(body).encode(), (("statsig-api-key", key.encode()),))
    gatelet.settle()  # so that the same sandbox takes the next request
    assert reply.status == 200
    return reply.json()["value"], reply.json()["reason"]


def ask_health(gatelet: Running) -> tuple[Reply, Any]:
    reply = gatelet.ask("GET", "/healthz")
    gatelet.settle()
    return reply, reply.json()


def test_override_forces_a_gate_off_within_one_sync_interval_and_it_comes_back(
    start_gatelet: Start, store: CountingStore
) -> None:
    publish(store, KEY, document())
    gatelet = start_gatelet(make_service(store), limits=ALWAYS)
    assert check(gatelet) == (True, "Adapter(FastlyKV):Recognized")
    store.insert(overrides_key(KEY), b'{"gates": {"open": {"all": false}}}')
    time.sleep(SYNC_MS / 1000)
    assert check(gatelet) == (False, "LocalOverride:Recognized")
    assert ask_health(gatelet)[1]["overrides"] == {"names": 1, "fault": None}
    store.delete(overrides_key(KEY))
    time.sleep(SYNC_MS / 1000)
    assert check(gatelet) == (True, "Adapter(FastlyKV):Recognized")
    assert not gatelet.ended  # it was one sandbox all the time


def test_override_that_is_broken_changes_nothing_and_is_said(start_gatelet: Start, store: CountingStore) -> None:
    publish(store, KEY, document())
    store.insert(overrides_key(KEY), b'{"gates": {"open": {"all": false}}}')
    gatelet = start_gatelet(make_service(store), limits=ALWAYS)
    assert check(gatelet)[0] is False
    store.insert(overrides_key(KEY), b'{"gates": {"open": "no"}}')
    time.sleep(SYNC_MS / 1000)
    assert check(gatelet)[0] is False
    assert "gates.open" in ask_health(gatelet)[1]["overrides"]["fault"]


def test_spec_of_the_config_store_answers_and_asks_no_kv_store(start_gatelet: Start, store: CountingStore) -> None:
    spec = json.dumps(document(), separators=(",", ":"))
    assert len(spec) < 8_000
    service = make_service(store, spec_item="spec", spec=spec)
    gatelet = start_gatelet(service, limits=ALWAYS)
    assert check(gatelet)[0] is True
    assert check(gatelet, "shut")[0] is False
    reply, health = ask_health(gatelet)
    assert (reply.status, health["spec"]["source"], health["spec"]["layout"]) == (200, "config", "raw")
    assert [key for key in store.asked if key.startswith(KEY)] == []


def test_each_key_asks_its_own_project(start_gatelet: Start, store: CountingStore) -> None:
    publish(store, KEY, document())
    publish(store, OTHER, document(open=gate(0.0)))
    table = f"{fingerprint(PARTNER)}={OTHER}"
    gatelet = start_gatelet(make_service(store, projects=table), limits=ALWAYS)
    assert [check(gatelet, key=key)[0] for key in (CLIENT, PARTNER, CLIENT)] == [True, False, True]


def test_project_that_nobody_published_costs_one_look_a_second(start_gatelet: Start, store: CountingStore) -> None:
    publish(store, KEY, document())
    table = f"{fingerprint(PARTNER)}={OTHER}"
    gatelet = start_gatelet(make_service(store, projects=table, sync_interval_ms="60000"), limits=ALWAYS)
    started = time.monotonic()
    answers = {check(gatelet, key=PARTNER) for _ in range(20)}
    looks = 1 + int(time.monotonic() - started)
    assert answers == {(False, "NoValues")}
    assert 1 <= store.asked.count(OTHER) <= looks
    assert store.asked.count(KEY) == 0


def test_unknown_key_is_refused_without_a_look_at_the_store(start_gatelet: Start, store: CountingStore) -> None:
    gatelet = start_gatelet(make_service(store), limits=ALWAYS)
    reply = gatelet.ask("POST", "/v1/check_gate", b"{}", (("statsig-api-key", b"nobody"),))
    assert (reply.status, store.asked) == (401, [])


def test_health_fails_once_the_newest_spec_has_not_answered_for_too_long(
    start_gatelet: Start, store: CountingStore
) -> None:
    publish(store, KEY, document())
    gatelet = start_gatelet(make_service(store, max_staleness_s="1"), limits=ALWAYS)
    assert check(gatelet)[0] is True
    assert ask_health(gatelet)[0].status == 200
    gatelet.faults.fail("lookup", "too-many-requests")
    time.sleep(SYNC_MS / 1000)
    assert ask_health(gatelet)[0].status == 200
    time.sleep(2.1)
    reply, health = ask_health(gatelet)
    assert (reply.status, health["status"]) == (503, "failing")
    assert "not the newest spec for" in health["message"]
    assert check(gatelet) == (True, "Adapter(FastlyKV):Recognized:Stale")
    gatelet.faults.clear()
    time.sleep(1.1)
    assert ask_health(gatelet)[0].status == 200


def test_check_reads_two_bodies_once_the_manifest_is_there_and_three_when_it_is_not(
    start_gatelet: Start, store: CountingStore
) -> None:
    """A body is read of what is found and not only looked at: the raw entry beside a manifest is not read."""
    publish(store, KEY, document())
    gatelet = start_gatelet(make_service(store), limits=Limits(requests=1))
    check(gatelet)
    assert [name for name in trace(gatelet) if name.endswith("take-body")] == ["[method]entry.take-body"] * 2
    store.delete(manifest_key(KEY))
    check(gatelet)
    assert len([name for name in trace(gatelet) if name.endswith("take-body")]) == 1  # the raw value alone


def trace(gatelet: Running) -> list[str]:
    """Return the names of the calls that the last sandbox made."""
    return [mark.function.partition("#")[2] for mark in gatelet.ended[-1].trace]


def test_spec_that_is_built_in_answers_when_no_store_does(
    start_gatelet: Start, store: CountingStore, tmp_path: Path
) -> None:
    """The component is built from a copy of the sources, which a build with a fallback adds a module to."""
    tree = tmp_path / "tree"
    left_out = shutil.ignore_patterns(".*", "bin", "build", "node_modules", "__pycache__")
    shutil.copytree(ROOT, tree, ignore=left_out)
    (tree / "edge" / "spec" / "baked_spec.py").unlink(missing_ok=True)
    (tmp_path / "spec.json").write_text(json.dumps(document()), encoding="utf-8")
    command = [sys.executable, "-c", BUILD_WITH_FALLBACK]
    subprocess.run(command, cwd=tree, env={"FALLBACK": str(tmp_path / "spec.json")}, check=True)
    gatelet = start_gatelet(make_service(store), limits=ALWAYS, component=tree / "bin" / "main.wasm")
    assert check(gatelet) == (True, "Bootstrap:Recognized:Stale")
    reply, health = ask_health(gatelet)
    assert (reply.status, health["spec"]["source"]) == (200, "fallback")
    publish(store, KEY, document(open=gate(0.0)))
    time.sleep(max(SYNC_MS, 1_000) / 1000)
    assert check(gatelet) == (False, "Adapter(FastlyKV):Recognized")


BUILD_WITH_FALLBACK = "from devhost.build import bake_fallback, build_component; bake_fallback(); build_component()"
