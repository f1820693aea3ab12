"""The comparison asks everyone the same; how fast they are is for `make bench-evaluator` to say."""

import json
from pathlib import Path

import pytest

from benchmarks.evaluator_speed import MODES, Measured, describe_platform, measure_mode, write_results
from benchmarks.made_spec import make_spec
from benchmarks.subjects import CORE, EXPOSED, GATELET, LEGACY, Timing


@pytest.mark.parametrize("mode", MODES)
def test_ours_and_the_core_answer_true_as_often(mode: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(make_spec()), encoding="utf-8")
    measured = {one.name: one for one in measure_mode(mode, spec, 1, 100)}
    assert list(measured) == list(MODES[mode])
    assert measured[GATELET].passes() == measured[CORE].passes() > 0


def test_ratio_is_the_middle_of_the_turns_taken_together() -> None:
    fast = Measured(EXPOSED, GATELET, [Timing(10, 0, 1.0, 1.0, time) for time in (1.0, 2.0, 4.0)])
    slow = Measured(EXPOSED, LEGACY, [Timing(10, 0, 1.0, 1.0, time) for time in (3.0, 4.0, 40.0)])
    ours, theirs = write_results([fast, slow])
    expected = {"name": "gatelet, exposures", "value": 2e5, "unit": "us/check", "platform": describe_platform()}
    assert ours == {**expected, "ratio_to": "legacy", "ratio": 3.0}
    assert (theirs["ratio_to"], theirs["ratio"]) == (None, None)
