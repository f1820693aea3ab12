"""Read what commands are pointed at: spec files, ID list files, JSON given as an argument.

A file that cannot be used raises `Unusable`, which says which and why.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from evaluator.project import Project
from publisher.exit_codes import Unusable


def read_project(path: Path) -> Project:
    """Read a spec file."""
    try:
        return decode_spec(path, path.read_bytes())
    except OSError as problem:
        raise Unusable(f"cannot read {path}: {problem.strerror}") from problem


def decode_spec(path: Path, content: bytes) -> Project:
    """Decode the content of a spec file."""
    try:
        return decode_project(json.loads(content))
    except InvalidSpec as problem:
        raise Unusable(f"{path} is not a spec: {problem}") from problem
    except ValueError as problem:
        raise Unusable(f"{path} is not JSON: {problem}") from problem


def read_json(path: Path) -> object:
    """Read a JSON file."""
    try:
        return json.loads(path.read_bytes())
    except OSError as problem:
        raise Unusable(f"cannot read {path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise Unusable(f"{path} is not JSON: {problem}") from problem


def read_json_argument(text: str, name: str) -> object:
    """Read JSON from an argument, or from the file that `@FILE` names."""
    if text.startswith("@"):
        return read_json(Path(text[1:]))
    try:
        return json.loads(text)
    except ValueError as problem:
        raise Unusable(f"{name} is not JSON: {problem}") from problem


def read_id_lists(named: list[str]) -> dict[str, frozenset[str]]:
    """Read `NAME=FILE` arguments into each list's hashes."""
    lists = {}
    for text in named:
        name, separator, path = text.partition("=")
        if not separator:
            raise Unusable(f"--id-list {text}: expected NAME=FILE")
        lists[name] = read_id_list(Path(path))
    return lists


def read_id_list(path: Path) -> frozenset[str]:
    """Read an ID list in Statsig's form: a line `+HASH` adds a hash, `-HASH` removes it."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise Unusable(f"cannot read the ID list {path}: {problem}") from problem
    return read_members(lines)


def read_members(lines: Iterable[str]) -> frozenset[str]:
    """Apply the lines of an ID list's file."""
    members: set[str] = set()
    for line in map(str.strip, lines):
        if line.startswith("+"):
            members.add(line[1:])
        elif line.startswith("-"):
            members.discard(line[1:])
    return frozenset(members)
