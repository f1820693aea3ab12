"""Compare Gatelet with its peers: `make bench`.

    python -m benchmarks.comparison [--spec FILE --gate NAME] [--rounds N] [--seconds S] [--only TEXT]

Writes `benchmarks/results/latest.json`, `docs/plots/` with `--plots`, prints a table and the verdicts, and fails when a
promise is broken.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.comparison import report, services, specs
from benchmarks.comparison.native import compare_evaluators
from benchmarks.comparison.plan import Case, Course, Outcome, list_cases
from benchmarks.comparison.store_costs import count_store_costs
from benchmarks.comparison.verdicts import judge
from devhost.build import ROOT, BuildFailed

RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
TABLE = ROOT / "benchmarks" / "results" / "latest.md"


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--spec", type=Path, help="a v2 spec in the place of the usual one")
    parser.add_argument("--gate", help="the gate to ask of it; its first one without")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument("--only", help="measure the services whose name has this in it, and write nothing")
    parser.add_argument("--plots", type=Path, help="a folder to draw into")
    return parser.parse_args()


def measure(arguments: argparse.Namespace, console: Console) -> dict[Case, Outcome]:
    """Build, start, compare, measure; raises BuildFailed and FileNotFoundError."""
    cases = [case for case in list_cases() if not arguments.only or arguments.only in case.service]
    asked = specs.choose_specs(arguments.spec, arguments.gate)
    built = services.build_services()
    with tempfile.TemporaryDirectory() as folder, Course(built, asked, Path(folder), console.print) as course:
        course.prepare(cases)
        return course.run(cases, arguments.rounds, arguments.seconds)


def write_results(measurements: Sequence[dict[str, Any]], outcomes: dict[Case, Outcome]) -> None:
    """Write what others read."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(measurements, indent=1) + "\n", encoding="utf-8")
    TABLE.write_text(report.write_markdown(outcomes), encoding="utf-8")


def main() -> int:
    """Measure, print, write, judge."""
    arguments = read_arguments()
    console = Console(width=150)
    try:
        outcomes = measure(arguments, console)
    except (BuildFailed, FileNotFoundError) as problem:
        print(f"gatelet: {problem}", file=sys.stderr)
        return 1
    verdicts = judge(outcomes)
    console.print(report.show(outcomes))
    for verdict in verdicts:
        console.print(verdict.describe(), highlight=False)
    if not arguments.only:
        usual = specs.read_usual(arguments.spec, arguments.gate)
        measurements = [*report.list_measurements(outcomes), *report.list_verdicts(verdicts)]
        measurements += [*count_store_costs(usual), *compare_evaluators(usual)]
        write_results(measurements, outcomes)
    if arguments.plots:
        from benchmarks.comparison.plots import draw_all  # noqa: PLC0415  # needs matplotlib, which few have

        draw_all(outcomes, arguments.plots)
    return 0 if all(verdict.is_kept for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
