"""JSON texts, as the parts of a response are put together from: in ASCII, and without blanks."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quote
from typing import TYPE_CHECKING

from evaluator.coerce import write_json
from evaluator.json_text import read_json, write_json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

# A view is a text without its first character.
type Piece = bytes | memoryview
# A long text is in pieces, to be copied once: copying costs an instruction for each character.
type Text = bytes | list[Piece]


def write_text(value: object) -> str:
    """Write a JSON value; a number that JSON cannot write becomes null, as the core has it.

    In ASCII, so that a lone surrogate in a user's text cannot keep a reply from being encoded.
    """
    if type(value) is str:
        return quote(value)
    if value is True or value is False:
        return "true" if value else "false"
    try:
        return write_json_text(value)
    except ValueError:
        return write_json_text(read_json(write_json(value)))


def encode(value: object) -> bytes:
    """Write a JSON value as `write_text` does, as bytes."""
    return write_text(value).encode("ascii")


def list_members(members: Mapping[bytes, bytes]) -> list[Piece]:
    """Return the pieces of an object's text, from the texts of its keys and values."""
    pieces: list[Piece] = [b"{"]
    for key, text in members.items():
        pieces += (key, b":", text, b",")
    pieces[-1] = b"}" if members else b"{}"
    return pieces
