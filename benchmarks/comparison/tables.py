"""What a run leaves behind for people: tables, on the terminal and in Markdown.

A case without figures has a number in their place; why, stands in a list below the table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rich import box
from rich.table import Table

from benchmarks.comparison.plan import Case, Outcome
from benchmarks.comparison.setting import Setting
from benchmarks.comparison.store_costs import StoreCost
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

FIGURES: Final = ((P50, 2), (P95, 2), (RATE, 0), (FAULTS, 0), (CPU, 2))  # with how many digits
COSTS: Final = ("Mfuel", "look-ups", "KB read")
CASE: Final = ("service", "asked", "spec", "conn.")
HEAD: Final = (*CASE, "p50 ms", "p95 ms", "per s", "faults", "CPU ms", *COSTS, "right", "rate")
PROMISES: Final = ("figure", "of", "by that of", "promised", "measured", "verdict")
NATIVE: Final = ("evaluator, how it is asked", "us a check", "faster than", "times")
LEGEND: Final = (
    "p50 and p95: milliseconds until the reply. per s: replies a second. faults and CPU: page faults and processor "
    "time of the server's process a request, with what follows the reply and with the thread of Viceroy's that never "
    "rests (0.15 to 0.2 of a processor). Mfuel: millions of instructions until the reply, counted in the embedded "
    "host. look-ups and KB read: in the KV store, until the reply. right: answers (of an initialize response, values) "
    "that are the official core's. rate: per s by that of statsig-node-lite."
)


class Results(NamedTuple):
    """Everything that a run found."""

    setting: Setting
    outcomes: Mapping[Case, Outcome]
    verdicts: Sequence[Verdict]
    costs: Mapping[Case, StoreCost]
    native: Sequence[Mapping[str, Any]]


def list_failures(outcomes: Mapping[Case, Outcome]) -> list[str]:
    """List why cases have no figures, each reason once; its number in the table is its place, from 1."""
    return list(dict.fromkeys(outcome.failure for outcome in outcomes.values() if outcome.failure))


def write_rows(results: Results) -> list[list[str]]:
    """Return the cells of every case."""
    failures = list_failures(results.outcomes)
    return [
        [
            *(case.service, case.question, case.spec, str(case.connections)),
            *write_figures(outcome, failures),
            *write_cost(results.costs.get(case._replace(connections=1))),
            write_agreement(outcome),
            write_rate(case, results.outcomes),
        ]
        for case, outcome in results.outcomes.items()
    ]


def write_figures(outcome: Outcome, failures: Sequence[str]) -> list[str]:
    """Return the figures of a case, or in their place the number of the reason why there are none."""
    if outcome.loads:
        return [f"{outcome.summarize(figure.of):.{digits}f}" for figure, digits in FIGURES]
    number = f"none [{failures.index(outcome.failure) + 1}]" if outcome.failure else "none"
    return [number, *[""] * (len(FIGURES) - 1)]


def write_cost(cost: StoreCost | None) -> list[str]:
    """Return what repeats, of a fresh check."""
    if cost is None:
        return [""] * len(COSTS)
    fuel = "" if cost.fuel is None else f"{cost.fuel / 1e6:.2f}"
    return [fuel, str(cost.lookups), f"{cost.read_bytes / 1000:.1f}"]


def write_agreement(outcome: Outcome) -> str:
    """Return how many answers are right, of how many."""
    found = outcome.agreement
    return "" if found is None else f"{found.alike}/{found.asked}"


def write_rate(case: Case, outcomes: Mapping[Case, Outcome]) -> str:
    """Return how many times the replies a second of statsig-node-lite."""
    baseline = find_baseline(case)
    ratio = find_ratio(outcomes, RATE, case, baseline) if baseline in outcomes and baseline else None
    return "" if ratio is None else f"{ratio:.2f}"


def write_verdicts(verdicts: Iterable[Verdict]) -> list[list[str]]:
    """Return the cells of every promise."""
    return [
        [
            *(one.promise.figure.name, describe_case(one.promise.ours), describe_case(one.promise.theirs)),
            *(one.promise.describe_bound(), one.describe_ratio(), one.describe_outcome()),
        ]
        for one in verdicts
    ]


def write_native(rows: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return the cells of the comparison on CPython."""
    return [
        [
            row["name"],
            f"{row['value']:.2f}",
            row["ratio_to"] or "",
            "" if row["ratio"] is None else f"{row['ratio']:.2f}",
        ]
        for row in rows
    ]


def show(head: Sequence[str], rows: Iterable[Sequence[str]], title: str) -> Table:
    """Return a table to print."""
    table = Table(*head, title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.no_wrap = True
    for row in rows:
        table.add_row(*row)
    return table


def show_all(results: Results) -> list[Table | str]:
    """Return everything to print, the verdicts last."""
    failures = list_failures(results.outcomes)
    return [
        results.setting.describe(),
        show(HEAD, write_rows(results), "Beside the peers"),
        LEGEND,
        *(f"[{number}] {' '.join(why.split())}" for number, why in enumerate(failures, 1)),
        show(NATIVE, write_native(results.native), "The evaluator alone, on this Python"),
        show(PROMISES, write_verdicts(results.verdicts), "Promises"),
    ]


def write_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_markdown(results: Results) -> str:
    """Return everything as a page."""
    failures = list_failures(results.outcomes)
    parts = [
        "# A run of `make bench`",
        results.setting.describe(),
        "## Promises",
        write_table(PROMISES, write_verdicts(results.verdicts)),
        "## Beside the peers",
        LEGEND,
        write_table(HEAD, write_rows(results)),
        *(f"- [{number}] `{' '.join(why.split()).replace('`', ' ')}`" for number, why in enumerate(failures, 1)),
        "## The evaluator alone",
        write_table(NATIVE, write_native(results.native)),
    ]
    return "\n\n".join(parts) + "\n"
