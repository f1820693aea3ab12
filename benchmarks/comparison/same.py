"""Tell whether two runs gave the same verdicts: `python -m benchmarks.comparison.same OLD.json NEW.json`."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.comparison.report import PROMISE

type Measurement = Mapping[str, Any]


def find_verdicts(measurements: Iterable[Measurement]) -> dict[str, Measurement]:
    """Return the verdicts of a results file by what was promised."""
    promised = [one for one in measurements if one["name"].startswith(PROMISE)]
    return {f"{one['name']} : {one['ratio_to']} ({one['unit']})": one for one in promised}


def find_differences(old: Iterable[Measurement], new: Iterable[Measurement]) -> Iterator[str]:
    """Yield a line for every promise that only one run judged, or that became of another verdict."""
    before, after = find_verdicts(old), find_verdicts(new)
    for name in sorted(before.keys() | after.keys()):
        said = [describe(one.get(name)) for one in (before, after)]
        if is_kept(before.get(name)) is not is_kept(after.get(name)):
            yield f"{name}: {said[0]}, then {said[1]}"


def is_kept(verdict: Measurement | None) -> bool | None:
    """Tell whether a promise was kept; None when the run did not judge it."""
    return None if verdict is None else bool(verdict["value"])


def describe(verdict: Measurement | None) -> str:
    """Say what became of a promise in a run."""
    if verdict is None:
        return "not judged"
    return f"{'kept' if verdict['value'] else 'BROKEN'} at {verdict['ratio']}"


def main() -> int:
    """Compare, print, and return 1 when the runs differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison.same", description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    arguments = parser.parse_args()
    old, new = (json.loads(file.read_bytes()) for file in (arguments.old, arguments.new))
    differences = list(find_differences(old, new))
    print("\n".join(differences) or f"the same {len(find_verdicts(new))} verdicts")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
