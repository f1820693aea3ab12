"""What a run leaves behind: a file for programs, a table for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.table import Table

from benchmarks.comparison.plan import Case, Outcome
from benchmarks.comparison.verdicts import (
    CPU,
    FAULTS,
    P50,
    P95,
    RATE,
    Verdict,
    describe_case,
    find_baseline,
    find_ratio,
)

FIGURES: Final = (P50, P95, RATE, FAULTS, CPU)


def list_measurements(outcomes: Mapping[Case, Outcome]) -> Iterator[dict[str, Any]]:
    """Yield one object per measurement; what failed has no value and says why."""
    for case, outcome in outcomes.items():
        baseline = find_baseline(case)
        if baseline not in outcomes:
            baseline = None
        for figure in FIGURES:
            ratio = find_ratio(outcomes, figure, case, baseline) if baseline else None
            yield {
                "name": f"{describe_case(case)}, {figure.name}",
                "value": round(outcome.summarize(figure.of), 3) if outcome.loads else None,
                "unit": figure.unit,
                "ratio_to": f"{describe_case(baseline)}, {figure.name}" if baseline else None,
                "ratio": None if ratio is None else round(ratio, 3),
                **({"failure": outcome.failure[:500]} if outcome.failure else {}),
            }


def list_verdicts(verdicts: Sequence[Verdict]) -> Iterator[dict[str, Any]]:
    """Yield one object per promise; its value is whether it is kept."""
    for one in verdicts:
        promise = one.promise
        yield {
            "name": f"promise: {promise.figure.name} of {describe_case(promise.ours)}",
            "value": one.is_kept,
            "unit": f"at {'least' if promise.is_least else 'most'} {promise.bound:g}",
            "ratio_to": describe_case(promise.theirs),
            "ratio": None if one.ratio is None else round(one.ratio, 3),
        }


def show(outcomes: Mapping[Case, Outcome]) -> Table:
    """Return the table to print."""
    table = Table(
        "service", "asked", "spec", "conn.", "p50 ms", "p95 ms", "a second", "faults", "CPU ms", "rate : node-lite"
    )
    for case, outcome in outcomes.items():
        table.add_row(*write_row(case, outcome, outcomes))
    return table


def write_row(case: Case, outcome: Outcome, outcomes: Mapping[Case, Outcome]) -> list[str]:
    """Return the cells of a case."""
    named = [case.service, case.question, case.spec, str(case.connections)]
    if not outcome.loads:
        return [*named, "failed", outcome.failure[:60]]
    baseline = find_baseline(case)
    ratio = find_ratio(outcomes, RATE, case, baseline) if baseline in outcomes and baseline else None
    digits = {P50: 2, P95: 2, RATE: 0, FAULTS: 0, CPU: 2}
    cells = [f"{outcome.summarize(figure.of):.{digits[figure]}f}" for figure in FIGURES]
    return [*named, *cells, "" if ratio is None else f"{ratio:.2f} x"]


def write_markdown(outcomes: Mapping[Case, Outcome]) -> str:
    """Return the table for the docs."""
    head = [
        "service",
        "asked",
        "spec",
        "connections",
        "p50 ms",
        "p95 ms",
        "a second",
        "faults",
        "CPU ms",
        "rate : node-lite",
    ]
    rows = [write_row(case, outcome, outcomes) for case, outcome in outcomes.items()]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
