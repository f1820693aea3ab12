"""`gatelet events` against Fastly's API on loopback, with batches as the service stores them."""

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from devhost.event_sink import Mood, Received, SinkServer
from devhost.fastly.kv import KvStore
from edge.events.batch import Batch
from edge.events.spool_format import (
    ASIDE_PREFIX,
    LEASE_KEY,
    PREFIX,
    Lease,
    decode_lease,
    encode_envelope,
    encode_lease,
    name_batch,
)
from publisher.exit_codes import ExitCode
from tests.publisher.kv_server import TOKEN, KvServer, running_store
from tests.publisher.running import run_gatelet


def store_batch(
    store: KvStore, user: str, *, born_ms: int = 1_700_000_000_000, count: int = 1, project: str = ""
) -> None:
    event = json.dumps({"eventName": "e", "user": {"userID": user}}).encode()
    batch = Batch(f"{user}-1", b",".join([event] * count), count, born_ms, project=project)
    envelope = encode_envelope(batch)
    store.insert(name_batch(batch, len(envelope)), envelope)


@pytest.fixture
def store() -> Iterator[KvServer]:
    with running_store(KvStore()) as server:
        yield server


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SinkServer]:
    with SinkServer(0, Received(tmp_path / "events.jsonl", io.StringIO())) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def run(action: str, store: KvServer, sink: SinkServer, *further: str) -> CompletedProcess[str]:
    url = f"http://127.0.0.1:{sink.port}/v1/log_event"
    options = ["--store-id", "store-test", "--api", store.url, *(["--url", url] if action == "drain" else [])]
    return run_gatelet(
        "events", action, *options, *further, variables={"FASTLY_API_TOKEN": TOKEN, "STATSIG_SECRET_KEY": "s"}
    )


def test_list_counts_what_is_stored(store: KvServer, sink: SinkServer) -> None:
    store_batch(store.store, "a", count=2)
    store_batch(store.store, "b")
    store.store.insert(f"{ASIDE_PREFIX}x", b"")
    done = run("list", store, sink)
    assert done.stdout.startswith("3 events in 2 batches, ")
    assert done.stdout.endswith("1 batches set aside\n")


def test_drain_sends_everything_once_and_gives_the_lease_back(store: KvServer, sink: SinkServer) -> None:
    for number in range(70):
        store_batch(store.store, f"u{number:02d}", born_ms=1_700_000_000_000 + number)
    done = run("drain", store, sink)
    assert done.stdout == "70 events sent, 0 set aside\n", done.stderr
    assert (sink.received.events, sink.received.bodies) == (70, 3)
    assert json.loads(store.store.list_keys(None, PREFIX, 10))["data"] == []
    lease = store.store.lookup(LEASE_KEY)
    assert lease is not None
    assert decode_lease(lease.content).until_ms == 0


def test_drain_sends_the_events_of_one_project_and_leaves_the_others(store: KvServer, sink: SinkServer) -> None:
    for user, project in (("a", ""), ("b", "statsig-other"), ("c", "")):
        store_batch(store.store, user, project=project)
    assert run("drain", store, sink).stdout == "2 events sent, 0 set aside\n"
    [left] = json.loads(store.store.list_keys(None, PREFIX, 10))["data"]
    assert left.endswith("@statsig-other")
    assert run("drain", store, sink, "--project", "statsig-other").stdout == "1 events sent, 0 set aside\n"
    assert json.loads(store.store.list_keys(None, PREFIX, 10))["data"] == []


def test_drain_waits_for_a_sandbox_that_drains(store: KvServer, sink: SinkServer) -> None:
    store_batch(store.store, "a")
    until_ms = int(time.time() * 1000) + 2_000
    store.store.insert(LEASE_KEY, encode_lease(Lease("a sandbox", until_ms, 1, 1)))
    assert run("drain", store, sink).returncode == 0
    assert time.time() * 1000 > until_ms
    assert sink.received.events == 1


def test_endpoint_that_is_down_stops_the_drain_and_keeps_everything(store: KvServer, sink: SinkServer) -> None:
    store_batch(store.store, "a")
    sink.mood = Mood(status=500)
    done = run("drain", store, sink)
    assert done.returncode == ExitCode.FAILED
    assert "the backend answered 500" in done.stderr
    assert len(json.loads(store.store.list_keys(None, PREFIX, 10))["data"]) == 1


def test_broken_value_is_set_aside(store: KvServer, sink: SinkServer) -> None:
    store.store.insert(f"{PREFIX}1700000000000-4-3-x", b"\xff")
    store_batch(store.store, "a")
    assert run("drain", store, sink).stdout == "1 events sent, 4 set aside\n"
    assert len(json.loads(store.store.list_keys(None, ASIDE_PREFIX, 10))["data"]) == 1


def test_wrong_token_is_said(store: KvServer) -> None:
    options = ["--store-id", "store-test", "--api", store.url]
    done = run_gatelet("events", "list", *options, variables={"FASTLY_API_TOKEN": "other"})
    assert done.returncode == ExitCode.FAILED
    assert "answered 401" in done.stderr


def test_drain_without_a_key_is_refused() -> None:
    done = run_gatelet("events", "drain", "--store-id", "x", variables={"FASTLY_API_TOKEN": "y"})
    assert done.returncode == ExitCode.UNUSABLE
    assert "STATSIG_SECRET_KEY" in done.stderr
