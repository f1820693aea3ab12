"""What a run leaves behind for programs: one object per measurement, the same keys in each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

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
PROMISE: Final = "promise: "


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
                **({"failure": outcome.failure} if outcome.failure else {}),
            }


def list_agreements(outcomes: Mapping[Case, Outcome]) -> Iterator[dict[str, Any]]:
    """Yield how many answers of each service are the official core's."""
    for case, outcome in outcomes.items():
        found = outcome.agreement
        if found is None or case.connections > 1:
            continue
        yield {
            "name": f"{describe_case(case)}, right answers",
            "value": found.alike,
            "unit": "answers",
            "ratio_to": f"the official core's {found.asked:,}",
            "ratio": round(found.alike / found.asked, 5),
            **({"failure": found.example} if found.example else {}),
        }


def list_verdicts(verdicts: Sequence[Verdict]) -> Iterator[dict[str, Any]]:
    """Yield one object per promise; its value is whether it is kept."""
    for one in verdicts:
        promise = one.promise
        yield {
            "name": f"{PROMISE}{promise.figure.name} of {describe_case(promise.ours)}",
            "value": one.is_kept,
            "unit": promise.describe_bound(),
            "ratio_to": describe_case(promise.theirs),
            "ratio": None if one.ratio is None else round(one.ratio, 3),
            **({"failure": one.failed} if one.failed else {}),
        }
