"""`gatelet diff`: what a new spec changes, and for how many users."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from publisher.answers.explain_view import show
from publisher.console import Output, make_table
from publisher.exit_codes import ExitCode
from publisher.files import decode_spec, read_members
from publisher.judging.comparing import INDIRECT, Answer, Change, Comparison, Difference, Side, compare
from publisher.judging.samples import make_users, read_users
from publisher.options import AsJson
from publisher.sources.pulled import PulledList, read_pulled

SHOWN = 5


def run(
    old: Annotated[Path, typer.Argument(help="The spec as it is: a file, or a folder that pull wrote.")],
    new: Annotated[Path, typer.Argument(help="The spec as it would be.")],
    users: Annotated[
        Path | None, typer.Option(help="Users, logged events or log_event bodies, one JSON object a line.")
    ] = None,
    generate: Annotated[int, typer.Option(metavar="N", min=1, help="Without --users: make so many up.")] = 10_000,
    now: Annotated[int | None, typer.Option(help="Milliseconds since 1970; the present when left out.")] = None,
    most: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", help="Exit with 1 when an entity changes for more of the users than this."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which entities changed, and how many of a sample of users change group, with examples.

    For example:

        gatelet diff live.json pulled/production

        gatelet diff live.json pulled/production --users .local/events.jsonl

        gatelet diff live.json pulled/production --most 5
    """
    before, after = read_side(old), read_side(new)
    output = Output(as_json)
    sample = read_users(users) if users else make_users([before.project, after.project], generate)
    now_ms = time.time_ns() // 1_000_000 if now is None else now
    found = compare(before, after, output.track(sample, "asking for each user"), now_ms)
    output.print_result(to_json(old, new, found), *render(found, "users" if users else "made-up users"))
    if most is not None and any(share(one, found) > most for one in found.changes):
        raise typer.Exit(ExitCode.FOUND)


def read_side(path: Path) -> Side:
    """Read one side; raises Unusable."""
    pulled = read_pulled(path)
    return Side(decode_spec(path, pulled.spec), read_lists(pulled.lists or {}))


def read_lists(lists: Mapping[str, PulledList]) -> dict[str, frozenset[str]]:
    """Return the hashes of ID lists by name."""
    return {name: read_members(one.content.decode("latin-1").splitlines()) for name, one in lists.items()}


def share(change: Change, found: Comparison) -> float:
    """Return for how many of a hundred users an entity changes."""
    return 100 * change.users / found.users


def to_json(old: Path, new: Path, found: Comparison) -> dict[str, object]:
    """Return the comparison as `--json` has it."""
    return {
        "old": str(old),
        "new": str(new),
        "users": found.users,
        "users_changed": found.users_changed,
        "entities": [one.to_json() for one in found.changes],
    }


def render(found: Comparison, sample: str) -> Iterator[RenderableType]:
    """Yield the comparison for a person."""
    if not found.changes:
        yield "nothing changed"
        return
    rows = [
        (one.kind, one.name, one.how, f"{one.users:,}", f"{share(one, found):.1f} %")
        for one in found.changes
        if one.how != INDIRECT or one.users
    ]
    yield make_table(("Kind", "Name", "Change", "Users", "Share"), rows, numbers=("Users", "Share"))
    for change in found.changes:
        yield from render_details(change)
    silent = sum(one.how == INDIRECT and not one.users for one in found.changes)
    if silent:
        yield Text(f"{silent} more ask something that changed, and change for nobody", "dim")
    yield Text(f"{found.users_changed:,} of {found.users:,} {sample} change group somewhere", "bold")


def render_details(change: Change) -> Iterator[Text]:
    """Yield what changed in an entity, and users that change."""
    if not change.differences and not change.examples:
        return
    yield Text(f"{change.kind} {change.name}", "bold")
    for difference in change.differences[:SHOWN]:
        yield Text(f"  {describe_difference(difference)}")
    if len(change.differences) > SHOWN:
        yield Text(f"  … and {len(change.differences) - SHOWN} more", "dim")
    for example in change.examples:
        was, is_now = describe_answer(example.old), describe_answer(example.new)
        user = example.user.get("userID") or show(example.user)
        yield Text(f"  e.g. {user}: {was} → {is_now}", "dim")


def describe_difference(difference: Difference) -> str:
    """Say what changed in one place."""
    if difference.old is None:
        return f"{difference.path}: added {show(difference.new)}"
    if difference.new is None:
        return f"{difference.path}: removed {show(difference.old)}"
    return f"{difference.path}: {show(difference.old)} → {show(difference.new)}"


def describe_answer(answer: Answer) -> str:
    """Say what a user gets, and by which rule or group."""
    return f"{show(answer.value)} ({answer.group or answer.rule or 'unknown'})"
