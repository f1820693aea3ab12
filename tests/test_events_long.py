"""What the long measurement makes of its figures."""

from itertools import pairwise

import pytest

from tests.component.trouble import HAS_USAGE, Measured
from tests.events_long import BACK, WELL, Compared, Plan, compare_all, find_faults, list_phases

CHECKS = 2_000


def measured(name: str, milliseconds: float = 4.0, cpu: float = 10.0, tries: int = 100) -> Measured:
    """A phase whose replies all took so long, with so much processor time for each check."""
    return Measured(name, [milliseconds / 1000] * CHECKS, tries, tries, took=10.0, cpu_ms=cpu * CHECKS)


def judge(*phases: Measured) -> list[str]:
    return find_faults(compare_all(phases), Compared(phases[1], phases[0]))


@pytest.mark.parametrize("plan", [Plan(20_000, 40.0, 30.0, None), Plan(2_000, 40.0, 8.0, 1)])
def test_phases_take_as_long_as_all_checks(plan: Plan) -> None:
    phases = list_phases(plan)
    assert sum(phase.seconds for phase in phases) * plan.pace == pytest.approx(plan.checks)


def test_every_trouble_stands_between_phases_without_one() -> None:
    names = [phase.name for phase in list_phases(Plan(20_000, 40.0, 30.0, None))]
    assert (names[0], names[-1]) == (WELL, WELL)
    for name, following in pairwise(names):
        assert (name == WELL) == (following not in (WELL, BACK))


def test_trouble_is_compared_with_the_calm_on_both_sides() -> None:
    compared = compare_all(
        [measured(WELL, 2.0), measured("500", 6.0), measured(BACK), measured(WELL, 4.0), measured(WELL, 90.0)]
    )
    assert compared[1].compare(lambda one: sum(one.seconds) / len(one.seconds)) == pytest.approx(2.0)


def test_trouble_that_changes_nothing_is_no_fault() -> None:
    assert judge(measured(WELL), measured("500"), measured(WELL)) == []


def test_slower_replies_are_a_fault() -> None:
    assert judge(measured(WELL), measured("500", 6.0), measured(WELL)) == ["trouble made replies 1.50 times slower"]


@pytest.mark.skipif(not HAS_USAGE, reason="needs the /proc of Linux")
def test_more_processor_time_is_a_fault() -> None:
    faults = judge(measured(WELL), measured("500", cpu=12.0), measured(WELL))
    assert faults == ["500: a check costs 1.20 times the processor time"]


def test_more_requests_to_the_sink_are_a_fault() -> None:
    faults = judge(measured(WELL), measured("500", tries=120), measured(WELL))
    assert faults == ["500: the sink is sent 1.20 times the requests"]
