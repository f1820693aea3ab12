"""A large ID list, asked through the service and the official core: `python -m tests.component.big_list`.

A gate is open to the members of one list. Members and others are asked of the core, which holds the whole list, and of
the service, which reads one shard for each.
"""

import argparse
import hashlib
import json
import sys
from typing import Any, NamedTuple

from devhost.fastly.hosting import Limits
from devhost.fastly.kv import KvStore, KvValue
from devhost.fastly.service import Service
from devhost.native.client import Ask, Client
from evaluator.bucketing import hash_unit_id
from specstore.idlists import cut_list, read_lines
from specstore.keys import shard_prefix
from specstore.plan import plan_lists
from tests.conformance.official_core import OfficialCore
from tests.edge.builders import document, gate

SPEC_KEY = "statsig-lists"
SECRET = (("statsig-api-key", b"secret"),)
LIST = "big_list"
GATE = "for_members"
FRESH = 200


class CountingStore(KvStore):
    """A KV store that notes how many bytes were looked up under which key."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[tuple[str, int]] = []

    def lookup(self, key: str) -> KvValue | None:
        """Return the value of a key."""
        value = super().lookup(key)
        self.read.append((key, 0 if value is None else len(value.content)))
        return value


class Compared(NamedTuple):
    """What came of it; bytes are means over checks in fresh sandboxes."""

    asked: int
    differing: list[str]
    shard_bytes: float
    shard_reads: float


def make_spec() -> dict[str, Any]:
    """Return a spec with a gate for the members of the list."""
    spec = document(for_members=gate())
    spec["experiment_to_layer"] = {}
    spec["condition_map"] = {
        "everyone": {
            "type": "unit_id",
            "operator": "in_segment_list",
            "targetValue": LIST,
            "idType": "userID",
            "field": None,
        }
    }
    return spec


def name_unit(number: int) -> str:
    """Return a unit ID; even numbers are members."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:20]


def compare(members: int, asked: int) -> Compared:
    """Ask for as many members as others, and compare every answer."""
    lines = [f"+{hash_unit_id(name_unit(2 * number))}" for number in range(members)]
    step = max(1, members // asked)
    units = [name_unit(2 * (number // 2) * step + number % 2) for number in range(2 * asked)]
    store = open_store(lines)
    with OfficialCore(json.dumps(make_spec()), id_lists={LIST: lines}) as core:
        expected = [core.check_gate({"userID": unit}, GATE) for unit in units]
    client = open_client(store)
    answers = [json.loads(reply.content) for reply in client.ask_in_turn(map(ask_unit, units))]
    differing = [
        f"{unit}: {answer}"
        for unit, want, answer in zip(units, expected, answers, strict=True)
        if (answer["value"], answer["reason"]) != (want, "Adapter(FastlyKV):Recognized:IdListInMemory")
    ]
    store.read.clear()
    for unit in units[:FRESH]:
        client.ask_in_turn([ask_unit(unit)])
    shards = [size for key, size in store.read if key.startswith(shard_prefix(SPEC_KEY))]
    return Compared(len(units), differing, sum(shards) / FRESH, len(shards) / FRESH)


def open_store(lines: list[str]) -> CountingStore:
    """Return a store with the spec and the list."""
    store = CountingStore()
    store.insert(SPEC_KEY, json.dumps(make_spec()).encode())
    found = cut_list(read_lines(lines), file_id="a", creation_time=1, size=len(lines) * 10)
    for one in plan_lists(SPEC_KEY, {LIST: found}, {}):
        store.insert(one.key, one.value)
    return store


def open_client(store: KvStore) -> Client:
    """Serve a store from this process."""
    settings = {"spec_key": SPEC_KEY, "requests_per_sandbox": "1000000000"}
    service = Service({"gatelet-specs": store}, {"gatelet": settings}, {"gatelet": {"server_secret": SECRET[0][1]}})
    return Client(service, limits=Limits(requests=1 << 40))


def ask_unit(unit: str) -> Ask:
    """Return the request that checks the gate for a unit."""
    body = {"user": {"userID": unit}, "gateName": GATE, "statsigMetadata": {"exposureLoggingDisabled": True}}
    return Ask("POST", "/v1/check_gate", json.dumps(body).encode(), SECRET)


def main() -> int:
    """Compare a list of a million."""
    parser = argparse.ArgumentParser(prog="python -m tests.component.big_list", description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=10_000, help="so many members, and as many others")
    arguments = parser.parse_args()
    found = compare(arguments.members, arguments.asked)
    print(f"{found.asked - len(found.differing):,} of {found.asked:,} answers equal to the official core")
    print(f"a check in a fresh sandbox reads {found.shard_bytes:,.0f} bytes in {found.shard_reads:.2f} shards")
    for line in found.differing[:10]:
        print(f"  {line}")
    return 1 if found.differing else 0


if __name__ == "__main__":
    sys.exit(main())
