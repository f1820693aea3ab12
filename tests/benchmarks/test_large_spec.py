"""A large spec answers as the one it was made of."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.large_spec import COPIED, COPIED_TOO, encode, multiply_spec
from evaluator.decode import decode_project
from tests.property.projects import users
from tests.specstore.entangled import entangled
from tests.specstore.reading import evaluate, list_asked


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(entangled(), st.lists(users(), min_size=3, max_size=3))
def test_the_first_copy_answers_as_the_spec_itself(document: dict[str, Any], people: list[dict[str, Any]]) -> None:
    once, large = (decode_project(json.loads(text)) for text in (encode(document), multiply_spec(document, 50_000)))
    for kind, name in list_asked(once):
        for user in people:
            one, other = (evaluate(project, kind, name, user) for project in (once, large))
            assert (one.value, one.rule_id, one.state) == (other.value, other.rule_id, other.state)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(entangled())
def test_every_copy_holds_everything(document: dict[str, Any]) -> None:
    large = json.loads(multiply_spec(document, 50_000))
    copies = len(large["feature_gates"]) // len(document["feature_gates"])
    assert copies > 1
    for part in (*COPIED, *COPIED_TOO):
        assert len(large[part]) == copies * len(document[part])
