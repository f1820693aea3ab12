"""The finalizer that the runtime of the component is given; that the component works with it is every other test."""

import random
from collections.abc import Iterator

import pytest

from edge.cold.plain_runtime import Finalizer, use_stateless_random


def test_handle_is_dropped_once_when_its_object_goes() -> None:
    dropped: list[tuple[int, int]] = []
    finalizer = Finalizer(None, lambda kind, handle: dropped.append((kind, handle)), 3, 7)
    assert dropped == []
    del finalizer
    assert dropped == [(3, 7)]


def test_handle_that_was_given_away_is_left_to_its_taker() -> None:
    dropped: list[tuple[int, int]] = []

    def drop(kind: int, handle: int) -> None:
        dropped.append((kind, handle))

    finalizer = Finalizer(None, drop, 3, 7)
    assert finalizer.detach() == (None, drop, (3, 7), None)
    del finalizer
    assert dropped == []


@pytest.fixture
def seeded_functions() -> Iterator[None]:
    before = dict(vars(random))
    yield
    vars(random).update(before)


@pytest.mark.usefixtures("seeded_functions")
def test_random_numbers_do_not_repeat_after_the_same_seed() -> None:
    use_stateless_random()
    random.seed(1)
    first = random.random(), random.randbytes(8)
    random.seed(1)
    assert (random.random(), random.randbytes(8)) != first
