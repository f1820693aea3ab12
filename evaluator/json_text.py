"""JSON text as the values that `json.loads` makes of it, for less.

`json.loads` looks for blanks around the value with a pattern, before it and behind it: in the component that costs as
much as a hundred characters of the value. What we and the console write has none before it and nearly never any behind.
So the decoder's scanner in C is asked at once; it raises StopIteration where no value begins.
"""

from __future__ import annotations

import json
from typing import Any, Final

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
