"""Compare Gatelet with its peers: `make bench`.

    python -m benchmarks.comparison [--spec FILE --gate NAME] [--rounds N] [--seconds S] [--only TEXT] [--docs]

Writes `benchmarks/results/latest.json` and `latest.md`, with `--docs` the plots and the verdicts of the docs too.
Prints tables and verdicts, and fails when a promise is broken.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.comparison import page, report, services, specs, tables
from benchmarks.comparison.native import compare_evaluators
from benchmarks.comparison.plan import Case, Course, Outcome, list_cases
from benchmarks.comparison.setting import Setting
from benchmarks.comparison.specs import USUAL, AskedSpec
from benchmarks.comparison.store_costs import count_store_costs, list_costs
from benchmarks.comparison.tables import Results
from benchmarks.comparison.verdicts import judge
from devhost.build import ROOT, BuildFailed
from devhost.embedded.fuel import CannotCount

RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
TABLE = RESULTS.with_suffix(".md")
WIDTH = 160


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--spec", type=Path, help="a v2 spec in the place of the usual one")
    parser.add_argument("--gate", help="the gate to ask of it; its first one without")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument("--only", help="measure the services whose name has this in it, and write nothing")
    parser.add_argument("--plots", type=Path, help="a folder to draw into")
    parser.add_argument("--docs", action="store_true", help="write the plots and the verdicts of the docs")
    return parser.parse_args()


def measure(arguments: argparse.Namespace, asked: dict[str, AskedSpec], console: Console) -> Results:
    """Build, start, compare, measure, count; raises BuildFailed, FileNotFoundError and CannotCount."""
    cases = [case for case in list_cases() if not arguments.only or arguments.only in case.service]
    built = services.build_services()
    setting = Setting.find(asked[USUAL], arguments.rounds, arguments.seconds)
    with tempfile.TemporaryDirectory() as folder, Course(built, asked, Path(folder), console.print) as course:
        course.prepare(cases)
        outcomes = course.run(cases, arguments.rounds, arguments.seconds)
    console.print("counting what repeats, and asking the evaluators alone")
    native = () if arguments.only else tuple(compare_evaluators(asked[USUAL]))
    return Results(setting, outcomes, judge(outcomes), count_store_costs(asked), native)


def list_all(results: Results) -> Iterator[dict[str, Any]]:
    """Yield every object of the results file."""
    yield from results.setting.list_measurements()
    yield from report.list_measurements(results.outcomes)
    yield from report.list_agreements(results.outcomes)
    yield from list_costs(results.costs)
    yield from (dict(one) for one in results.native)
    yield from report.list_verdicts(results.verdicts)


def write_results(results: Results) -> None:
    """Write what others read."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(list(list_all(results)), indent=1) + "\n", encoding="utf-8")
    TABLE.write_text(tables.write_markdown(results), encoding="utf-8")


def write_docs(results: Results) -> None:
    """Put the verdicts of this run into the docs."""
    text = page.replace_section(page.PAGE.read_text(encoding="utf-8"), page.write_section(results))
    page.PAGE.write_text(text, encoding="utf-8")


def find_drawing() -> Callable[[Mapping[Case, Outcome], Path], None]:
    """Return what draws the plots; looked for before anything is measured, because few have matplotlib."""
    from benchmarks.comparison.plots import draw_all  # noqa: PLC0415  # for the same reason

    return draw_all


def main() -> int:
    """Measure, print, write, judge."""
    arguments = read_arguments()
    draw = find_drawing() if arguments.docs or arguments.plots else None
    console = Console(width=WIDTH, highlight=False, markup=False)
    try:
        results = measure(arguments, specs.choose_specs(arguments.spec, arguments.gate), console)
    except (BuildFailed, FileNotFoundError, CannotCount) as problem:
        print(f"gatelet: {problem}", file=sys.stderr)
        return 1
    for part in tables.show_all(results):
        console.print(part)
    if not arguments.only:
        write_results(results)
    if arguments.docs:
        write_docs(results)
    if draw is not None:
        draw(results.outcomes, page.PLOTS if arguments.docs else arguments.plots)
    return 0 if all(verdict.is_kept for verdict in results.verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
