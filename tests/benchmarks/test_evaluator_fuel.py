"""The scenarios run here as they do in the guest; the fuel itself is counted by `make fuel-evaluator`."""

import json

import pytest

from benchmarks.evaluator_fuel import MARK, cut_gate, encode, summarize
from benchmarks.guest.scenarios import SCENARIOS, Meter
from benchmarks.made_spec import make_spec
from devhost.embedded.sandbox import Mark
from evaluator.decode import find_faults
from tests.evaluator.builders import condition, document, gate, rule

SPEC = make_spec()


def test_made_spec_is_a_spec_and_the_same_every_time() -> None:
    assert list(find_faults(SPEC)) == []
    assert make_spec() == SPEC


@pytest.mark.parametrize("path", SCENARIOS)
def test_scenario_marks_both_ends_of_everything_it_measures(path: str) -> None:
    marks: list[None] = []
    meter = Meter(lambda: marks.append(None))
    SCENARIOS[path](meter, encode(SPEC), {"gate": next(iter(SPEC["feature_gates"]))})
    assert len(marks) == 2 * len(meter.pairs) > 2


def test_gate_is_cut_out_with_what_it_refers_to() -> None:
    spec = document(
        {
            "far": gate(rule()),
            "near": gate(rule(condition("pass_gate", None, "far"))),
            "asked": gate(rule(condition("fail_gate", None, "near"))),
            "other": gate(rule(condition())),
        }
    )
    cut = cut_gate(spec, "asked")
    assert set(cut["feature_gates"]) == {"far", "near", "asked"}
    assert len(cut["condition_map"]) == 2
    assert json.loads(encode(cut)) == cut


def test_empty_pair_is_taken_off_and_the_rest_is_a_mean_of_units() -> None:
    fuel = (0, 10, 20, 50, 60, 110)
    trace = [Mark(MARK, spent) for spent in fuel] + [Mark("send", 999)]
    assert summarize([("empty", 1), ("a", 2), ("a", 2)], trace) == {"a": 15}
