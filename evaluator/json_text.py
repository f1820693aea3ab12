"""JSON text as the values that `json.loads` makes of it, and values as text, for less.

`json.loads` looks for blanks around the value with a pattern, before it and behind it: in the component that costs as
much as a hundred characters of the value. What we and the console write has none before it and nearly never any behind.
So the decoder's scanner in C is asked at once; it raises StopIteration where no value begins.
Writing keeps its encoders (`make_writer`).
"""

from __future__ import annotations

import json
from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final, Never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_scan: Final = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # typeshed does not know it
_BLANKS: Final = " \t\n\r"


def read_json(text: str) -> Any:
    """Return the value of a JSON text; raises what `json.loads` raises."""
    try:
        value, end = _scan(text, 0)
    except (json.JSONDecodeError, StopIteration):
        return json.loads(text)  # blanks before the value, or a text that it says better what is wrong with
    if end == len(text) or not text[end:].strip(_BLANKS):
        return value
    return json.loads(text)


def refuse_value(value: object) -> Never:
    """Raise TypeError, as `json.dumps` does."""
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def make_writer(allows_nan: bool) -> Callable[[object, int], Iterable[str]]:
    """Return what lists the pieces of a value's text, compact and in ASCII, so that it stays valid whatever it holds.

    Without `allows_nan` it raises ValueError for a number that JSON cannot write. To be kept: `JSONEncoder.encode`
    makes one on every call, a third of what encoding a reply costs. The last argument of a call is the indentation, 0.
    """
    # No look-out for circles, what is done with other values, how texts are written, no indent, separators, keys
    # neither sorted nor left out.
    made: Callable[[object, int], Iterable[str]] = c_make_encoder(
        None, refuse_value, encode_basestring_ascii, None, ":", ",", False, False, allows_nan
    )
    return made


_write_value: Final = make_writer(False)


def write_json_text(value: object) -> str:
    """Return a value as JSON text, compact and in ASCII; raises ValueError for a number that JSON cannot write."""
    return "".join(_write_value(value, 0))
