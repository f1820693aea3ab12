"""Statsig's server SDKs, unmodified, with their spec, list and event URLs set to the service.

The stores are in memory, because the SDKs must see them change: those of the source on this Python, and those of the
built component on the embedded host.
"""

import gzip
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge.events.batch import SDK_TYPE
from evaluator.bucketing import hash_unit_id
from specstore.idlists import cut_list, encode_index, find_member
from specstore.keys import list_index_key, shard_key
from tests.clients.component_server import serving_component
from tests.clients.memory_server import WallPlatform, serving
from tests.edge.builders import KEY, SERVER, STORE, Json, gate
from tests.edge.project import project, rule

HERE = Path(__file__).parent
LIST = "people"


def spec_at(time_ms: int, *, is_open: bool) -> bytes:
    """A spec in which the gate `changing` is open or not, and `listed` for the members of a list."""
    spec: Json = {**project(), "time": time_ms, "id_lists": {LIST: True}, "experiment_to_layer": {}}
    gates: Any = spec["feature_gates"]
    conditions: Any = spec["condition_map"]
    gates["changing"] = gate(100.0 if is_open else 0.0)
    gates["listed"] = gate(rules=[rule("members", True, "in_list")])
    conditions["in_list"] = {
        "type": "unit_id",
        "targetValue": LIST,
        "operator": "in_segment_list",
        "field": None,
        "additionalValues": {},
        "idType": "userID",
    }
    return json.dumps(fill(spec)).encode()


def fill(spec: Json) -> Json:
    """Give conditions what Statsig's documents always have."""
    conditions: Any = spec["condition_map"]
    spec["condition_map"] = {
        name: {"additionalValues": {}, "idType": "userID", **one} for name, one in conditions.items()
    }
    return spec


def make_values() -> dict[str, bytes]:
    """The first spec, and a list of a hundred members."""
    members = frozenset(member for number in range(100) if (member := find_member(hash_unit_id(f"member-{number}"))))
    cut = cut_list(members, file_id="f1", creation_time=7, size=1_000)
    shards = {shard_key(KEY, cut.about.name_edition(LIST), number): shard for number, shard in enumerate(cut.shards)}
    first = spec_at(1_600_000_000_000, is_open=False)
    return {KEY: first, list_index_key(KEY): encode_index({LIST: cut.about}), **shards}


SETTINGS = {"spec_key": KEY, "sync_interval_ms": "0"}
SECRETS = {"server_secret": SERVER.encode()}


@dataclass(frozen=True, slots=True)
class Served:
    """A service that SDKs can use, and how a test changes and sees what is behind it."""

    url: str
    put: Callable[[str, bytes], object]
    list_sent: Callable[[], list[tuple[dict[str, bytes], bytes]]]
    list_failed: Callable[[], list[tuple[str, str, int]]]


@contextmanager
def serving_source() -> Iterator[Served]:
    """The routes over stores in memory."""
    outside = WallPlatform(dict(SETTINGS), dict(SECRETS))
    for key, value in make_values().items():
        outside.put(STORE, key, value)
    with serving(outside) as server:
        yield Served(
            server.url,
            lambda key, value: outside.put(STORE, key, value),
            lambda: [(dict(batch.headers), batch.body) for batch in outside.batches],
            lambda: [one for one in server.seen if one[2] >= 400],
        )


@contextmanager
def serving_built() -> Iterator[Served]:
    """The built component on the embedded host."""
    with serving_component(SETTINGS, SECRETS, STORE, make_values()) as server:
        yield Served(server.url, server.put, server.list_sent, list)


@pytest.mark.parametrize("serve", [serving_source, serving_built], ids=["source", "component"])
@pytest.mark.parametrize(
    ("sdk", "name"),
    [("sdk_core.py", "core"), ("sdk_legacy.py", "legacy"), ("sdk_node.cjs", "node")],
)
def test_sdk_starts_evaluates_picks_up_a_new_spec_syncs_a_list_and_its_events_arrive(
    sdk: str, name: str, serve: Callable[[], AbstractContextManager[Served]]
) -> None:
    command = command_of(sdk)
    with (
        serve() as server,
        subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        print(json.dumps({"url": server.url, "key": SERVER}), file=child.stdin, flush=True)
        first = json.loads(child.stdout.readline())
        server.put(KEY, spec_at(1_600_000_001_000, is_open=True))
        print(file=child.stdin, flush=True)
        second = json.loads(child.stdout.readline())
        assert child.wait(60) == 0
        sent, failed = server.list_sent(), server.list_failed()
    assert first == {"changing": False, "listed": True, "not_listed": False, "config": {"c": "a"}}
    assert second == {**first, "changing": True}
    events = [event for _, body in sent for event in json.loads(unpack(body))["events"]]
    (bought,) = [event for event in events if event["eventName"] == "server_bought"]
    assert bought["metadata"]["sdk"] == name
    assert any(event["eventName"] == "statsig::gate_exposure" for event in events)
    assert {headers["statsig-sdk-type"] for headers, _ in sent} != {SDK_TYPE.encode()}
    assert not failed


def command_of(sdk: str) -> list[str]:
    """The command that runs an SDK; skips the test when it is not installed."""
    if sdk.endswith(".py"):
        if sdk == "sdk_legacy.py" and importlib.util.find_spec("statsig") is None:
            pytest.skip("needs the package statsig: run `make clients`")
        return [sys.executable, sdk]
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").is_dir():
        pytest.skip("needs Node.js and the npm packages of tests/clients: run `make clients`")
    return [node, sdk]


def unpack(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
