"""The official core, live, answers the same as this evaluator on projects nobody wrote."""

from random import Random
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.property.compare import Comparison
from tests.property.crowd import UNICODE_POOL, ask_about_crowd, make_user
from tests.property.projects import ONLY_GENERATE, projects, surroundings, users

EXAMPLES = 25
GATES = 16
USERS = 20
CROWD = 100


def test_generated_projects_and_users_get_the_answers_of_the_official_core() -> None:
    compared, people = compare_generated(seed_number=20_000, examples=EXAMPLES, crowd=CROWD)
    assert compared >= 20_000
    assert people >= EXAMPLES * CROWD


def compare_generated(seed_number: int, examples: int, crowd: int, further: int = 0) -> tuple[int, int]:
    """Compare that many generated projects, and evaluate each for a crowd of users.

    To the users that hypothesis makes come so many further ones of the crowd's kind, which cost a tenth of the time.
    Returns how many answers were the same and how many users there were; fails at the first answer that is not.
    """
    compared = met = 0

    @seed(seed_number)
    @settings(ONLY_GENERATE, max_examples=examples)
    @given(projects(GATES), surroundings(), st.lists(users(), min_size=USERS, max_size=USERS))
    def compare(project: dict[str, Any], around: dict[str, Any], people: list[dict[str, Any]]) -> None:
        nonlocal compared, met
        comparison = Comparison(project, around)
        dice = Random(f"{seed_number} {compared}")
        others = [make_user(dice, UNICODE_POOL) for _ in range(further)]
        difference = next(comparison.find_differences([*people, *others]), None)
        assert difference is None, difference
        compared += comparison.compared
        met += ask_about_crowd(project, seed_number, crowd)

    compare()
    return compared, met
