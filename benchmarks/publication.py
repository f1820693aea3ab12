"""What publishing costs: requests and bytes of a first publication, and of one after a single gate changed.

    python -m benchmarks.publication [--spec FILE] [--gate NAME]

Fastly's API stands on loopback and counts. The spec is published raw and in pages, with two ID lists of 100,000 IDs.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devhost.apis.serving import Noted
from devhost.fastly.kv import KvStore
from publisher.publication.publish import Published, publish
from publisher.publication.wanted import Layout, prepare
from publisher.sources.pulled import Pulled
from tests.publisher.four_stores import open_fastly
from tests.publisher.kv_server import running_store
from tests.publisher.made_specs import KEY, make_list

EXAMPLE = Path("examples/spec.json")
MEMBERS = 100_000

type Json = dict[str, Any]


def change_gate(document: Json, name: str) -> Json:
    """Return the spec (v2) with other pass percentages in a gate, and a later time."""
    changed: Json = json.loads(json.dumps(document))
    for rule in changed["feature_gates"][name]["rules"]:
        rule["passPercentage"] = 37.0
    return {**changed, "time": document.get("time", 0) + 1}


def publish_twice(spec: bytes, gate: str) -> list[tuple[Published, list[Noted]]]:
    """Publish a spec, then the same with one gate changed; return what came of each and the calls to the API."""
    document = json.loads(spec)
    lists = {"first": make_list(MEMBERS), "second": make_list(MEMBERS, salt=7)}
    found = []
    with running_store(KvStore()) as server:
        for one in (spec, json.dumps(change_gate(document, gate), separators=(",", ":")).encode()):
            wanted = prepare(Pulled(one, lists), KEY, Layout.BOTH)
            server.api.noted.clear()
            with open_fastly(server.api) as store:
                found.append((publish(store, wanted), list(server.api.noted)))
    return found


def describe(published: Published, calls: Sequence[Noted]) -> Json:
    """Return what a publication cost."""
    return {
        "written": dict(published.written),
        "bytes_of_values": published.size,
        "requests": len(calls),
        "requests_by_method": dict(Counter(call.method for call in calls)),
        "bytes_sent": published.traffic["sent"],
        "bytes_received": published.traffic["received"],
    }


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publication", description=__doc__)
    parser.add_argument("--spec", type=Path, default=EXAMPLE)
    parser.add_argument("--gate", default="test_fastly", help="the gate that changes")
    arguments = parser.parse_args()
    first, second = publish_twice(arguments.spec.read_bytes(), arguments.gate)
    print(json.dumps({"first": describe(*first), "after_one_gate_changed": describe(*second)}, indent=2))


if __name__ == "__main__":
    main()
