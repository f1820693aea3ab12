"""A multiplied spec answers as the one it was made of, and its copies by themselves."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.decode import decode_project
from tests.multiplied import multiply, multiply_to_size
from tests.property.projects import users
from tests.specstore.entangled import entangled
from tests.specstore.reading import evaluate, list_asked


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(entangled(), st.lists(users(), min_size=3, max_size=3))
def test_the_first_copy_answers_as_the_spec_itself(document: dict[str, Any], people: list[dict[str, Any]]) -> None:
    once, thrice = decode_project(document), decode_project(multiply(document, 3))
    for kind, name in list_asked(once):
        for user in people:
            one, other = (evaluate(project, kind, name, user) for project in (once, thrice))
            assert (one.value, one.rule_id, one.state) == (other.value, other.rule_id, other.state)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(entangled())
def test_copies_hold_everything_as_often(document: dict[str, Any]) -> None:
    large = multiply(document, 3)
    for section in ("feature_gates", "dynamic_configs", "layer_configs", "condition_map", "overrides", "cmab_configs"):
        assert len(large[section]) == 3 * len(document[section])
    assert large["time"] == document["time"]


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(entangled(16))
def test_a_spec_is_multiplied_to_about_a_size(document: dict[str, Any]) -> None:
    size = 20 * len(json.dumps(document))
    assert 0.9 * size < len(json.dumps(multiply_to_size(document, size))) < 1.3 * size
