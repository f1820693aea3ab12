"""`gatelet evaluate`: answer many questions about one spec, a JSON line each."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from publisher.answers.evaluate_lines import answer_lines
from publisher.files import read_id_lists, read_project


def run(
    spec: Annotated[Path, typer.Option(help="Spec file, in the v1 or the v2 form.")],
    now: Annotated[int, typer.Option(help="The time to evaluate at, in milliseconds since 1970.")],
    id_list: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="An ID list the spec may ask for; give one per list.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="TIER", help="Environment tier of users without one.")
    ] = None,
) -> None:
    """Answer the questions on standard input: JSON lines, users first, then one answer for each case.

    For example: gatelet evaluate --spec spec.json --now 1760000000000 < questions.jsonl > answers.jsonl
    """
    project = read_project(spec)
    lists = read_id_lists(id_list or [])
    lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8")
    # A lone surrogate, which UTF-8 cannot hold, leaves as the escape that JSON has for it.
    answers = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="backslashreplace")
    for answer in answer_lines(project, lines, now_ms=now, id_lists=lists, environment=environment):
        answers.write(answer + "\n")
    answers.flush()
