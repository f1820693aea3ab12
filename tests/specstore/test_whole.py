"""All pages together hold the whole document: nothing is lost in cutting."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from evaluator.client_response import ResponseOptions, write_client_response
from evaluator.decode import decode_project
from evaluator.project import Project
from evaluator.user import decode_user
from evaluator.view import UserView
from specstore.manifest import start_project
from specstore.pages import decode_page, read_whole
from tests.conformance.shared_cases import FOLDER
from tests.evaluator.builders import NOW
from tests.property.projects import projects
from tests.specstore.reading import Store, store_project

SPECS = sorted((FOLDER / "specs").glob("*.json"))


def join_pages(store: Store) -> Project:
    project = start_project(store.manifest)
    for digest in store.manifest.list_pages():
        project.grow(read_whole(decode_page(store.pages[digest])))
    return project


def present(document: Any) -> dict[str, Any]:
    """What a document holds; empty sections may come and go."""
    return {key: value for key, value in document.items() if value != {}}


@pytest.mark.skipif(not SPECS, reason="no specs: shared/conformance is not beside the checkout")
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_the_pages_of_a_shared_spec_make_up_its_document_and_give_its_client_response(spec: Path) -> None:
    document = json.loads(spec.read_bytes())
    whole = decode_project(document)
    joined = join_pages(store_project(whole))
    assert present(joined.document) == present(document)
    responses = [
        write_client_response(UserView(one, decode_user({"userID": "a-user"}), NOW), ResponseOptions(), {})
        for one in (whole, joined)
    ]
    assert responses[0] == responses[1]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(projects(8))
def test_the_pages_of_a_generated_spec_make_up_its_document(document: dict[str, Any]) -> None:
    assert present(join_pages(store_project(decode_project(document))).document) == present(document)


def test_what_no_evaluation_asks_for_is_kept_too() -> None:
    document = {
        "has_updates": True,
        "time": 1,
        "feature_gates": {},
        "dynamic_configs": {},
        "layer_configs": {},
        "condition_map": {"unused": {"type": "public"}},
        "param_stores": {"a": {"parameters": {}}},
        "session_replay_info": {"sampling_rate": 1},
        "overrides": {"a": []},
        "some_number": 5,
        "sdk_flags": {"x": True},
        "id_lists": {"l": True},
    }
    assert present(join_pages(store_project(decode_project(document))).document) == present(document)
