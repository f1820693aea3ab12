"""One page answers what the whole document answers: the proof that a page holds enough."""

import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.decode import decode_project
from tests.conformance.shared_cases import FOLDER
from tests.facts import facts_of
from tests.property.projects import users
from tests.specstore.documents import small_document
from tests.specstore.entangled import entangled, to_v1
from tests.specstore.reading import evaluate, find_differences, read_project, store_project

SPECS = sorted((FOLDER / "specs").glob("*.json"))
PEOPLE = 12


def read_people(spec: Path) -> list[dict[str, Any]]:
    """The first users of a spec's vectors, and two who are nobody."""
    path = FOLDER / "vectors" / f"{spec.stem}.jsonl.gz"
    people: list[dict[str, Any]] = [{}, {"userID": "a-user", "customIDs": {"companyID": "b"}}]
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found = (line["user"] for line in map(json.loads, lines) if line["kind"] == "user")
            people += islice(found, PEOPLE)
    return people


@pytest.mark.skipif(not SPECS, reason="no specs: shared/conformance is not beside the checkout")
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_every_entity_of_a_shared_spec_is_answered_from_its_page_alone(spec: Path) -> None:
    document = json.loads(spec.read_bytes())
    assert next(find_differences(document, read_people(spec)), None) is None


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(entangled(), st.lists(users(), min_size=5, max_size=5))
def test_every_entity_of_a_generated_spec_is_answered_from_its_page_alone(
    document: dict[str, Any], people: list[dict[str, Any]]
) -> None:
    assert next(find_differences(document, people), None) is None


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(entangled(), st.lists(users(), min_size=5, max_size=5))
def test_every_entity_of_a_v1_spec_is_answered_from_its_page_alone(
    document: dict[str, Any], people: list[dict[str, Any]]
) -> None:
    assert next(find_differences(to_v1(document), people), None) is None


def test_a_missing_record_would_be_seen() -> None:
    """The comparison itself: without the nested gate's record the outer gate answers otherwise."""
    document = small_document()
    alone = read_project(store_project(decode_project(document)), "gate", "outer")
    whole = facts_of(evaluate(alone, "gate", "outer", {}))
    del alone.gates["inner"]  # type: ignore[attr-defined]
    alone.prepared_gates.clear()
    assert facts_of(evaluate(alone, "gate", "outer", {})) != whole
