"""Read what commands are pointed at: spec files, ID list files, JSON given as an argument.

A file that cannot be used ends the command with one line that says which and why, and exit status 2.
"""

import json
from pathlib import Path
from typing import NoReturn

import typer


def fail(message: str) -> NoReturn:
    """End the command: what was given cannot be used."""
    typer.echo(f"gatelet: {message}", err=True)
    raise typer.Exit(2)


def read_json(path: Path) -> object:
    """Read a JSON file."""
    try:
        return json.loads(path.read_bytes())
    except OSError as problem:
        fail(f"cannot read {path}: {problem.strerror}")
    except ValueError as problem:
        fail(f"{path} is not JSON: {problem}")


def read_json_argument(text: str, name: str) -> object:
    """Read JSON from an argument, or from the file that `@FILE` names."""
    if text.startswith("@"):
        return read_json(Path(text[1:]))
    try:
        return json.loads(text)
    except ValueError as problem:
        fail(f"{name} is not JSON: {problem}")


def read_id_lists(named: list[str]) -> dict[str, frozenset[str]]:
    """Read `NAME=FILE` arguments into each list's hashes."""
    lists = {}
    for text in named:
        name, separator, path = text.partition("=")
        if not separator:
            fail(f"--id-list {text}: expected NAME=FILE")
        lists[name] = read_id_list(Path(path))
    return lists


def read_id_list(path: Path) -> frozenset[str]:
    """Read an ID list in Statsig's form: a line `+HASH` adds a hash, `-HASH` removes it."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        fail(f"cannot read the ID list {path}: {problem}")
    members: set[str] = set()
    for line in map(str.strip, lines):
        if line.startswith("+"):
            members.add(line[1:])
        elif line.startswith("-"):
            members.discard(line[1:])
    return frozenset(members)
