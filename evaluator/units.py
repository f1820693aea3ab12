"""Unit IDs as they go into hashes: one reading for each ID type, which pass percentages and bucket conditions share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from evaluator.bucketing import to_bytes
from evaluator.coerce import find_text
from evaluator.spec import Reading
from evaluator.user import USER_ID

if TYPE_CHECKING:
    from evaluator.spec import Source


@cache  # specs have few
def find_unit(id_type: str) -> Reading:
    """Return the reading of an ID type: the text view, or the empty text, as it goes into a hash."""
    return Reading(make_unit_source(id_type), to_hashed_text)


def make_unit_source(id_type: str) -> Source:
    """Return the source of the raw value."""
    lowered = id_type.lower()
    if lowered == USER_ID:
        return lambda view: view.user.fields.get("userID")
    return lambda view: view.user.find_unit_id(id_type, lowered)


def to_hashed_text(value: object) -> bytes:
    """Return the text view, or the empty text, as it goes into a hash."""
    text = value if type(value) is str else find_text(value) or ""
    return text.encode() if text.isascii() else to_bytes(text)
