"""A push that is killed leaves one whole spec, and the next one completes: a few of the moments of `killed.py`."""

from tests.publisher.killed import kill_pushes


def test_a_push_that_is_killed_leaves_one_spec_and_the_next_completes() -> None:
    found = kill_pushes(3, seed=2)
    assert found.killed == 3
    assert (found.mixed, found.behind, set(found.exits)) == ([], [], {0})
    assert found.replies > 3
