"""How deep a JSON text nests, told before it is decoded.

CPython's decoder recurses in C, and in the component it runs out of stack before it can raise RecursionError: measured,
1,000 levels decode, and past 1,400 to 2,000, by build and kind, the sandbox ends with a trap that no Python can
catch. So depth is told from the text. The limit is the one of the official core's own decoder.
"""

import re
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

NESTING_LIMIT: Final = 127

_OPENERS: Final = b"[{"
_CLOSERS: Final = b"]}"
_STEPS: Final = bytes.maketrans(_OPENERS + _CLOSERS, b"\x01\x01\xff\xff")
_REST: Final = bytes(byte for byte in range(256) if byte not in _OPENERS + _CLOSERS)
_STRIDE: Final = 16
_find_strings: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)


def is_nested_too_deeply(text: bytes) -> bool:
    """Tell whether a JSON text from outside nests deeper than the limit, brackets inside strings left out."""
    if text.count(b"[") + text.count(b"{") <= NESTING_LIMIT:
        return False
    return exceeds_limit(steps_of(_find_strings.sub(b"", text)))


def looks_nested_too_deeply(text: bytes) -> bool:
    """Tell the same of a spec, whose writer we trust, and nearly always without looking at all of it.

    It is looked at when it was cut off, or where so many levels close without one that opens. In a text on one line
    nothing stands between these, and a sample of its bytes shows them. Of 400 KB, all bytes would take a twentieth of
    the time that reading the spec takes.
    """
    return (was_cut_off(text) or closes_many(text)) and is_nested_too_deeply(text)


def was_cut_off(text: bytes) -> bool:
    """Tell whether a text does not end as an object does."""
    return not text[-_STRIDE:].rstrip().endswith(b"}")


def closes_many(text: bytes) -> bool:
    """Tell whether more levels than may be close without one that opens."""
    if b"\n" in text[:_STRIDE]:
        return b"\xff" * (NESTING_LIMIT + 1) in text.translate(_STEPS, _REST)
    return b"\xff" * ((NESTING_LIMIT + 1) // _STRIDE) in text[::_STRIDE].translate(_STEPS)


def steps_of(text: bytes) -> Iterable[int]:
    """Return 1 for each opening bracket and -1 for each closing one."""
    return memoryview(text.translate(_STEPS, _REST)).cast("b")


def exceeds_limit(steps: Iterable[int]) -> bool:
    """Tell whether the running sum passes the limit; all of it runs in C and stops at the first sum that does."""
    return next(filter(NESTING_LIMIT.__lt__, accumulate(steps)), None) is not None
