"""`gatelet doctor`: is everything linked, readable, fresh and allowed? And what to do about what is not."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from publisher.commands.check import FailOn
from publisher.console import Output, show_count
from publisher.doctor.diagnosis import Diagnosis, Verdict
from publisher.doctor.doctoring import examine
from publisher.exit_codes import ExitCode
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import load_profile
from publisher.sources.fetching import open_fetcher
from publisher.store_options import Patience

MARKS = {
    Verdict.GOOD: ("✓", "green"),
    Verdict.WARNING: ("!", "yellow"),
    Verdict.ERROR: ("✗", "bold red"),
    Verdict.SKIPPED: ("·", "dim"),
}
PATIENCE_S = 5.0


def run(
    fail_on: Annotated[FailOn, typer.Option(help="From what on the exit code is not 0.")] = FailOn.ERROR,
    patience: Patience = PATIENCE_S,
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything that the profile names, and say what to do about what is not right.

    The source, the stores and what is in them, and for Fastly the token, the links of the service, settings, secrets by
    name, the backend of events and /healthz. Nothing is changed.

    For example:

        gatelet doctor

        gatelet doctor --profile staging --json
    """
    output = Output(as_json)
    with open_fetcher() as fetcher:
        examined = examine(load_profile(profile, config), fetcher, patience)
        found = list(output.track(examined, "looking"))
    output.print_result([one._asdict() for one in found], *render(found))
    raise typer.Exit(choose_exit({one.verdict for one in found}, fail_on))


def choose_exit(verdicts: set[Verdict], fail_on: FailOn) -> ExitCode:
    """Return the exit code for what was found."""
    if Verdict.ERROR in verdicts and fail_on is not FailOn.NEVER:
        return ExitCode.FOUND
    return ExitCode.WARNED if Verdict.WARNING in verdicts and fail_on is FailOn.WARNING else ExitCode.DONE


def render(found: list[Diagnosis]) -> Iterator[Text]:
    """Yield a line for each thing, with what to do below it."""
    for one in found:
        mark, colour = MARKS[one.verdict]
        yield Text.assemble((f"{mark} ", colour), (one.what, "bold"), f": {one.seen}")
        if one.advice:
            yield Text(f"    → {one.advice}", "dim")
    errors, warnings = (sum(one.verdict is verdict for one in found) for verdict in (Verdict.ERROR, Verdict.WARNING))
    sum_up = f"{show_count(errors, 'error')}, {show_count(warnings, 'warning')}"
    yield Text(sum_up if errors or warnings else "all is well", "bold")
