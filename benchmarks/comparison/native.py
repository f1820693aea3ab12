"""The evaluator on this Python beside Statsig's SDKs, for the same results file; how, says `evaluator_speed.py`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.comparison.specs import AskedSpec
from benchmarks.evaluator_speed import MODES, measure_mode, write_results

ROUNDS, USERS = 1, 1000


def compare_evaluators(spec: AskedSpec) -> Iterator[dict[str, object]]:
    """Yield one object per measurement; the core runs in fresh processes, the one with exposures last."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spec.json"
        file.write_bytes(spec.text)
        for mode in MODES:
            for row in write_results(measure_mode(mode, file, ROUNDS, USERS)):
                yield {**row, "name": f"on CPython: {row['name']}"}
