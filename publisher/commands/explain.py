"""`gatelet explain`: show why a user gets a value, rule by rule."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evaluator.errors import InvalidUser
from evaluator.explain import explain
from evaluator.options import Options
from evaluator.user import decode_user
from publisher.answers.explain_view import render_trace
from publisher.console import Output
from publisher.exit_codes import Unusable
from publisher.files import read_id_lists, read_json_argument, read_project
from publisher.options import AsJson


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
    as_json: AsJson = False,
) -> None:
    """Show why a user gets a value: gatelet explain test_fastly --user '{"userID": "a-user"}'."""
    options = Options(
        environment=None if environment is None else {"tier": environment}, id_lists=read_id_lists(id_list or [])
    )
    project = read_project(spec)
    try:
        person = decode_user(read_json_argument(user, "--user"))
    except InvalidUser as problem:
        raise Unusable(f"--user: {problem}") from problem
    now_ms = time.time_ns() // 1_000_000 if now is None else now
    trace = explain(project, person, kind.value, name, now_ms=now_ms, options=options)
    Output(as_json).print_result(trace, render_trace(trace))
