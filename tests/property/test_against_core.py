"""The official core, live, answers the same as this evaluator on projects nobody wrote."""

from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.property.compare import find_differences, list_questions
from tests.property.projects import projects, users

EXAMPLES = 40
GATES = 16
USERS = 20


def test_generated_projects_and_users_get_the_answers_of_the_official_core() -> None:
    compared = compare_generated(seed_number=20_000, examples=EXAMPLES)
    assert compared >= 20_000


def compare_generated(seed_number: int, examples: int) -> int:
    """Compare that many generated projects; returns how many answers were the same, fails at the first that is not."""
    compared = 0

    @seed(seed_number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(projects(GATES), st.lists(users(), min_size=USERS, max_size=USERS))
    def compare(project: dict[str, Any], people: list[dict[str, Any]]) -> None:
        nonlocal compared
        difference = next(find_differences(project, people), None)
        assert difference is None, difference
        compared += len(list_questions(project)) * len(people)

    compare()
    return compared
