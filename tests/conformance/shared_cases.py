"""Read the cases that are shared with other projects, where a checkout has them beside it."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

type Json = dict[str, Any]

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "conformance"


class Case(NamedTuple):
    """A user and what the official core saw of it."""

    user: Json
    expected: Json


def read_shared_cases(name: str) -> Iterator[Case]:
    """Read `NAME_cases.jsonl.gz`; without the file the test is skipped."""
    path = FOLDER / f"{name}_cases.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no shared conformance cases: {path.name} is not in shared/conformance beside the checkout")
    users: dict[int, Json] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["kind"] == "user":
                users[line["uid"]] = line["user"]
            else:
                yield Case(users[line["uid"]], line["expected"])
