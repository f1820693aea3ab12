"""The evaluator against what the official core answered, over a selection of the shared vectors that takes seconds."""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import pytest

from evaluator.decode import decode_project
from publisher.answers.evaluate_lines import answer_lines
from tests.conformance.shared_cases import FOLDER

type Json = dict[str, Any]

ENTITIES = ("gate", "config", "experiment", "layer")
SECTIONS = ("feature_gates", "dynamic_configs", "layer_configs", "param_stores")
UNEXPOSED = "statsig::non_exposed_checks"
END: Json = {}


@cache
def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def read_meta(name: str) -> Json:
    for stem in (name, name.removesuffix(".gcir")):
        path = FOLDER / "vectors" / f"{stem}.meta.json"
        if path.exists():
            return dict(read_json(path))
    pytest.skip(f"no vectors {name}: the folder shared/conformance/vectors is not beside the checkout")


def read_vectors(name: str, most: int) -> Iterator[Json]:
    with gzip.open(FOLDER / "vectors" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, islice(lines, most))


def read_lists(meta: Json) -> dict[str, frozenset[str]]:
    """The ID lists of a spec; a line is `+hash`, or `-hash` to take it out again."""
    prefix = f"{meta.get('id_lists_from') or Path(meta['spec_file']).stem}."
    lists: dict[str, frozenset[str]] = {}
    for path in (FOLDER / "id_lists").glob(f"{prefix}*.txt"):
        members: set[str] = set()
        for line in map(str.strip, path.read_text().splitlines()):
            if len(line) > 1:
                (members.discard if line[0] == "-" else members.add)(line[1:])
        lists[path.name.removeprefix(prefix).removesuffix(".txt")] = frozenset(members)
    return lists


def resolve(node: Any, values: Json) -> Any:
    """Put values in where vectors refer to them."""
    if isinstance(node, dict):
        if node.keys() == {"$value"}:
            return values[node["$value"]]
        return {key: resolve(child, values) for key, child in node.items()}
    return [resolve(child, values) for child in node] if isinstance(node, list) else node


def same(expected: Any, actual: Any) -> bool:
    """Equality of JSON: true is not 1, but 1 is 1.0."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(same(child, actual[key]) for key, child in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    return bool(expected == actual)


def unique(exposures: Any) -> list[Any]:
    kept: list[Any] = []
    for one in exposures or []:
        if one not in kept:
            kept.append(one)
    return kept


def holds(expected: Json, actual: Json) -> Iterator[str]:
    """Name the keys expected and not there."""
    for key, want in expected.items():
        if key not in actual or not same(want, actual[key]):
            yield key


def compare_entity(kind: str, expected: Json, actual: Json) -> Iterator[str]:
    if expected.get("reason") == "Unsupported":
        yield from () if actual["reason"] == "Unsupported" else ("reason",)
        return
    found = dict(actual)
    if kind in ("gate", "config"):
        found["secondary_exposures"] = unique(found["secondary_exposures"])
    yield from holds({key: want for key, want in expected.items() if key not in ("init", "full_reason")}, found)
    if "init" in expected:
        want, init = expected["init"], actual["init"]
        if want is None or init is None:
            yield from () if want is init else ("init",)
        else:
            yield from (f"init.{key}" for key in holds(want, init))


def compare_response(expected: Json, actual: Json) -> Iterator[str]:
    for section in SECTIONS:
        want, got = expected.get(section, {}), actual[section]
        yield from (f"{section}.{key}" for key in {*holds(want, got), *(got.keys() - want.keys())})
    yield from holds({key: want for key, want in expected.items() if key not in SECTIONS}, actual)


def compare_events(expected: Json, actual: Json) -> Iterator[str]:
    for index, (want, got) in enumerate(zip_longest(expected["events"], actual["events"], fillvalue=END)):
        yield from (f"events[{index}].{key}" for key in holds(readable(want), readable(got)))
        if want is END:
            yield f"events[{index}]: was not expected"


def readable(event: Json) -> Json:
    """Leave out when the spec was received, and read the counted checks, which the core writes in any order."""
    metadata = event.get("metadata")
    if not isinstance(metadata, dict):
        return event
    kept = {key: value for key, value in metadata.items() if key != "receivedAt"}
    if event["eventName"] == UNEXPOSED:
        kept["checks"] = json.loads(kept["checks"])
    return {**event, "metadata": kept}


def compare(kind: str, expected: Json, actual: Json) -> list[str]:
    if kind in ENTITIES:
        return list(compare_entity(kind, expected, actual))
    return list((compare_response if kind == "gcir" else compare_events)(expected, actual))


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("eval_proj", 10_000),
        ("structure_a", 3_000),
        ("structure_b", 3_000),
        ("operators", 2_000),
        ("conditions", 3_000),
        ("local_overrides", 3_000),
        ("cmab", 3_000),
        ("target_app_filtering", 3_000),
        ("node_overrides", 1_000),
        ("non_case_sensitive", 1_000),
        ("structure_a.gcir", 100),
        ("structure_b.gcir", 200),
        ("local_overrides.gcir", 100),
        ("target_app_filtering.gcir", 100),
        ("target_app_filtering_hashed_keys.gcir", 100),
        ("structure_a.exposures", 100),
        ("structure_a.exposures_env", 100),
        ("eval_proj.exposures", 100),
    ],
)
def test_answers_are_those_of_the_official_core(name: str, most: int) -> None:
    meta = read_meta(name)
    lines: list[str] = []
    cases: list[tuple[Json, Json]] = []
    values: Json = {}
    for line in read_vectors(name, most):
        if line["kind"] == "value":
            values[line["id"]] = line["value"]
            continue
        if "expected" in line:
            cases.append((line, line.pop("expected")))
        lines.append(json.dumps(line))
    answers = answer_lines(
        decode_project(read_json(FOLDER / meta["spec_file"])),
        lines,
        now_ms=meta["now_ms"],
        id_lists=read_lists(meta),
        environment=meta.get("environment"),
    )
    wrong = [
        ({key: case[key] for key in ("kind", "name", "uid") if key in case}, bad)
        for (case, expected), answer in zip(cases, answers, strict=True)
        if (bad := compare(case["kind"], resolve(expected, values), json.loads(answer)))
    ]
    assert cases
    assert wrong == []
