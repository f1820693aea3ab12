"""Change single tables of a TOML file and leave everything else, comments too, as it is.

A block is a line with a table's header and what follows up to the next one; the first block of a file has no header.
"""

import json
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_HEADER: Final = re.compile(r"^\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$", re.MULTILINE)


class Block(NamedTuple):
    """A table: its header without brackets, and its text with them."""

    header: str
    text: str


def split_blocks(text: str) -> list[Block]:
    """Split a file into its blocks; joined, their texts are the file."""
    found = list(_HEADER.finditer(text))
    headers = ["", *(match.group(1) for match in found)]
    starts = [0, *(match.start() for match in found)]
    ends = [*starts[1:], len(text)]
    return [Block(header, text[start:end]) for header, start, end in zip(headers, starts, ends, strict=True)]


def put_tables(text: str, tables: Mapping[str, Mapping[str, object]], drop: str = "") -> str:
    """Write tables into a file: over those that are there, new ones at the end.

    `drop` names a table that goes first, with all below it.
    """
    kept = [one for one in split_blocks(text) if not (drop and f"{one.header}.".startswith(f"{drop}."))]
    written = dict(tables)
    parts = [write_table(one.header, written.pop(one.header)) if one.header in written else one.text for one in kept]
    body = "".join(parts)
    if body and written and not body.endswith("\n\n"):
        body = body.rstrip("\n") + "\n\n"
    return (body + "".join(write_table(header, table) for header, table in written.items())).rstrip("\n") + "\n"


def write_table(header: str, table: Mapping[str, object]) -> str:
    """Write one table, and an empty line."""
    return "\n".join([f"[{header}]", *(f"{name} = {write_value(value)}" for name, value in table.items()), "", ""])


def write_value(value: object) -> str:
    """Write a text, number, switch or array of these; JSON's form of them is TOML's too."""
    return json.dumps(value)
