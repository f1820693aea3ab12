"""`gatelet check`: what is wrong with a spec, before users feel it."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from publisher.console import Output, show_count, show_size
from publisher.exit_codes import ExitCode
from publisher.judging.checking import Report, check
from publisher.judging.findings import KINDS, Severity
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import load_profile
from publisher.sources.pulled import read_pulled

SHOWN = 10
COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


class FailOn(StrEnum):
    """From which severity on the exit code is not 0."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


def run(
    spec: Annotated[
        Path | None, typer.Argument(help="A spec file, or a folder that pull wrote; the profile's when left out.")
    ] = None,
    fail_on: Annotated[FailOn, typer.Option(help="From what on the exit code is not 0.")] = FailOn.ERROR,
    show_all: Annotated[bool, typer.Option("--all", help="Show every finding, not the first ten of a kind.")] = False,
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a spec: rules, references, ID lists, sizes against Fastly's limits, CPU time.

    The exit code is 1 with errors, 5 with warnings alone and --fail-on warning, else 0.

    For example:

        gatelet check

        gatelet check spec.json --fail-on warning

        gatelet check --json | jq .weight
    """
    chosen = load_profile(profile, config)
    path = spec or chosen.find_spec()
    report = check(read_pulled(path), chosen.spec_key)
    Output(as_json).print_result(report.to_json(), *render_report(path, report, show_all=show_all))
    raise typer.Exit(choose_exit(report.worst, fail_on))


def choose_exit(worst: Severity | None, fail_on: FailOn) -> ExitCode:
    """Return the exit code for the worst that was found."""
    if worst is Severity.ERROR and fail_on is not FailOn.NEVER:
        return ExitCode.FOUND
    return ExitCode.WARNED if worst is Severity.WARNING and fail_on is FailOn.WARNING else ExitCode.DONE


def render_report(spec: Path, report: Report, *, show_all: bool = False) -> Iterator[Text]:
    """Yield the report for a person, line by line: the worst first, what it weighs last."""
    for code, same in groupby(report.findings, key=lambda one: one.code):
        about, found = KINDS[code], list(same)
        title = f"{about.severity.name.lower()}: {about.title} ({len(found)})"
        yield Text(title, COLOURS[about.severity])
        shown = found if show_all or len(found) <= SHOWN else found[:SHOWN]
        yield from (Text(f"  {one.place}: {one.message}") for one in shown)
        if len(shown) < len(found):
            yield Text(f"  … and {len(found) - len(shown)} more; --all shows them", "dim")
        yield Text(f"  → {about.advice}", "dim")
    yield from render_weight(report)
    yield sum_up(spec, report)


def render_weight(report: Report) -> Iterator[Text]:
    """Yield what a spec that decodes will weigh and cost."""
    weight = report.weight
    if weight is None:
        return
    raw, pages = show_size(weight.raw_bytes), show_size(weight.page_bytes)
    yield Text(
        f"raw: {raw}; a first answer takes about {weight.raw_ms:.1f} ms of CPU time, of the 50 that Fastly gives"
    )
    largest = f"the largest {show_size(weight.largest_page_bytes)}"
    yield Text(
        f"paged: {show_count(weight.pages, 'page')}, {pages}, {largest}; manifest {show_size(weight.manifest_bytes)}"
    )
    heaviest = f"{weight.heaviest}, {show_size(weight.heaviest_bytes)}"
    yield Text(f"  a first answer takes at most about {weight.paged_ms:.1f} ms ({heaviest})")


def sum_up(spec: Path, report: Report) -> Text:
    """Return the last line."""
    numbers = [(one, sum(found.severity is one for found in report.findings)) for one in reversed(Severity)]
    found = ", ".join(show_count(number, one.name.lower()) for one, number in numbers)
    if report.counts is None:
        return Text(f"{spec}: {found}", "bold")
    counted = zip(report.counts.values(), ("gate", "config", "layer"), strict=True)
    held = ", ".join(show_count(number, what) for number, what in counted)
    return Text(f"{spec}: {held}; {found}", "bold")
