"""Statsig's server SDKs, unmodified, with their spec, list and event URLs set to the service.

The stores are in memory, because the SDKs must see them change; the same routes answer as in the component.
"""

import gzip
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.events.batch import SDK_TYPE
from edge.memory import MemoryPlatform
from evaluator.bucketing import hash_unit_id
from specstore.idlists import cut_list, encode_index, find_member
from specstore.keys import list_index_key, shard_key
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


def put_list(outside: MemoryPlatform) -> None:
    members = frozenset(member for number in range(100) if (member := find_member(hash_unit_id(f"member-{number}"))))
    cut = cut_list(members, file_id="f1", creation_time=7, size=1_000)
    outside.put(STORE, list_index_key(KEY), encode_index({LIST: cut.about}))
    for number, shard in enumerate(cut.shards):
        outside.put(STORE, shard_key(KEY, cut.about.name_edition(LIST), number), shard)


@pytest.mark.parametrize(
    ("sdk", "name"),
    [("sdk_core.py", "core"), ("sdk_legacy.py", "legacy"), ("sdk_node.cjs", "node")],
)
def test_sdk_starts_evaluates_picks_up_a_new_spec_syncs_a_list_and_its_events_arrive(sdk: str, name: str) -> None:
    outside = WallPlatform({"spec_key": KEY, "sync_interval_ms": "0"}, {"server_secret": SERVER.encode()})
    outside.put(STORE, KEY, spec_at(1_600_000_000_000, is_open=False))
    put_list(outside)
    with (
        serving(outside) as server,
        subprocess.Popen(command_of(sdk), cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        print(json.dumps({"url": server.url, "key": SERVER}), file=child.stdin, flush=True)
        first = json.loads(child.stdout.readline())
        outside.put(STORE, KEY, spec_at(1_600_000_001_000, is_open=True))
        print(file=child.stdin, flush=True)
        second = json.loads(child.stdout.readline())
        assert child.wait(60) == 0
    assert first == {"changing": False, "listed": True, "not_listed": False, "config": {"c": "a"}}
    assert second == {**first, "changing": True}
    events = [event for batch in outside.batches for event in json.loads(unpack(batch.body))["events"]]
    (bought,) = [event for event in events if event["eventName"] == "server_bought"]
    assert bought["metadata"]["sdk"] == name
    assert any(event["eventName"] == "statsig::gate_exposure" for event in events)
    assert {dict(batch.headers)["statsig-sdk-type"] for batch in outside.batches} != {SDK_TYPE.encode()}
    assert not [one for one in server.seen if one[2] >= 400]


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
