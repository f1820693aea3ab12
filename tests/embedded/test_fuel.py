import json
import subprocess
import sys

import pytest

from benchmarks.fuel import HELLO, ask_gate, make_service
from devhost.embedded.fuel import CannotCount, Scenario, compare, count_scenarios, find_savings
from devhost.embedded.plugin import COMPONENT, ROOT
from devhost.local_config import EXAMPLE_SPEC
from devhost.local_store import RAW

SCENARIOS = (HELLO, ask_gate("gate", "test_fastly"))
COUNT_ELSEWHERE = "import json; from tests.embedded.test_fuel import count; print(json.dumps(count()))"


def count(*scenarios: Scenario) -> dict[str, int]:
    return count_scenarios(COMPONENT, make_service((ROOT / EXAMPLE_SPEC).read_bytes(), RAW), scenarios or SCENARIOS)


def test_fuel_is_the_same_in_every_run_and_process() -> None:
    here = [count() for _ in range(3)]
    assert here[0] == here[1] == here[2]
    command = [sys.executable, "-c", COUNT_ELSEWHERE]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    assert json.loads(done.stdout) == here[0]


def test_every_phase_costs_something_and_a_warm_answer_less() -> None:
    figures = count()
    assert min(figures.values()) > 0
    assert figures["gate.warm.before_reply"] < figures["gate.fresh.before_reply"]
    assert figures["hello.fresh.before_reply"] < figures["gate.fresh.before_reply"]


@pytest.mark.parametrize(
    "scenario",
    [Scenario("gone", "GET", "/nowhere"), Scenario("wrong", "GET", "/healthz", expected=b"no such text")],
    ids=["status", "text"],
)
def test_another_answer_than_the_one_meant_is_not_counted(scenario: Scenario) -> None:
    with pytest.raises(CannotCount, match=scenario.name):
        count(scenario)


def test_change_beyond_what_is_allowed_is_named() -> None:
    figures, accepted = {"a": 1031, "b": 1029, "c": 969, "d": 971, "new": 5}, dict.fromkeys("abcd", 1000)
    assert compare(figures, accepted) == ["a: 1,000 -> 1,031 (+3.1%)"]
    assert find_savings(figures, accepted) == ["c: 1,000 -> 969 (-3.1%)"]
