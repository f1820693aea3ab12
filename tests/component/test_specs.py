"""The built component with other specs: the conformance vectors over HTTP, and stores that hold nothing usable."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devhost.local_config import ROOT
from tests.component.serving import CLIENT, SERVER, running_service
from tests.edge.builders import document, gate

CONFORMANCE = ROOT.parent / "shared" / "conformance"
USERS = 100
NAMES_AT_ONCE = 100
needs_vectors = pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="needs the conformance vectors beside the checkout")

type Expected = dict[int, dict[str, dict[str, Any]]]


def read_lines(family: str) -> Iterator[dict[str, Any]]:
    with gzip.open(CONFORMANCE / "vectors" / f"{family}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def read_gate_vectors(family: str) -> tuple[dict[int, Any], Expected]:
    """The users of a family, and what each gate comes to for them."""
    users: dict[int, Any] = {}
    expected: Expected = defaultdict(dict)
    for line in read_lines(family):
        if line["kind"] == "user":
            users[line["uid"]] = line["user"]
        elif line["kind"] == "gate":
            expected[line["uid"]][line["name"]] = line["expected"]
    return users, expected


@needs_vectors
@pytest.mark.parametrize(
    ("family", "spec"),
    [
        ("eval_proj", "specs/eval_proj.json"),
        ("legacy_plain_text", "data/legacy_v1_dcs_plain_text.json"),
    ],
    ids=["v2", "v1"],
)
def test_every_gate_equals_the_vectors_over_http(host: str, tmp_path: Path, family: str, spec: str) -> None:
    users, expected = read_gate_vectors(family)
    asked, differing = 0, []
    lists = {"company_id_list": CONFORMANCE / "id_lists" / f"{family}.company_id_list.txt"}
    with (
        running_service(host, tmp_path, CONFORMANCE / spec, id_lists=lists) as service,
        service.client() as client,
    ):
        for uid in fullest(expected, USERS):
            names = sorted(expected[uid])
            for start in range(0, len(names), NAMES_AT_ONCE):
                some = names[start : start + NAMES_AT_ONCE]
                body = json.dumps({"user": users[uid], "gateNames": some})
                answers = client.post("/v1/check_gate", content=body, headers=SERVER).json()
                asked += len(some)
                differing += [(uid, name) for name in some if differs(answers[name], expected[uid][name])]
    print(f"{family}: {asked - len(differing)} of {asked} checks equal")
    for uid, name in differing:
        print(f"  differs: {name} for user {uid}")
    assert asked > 0
    assert differing == []


def fullest(expected: Expected, count: int) -> list[int]:
    """That many of the users, those with vectors for most gates."""
    return sorted(expected, key=lambda uid: -len(expected[uid]))[:count]


def differs(answer: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether an answer is another one than the official core's."""
    if expected["reason"] == "Unsupported":
        return not answer["reason"].endswith(":Unsupported")
    return (answer["value"], answer["rule_id"] or "") != (expected["value"], expected["rule_id"])


@pytest.mark.parametrize(
    ("content", "named"),
    [(None, "has no key statsig-local"), (b"not json", "not JSON"), (b"", "not JSON"), (b"[" * 100_000, "deep")],
    ids=["empty store", "not JSON", "empty value", "nested too deeply"],
)
def test_store_without_a_usable_spec_is_said_and_crashes_nothing(
    host: str, tmp_path: Path, content: bytes | None, named: str
) -> None:
    spec = None
    if content is not None:
        spec = tmp_path / "spec.json"
        spec.write_bytes(content)
    with running_service(host, tmp_path, spec) as service, service.client() as client:
        health = client.get("/healthz")
        assert health.status_code == 503
        assert named in health.json()["message"]
        gate = client.get("/gate?name=test_fastly&userID=a")
        assert (gate.status_code, set(gate.json())) == (500, {"error", "details"})
        body = {"user": {"userID": "a"}, "gateName": "test_fastly"}
        check = client.post("/v1/check_gate", json=body, headers=CLIENT)
        assert (check.status_code, check.json()["value"], check.json()["reason"]) == (200, False, "NoValues")
        assert check.headers["x-gatelet-spec"] == "none"


def test_store_that_is_not_linked_is_said(host: str, tmp_path: Path) -> None:
    with (
        running_service(host, tmp_path, None, settings={"spec_store": "elsewhere"}) as service,
        service.client() as client,
    ):
        assert "elsewhere" in client.get("/healthz").json()["message"]
        assert client.get("/gate?name=test_fastly&userID=a").status_code == 500


def test_gates_nested_too_deeply_are_false_with_a_reason_and_crash_nothing(host: str, tmp_path: Path) -> None:
    length = 400
    gates = {f"g{number}": gate() for number in range(length)}
    nested = document()
    nested["feature_gates"] = gates
    conditions = {f"to-g{number}": passes_gate(f"g{number}") for number in range(length)}
    for number in range(length - 1):
        gates[f"g{number}"]["rules"] = [{**rule_of(gates[f"g{number}"]), "conditions": [f"to-g{number + 1}"]}]
    nested["condition_map"] = {**conditions, **dict_of(nested["condition_map"])}
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(nested), encoding="utf-8")
    with running_service(host, tmp_path, spec) as service, service.client() as client:
        body = {"user": {"userID": "a"}, "gateNames": ["g0", "g120", "g399"]}
        answers = client.post("/v1/check_gate", json=body, headers=SERVER).json()
    assert [answers[name]["value"] for name in body["gateNames"]] == [False, True, True]
    assert "Depth Exceeded" in answers["g0"]["reason"]


def passes_gate(name: str) -> dict[str, object]:
    return {"type": "pass_gate", "targetValue": name, "operator": None, "field": None}


def rule_of(spec: dict[str, object]) -> dict[str, object]:
    rules = spec["rules"]
    assert isinstance(rules, list)
    return dict_of(rules[0])


def dict_of(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
