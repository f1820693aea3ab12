"""Ask the service what the official core was asked, from each layout of a spec.

`python -m tests.component.vectors_over_http` asks every vector, with a store that holds the spec, its pages and its ID
lists as the publisher writes them, through the same routes as any client's requests. The source of the service runs in
this process (`devhost.native`), one sandbox answers everything; with `--host viceroy` or `--host embedded` it is the
built component.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from devhost.fastly.hosting import Limits
from devhost.fastly.kv import KvStore
from devhost.fastly.service import Service
from devhost.local_store import PAGED, RAW, list_entries, list_entries_beside
from devhost.native.client import Ask, Client, Reply
from tests.component.serving import EMBEDDED, NATIVE, SERVER, VICEROY, running_service
from tests.conformance.shared_cases import FOLDER
from tests.conformance.test_vectors import compare_response, read_vectors, resolve, same

type Json = dict[str, Any]

FAMILIES = {
    "eval_proj": "specs/eval_proj.json",
    "structure_b": "specs/structure_b.json",
    "legacy_plain_text": "specs/legacy_plain_text.json",
}
# The same project as the console writes it, v1, with the vectors of its converted form.
V1 = "data/legacy_v1_dcs_plain_text.json"
LAYOUTS = (PAGED, RAW)
SPEC_KEY = "statsig-vectors"
SECRET = (("statsig-api-key", b"secret-vectors"),)
MOST = 1 << 40
ROUTES = {
    "gate": ("/v1/check_gate", "gateName"),
    "config": ("/v1/get_config", "configName"),
    "experiment": ("/v1/get_config", "configName"),
    "layer": ("/v1/get_layer", "layerName"),
}


class Case(NamedTuple):
    """One vector: who asks for what, and what the core answered."""

    kind: str
    name: str
    user: Json
    expected: Json
    options: Json


def read_cases(family: str, users: int) -> Iterator[Case]:
    """Yield the vectors of a family about its first users, those of whole responses included."""
    for stem in (family, f"{family}.gcir"):
        values: Json = {}
        people: dict[int, Json] = {}
        for line in read_vectors(stem, MOST):
            if line["kind"] == "value":
                values[line["id"]] = line["value"]
            elif line["kind"] == "user":
                people[line["uid"]] = line["user"]
            elif line["uid"] < users:
                expected = resolve(line["expected"], values)
                yield Case(line["kind"], line["name"], people[line["uid"]], expected, line.get("options", {}))


def open_client(family: str, spec: Path, layout: str) -> Client:
    """Serve a spec in a layout, with its ID lists."""
    store = KvStore()
    lists = list_entries_beside(SPEC_KEY, find_id_lists(family), None)
    for entry in (*list_entries(SPEC_KEY, spec.read_bytes(), layout), *lists):
        store.insert(entry.key, entry.value, metadata=entry.metadata)
    settings = {"spec_key": SPEC_KEY, "requests_per_sandbox": str(MOST)[:12]}
    secrets = {"server_secret": b"secret-vectors"}
    service = Service({"gatelet-specs": store}, {"gatelet": settings}, {"gatelet": secrets})
    return Client(service, limits=Limits(requests=MOST))


def find_id_lists(family: str) -> dict[str, Path]:
    """Return the ID lists of a family by their names."""
    return {path.name.split(".")[1]: path for path in (FOLDER / "id_lists").glob(f"{family}.*.txt")}


def ask_component(host: str, family: str, spec: Path, layout: str, asks: Iterable[Ask]) -> Iterator[Reply]:
    """Serve a spec with its ID lists under a host, from the built component, and yield its replies."""
    lists = find_id_lists(family)
    with (
        TemporaryDirectory() as folder,
        running_service(host, Path(folder), spec, layout=layout, id_lists=lists) as running,
        running.client() as client,
    ):
        for one in asks:
            reply = client.request(one.method, one.target, content=one.content, headers=SERVER)
            yield Reply(reply.status_code, dict(reply.headers), reply.content)


def ask_case(case: Case) -> Ask:
    """Return the request that asks a vector."""
    quiet = {"statsigMetadata": {"exposureLoggingDisabled": True}}
    if case.kind == "gcir":
        body = {"user": case.user, "hash": case.options["hash"]}
        return Ask("POST", "/v1/initialize", json.dumps(body).encode(), SECRET)
    path, field = ROUTES[case.kind]
    return Ask("POST", path, json.dumps({"user": case.user, field: case.name, **quiet}).encode(), SECRET)


def find_differences(case: Case, reply: Reply) -> Iterator[str]:
    """Name what a reply has otherwise than the core; Statsig's HTTP API has 404 for a layer that is not there."""
    if reply.status == 404 and case.kind == "layer" and case.expected["reason"] == "Unrecognized":
        return
    if reply.status != 200:
        yield f"status {reply.status}: {reply.content[:200]!r}"
        return
    actual = json.loads(reply.content)
    if case.kind == "gcir":
        shown = {key: want for key, want in case.expected.items() if key != "user"}
        yield from compare_response(shown, actual)
        return
    if case.expected.get("reason") == "Unsupported":
        yield from () if actual["reason"].endswith(":Unsupported") else ("reason",)
        return
    yield from compare_answer(case, actual)


def compare_answer(case: Case, actual: Mapping[str, Any]) -> Iterator[str]:
    """Compare what an answer shows of an evaluation."""
    expected = case.expected
    value = expected["value"] if case.kind == "gate" or expected["value"] is not None else {}
    if not same(value, actual["value"]):
        yield "value"
    if expected["rule_id"] != (actual["ruleID" if case.kind == "layer" else "rule_id"] or ""):
        yield "rule_id"
    if actual["reason"] != f"Adapter(FastlyKV):{expected['reason']}":
        yield f"reason {actual['reason']} where {expected['reason']} is expected"
    if case.kind == "experiment" and expected["group_name"] != actual["group_name"]:
        yield "group_name"
    if case.kind == "layer" and (expected["allocated_experiment_name"] or "") != actual.get(
        "allocatedExperimentName", ""
    ):
        yield "allocated_experiment_name"


class Comparison(NamedTuple):
    """How many vectors were asked by kind, the differences, and the sources that the replies named."""

    asked: dict[str, int]
    differences: list[str]
    sources: set[str]


def compare_family(family: str, spec: Path, layout: str, users: int, host: str = NATIVE) -> Comparison:
    """Ask the vectors of a family, entities before whole responses."""
    cases = list(read_cases(family, users))
    asks = map(ask_case, cases)
    if host == NATIVE:
        replies: Iterable[Reply] = open_client(family, spec, layout).ask_in_turn(asks)
    else:
        replies = ask_component(host, family, spec, layout, asks)
    asked: dict[str, int] = {}
    differences = []
    named = set()
    for case, reply in zip(cases, replies, strict=True):
        named.add(reply.headers["x-gatelet-spec"].partition("; time")[0])
        asked[case.kind] = asked.get(case.kind, 0) + 1
        found = ", ".join(find_differences(case, reply))
        if found:
            differences.append(f"{case.kind} {case.name} for {case.user}: {found}")
    return Comparison(asked, differences, named)


def main() -> int:
    """Compare every family from every layout, and say how many answers were equal."""
    parser = argparse.ArgumentParser(prog="python -m tests.component.vectors_over_http", description=__doc__)
    parser.add_argument("--users", type=int, default=MOST, help="only so many users of each family")
    parser.add_argument("--host", choices=(NATIVE, VICEROY, EMBEDDED), default=NATIVE)
    arguments = parser.parse_args()
    failed = 0
    specs = [(family, FOLDER / spec) for family, spec in FAMILIES.items()] + [("legacy_plain_text", FOLDER / V1)]
    for family, spec in specs:
        for layout in LAYOUTS:
            found = compare_family(family, spec, layout, arguments.users, arguments.host)
            total = sum(found.asked.values())
            equal = total - len(found.differences)
            print(f"{spec.name} {layout}, {arguments.host}: {equal:,} of {total:,} equal {found.asked}", flush=True)
            for line in found.differences[:20]:
                print(f"  {line[:300]}")
            failed += len(found.differences)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
