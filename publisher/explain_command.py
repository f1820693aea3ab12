"""`gatelet explain`: show why a user gets a value, rule by rule."""

import json
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec, InvalidUser
from evaluator.explain import explain
from evaluator.options import Options
from evaluator.user import decode_user
from publisher.explain_view import render_trace
from publisher.files import fail, read_id_lists, read_json, read_json_argument

UNWRAPPED = 10_000


class Kind(StrEnum):
    """What can be asked for."""

    GATE = "gate"
    CONFIG = "config"
    EXPERIMENT = "experiment"
    LAYER = "layer"


def run(
    name: Annotated[str, typer.Argument(metavar="GATE", help="The name of a gate, or of what --kind says.")],
    user: Annotated[str, typer.Option(metavar="JSON", help="The user, as JSON or as @FILE.")],
    spec: Annotated[Path, typer.Option(help="Spec file, in the v1 or the v2 form.")] = Path("examples/spec.json"),
    kind: Annotated[Kind, typer.Option(help="What the name is the name of.")] = Kind.GATE,
    now: Annotated[int | None, typer.Option(help="Milliseconds since 1970; the present when left out.")] = None,
    id_list: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="An ID list the spec may ask for.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="TIER", help="Environment tier of a user without one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the trace as JSON.")] = False,
) -> None:
    """Show why a user gets a value: gatelet explain test_fastly --user '{"userID": "a-user"}'."""
    options = Options(
        environment=None if environment is None else {"tier": environment}, id_lists=read_id_lists(id_list or [])
    )
    try:
        project = decode_project(read_json(spec))
        person = decode_user(read_json_argument(user, "--user"))
    except InvalidSpec as problem:
        fail(f"{spec} is not a spec: {problem}")
    except InvalidUser as problem:
        fail(f"--user: {problem}")
    now_ms = time.time_ns() // 1_000_000 if now is None else now
    trace = explain(project, person, kind.value, name, now_ms=now_ms, options=options)
    if as_json:
        typer.echo(json.dumps(trace, indent=2, default=str))
    else:
        # A file or a pipe has no width to wrap at.
        Console(width=None if sys.stdout.isatty() else UNWRAPPED).print(render_trace(trace))
