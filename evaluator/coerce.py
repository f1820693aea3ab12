"""Statsig's conversions of JSON values.

A user's value is compared through views of it: its text, its number, its instant, its elements. The conversions are
those of the official core, which is written in Rust: where Python's own parsers accept more (blanks, underscores,
digits of other scripts) the text is checked by a pattern first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isnan
from typing import Final


class Instant:
    """Now, as `current_time` conditions see it: it has an integer view and no other, and equals null."""

    __slots__ = ("ms",)

    def __init__(self, ms: int) -> None:
        self.ms = ms


I64_MIN: Final = -(2**63)
I64_MAX: Final = 2**63 - 1
U64_MAX: Final = 2**64 - 1
I128_MIN: Final = -(2**127)
I128_MAX: Final = 2**127 - 1

_FLOAT = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE | re.ASCII
)
_INTEGER = re.compile(r"[+-]?[0-9]+")
_WORDS: Final = {None: "null", True: "true", False: "false"}
_encode_text = json.JSONEncoder(ensure_ascii=False).encode
# Longer digit strings cannot be an i128, and Python refuses to read more than 4,300 digits.
_MOST_DIGITS: Final = 60
# Whole numbers up to here are written alike as floats.
_MOST_PLAIN: Final = 10**15


def find_text(value: object) -> str | None:
    """Return the text view: None for null and objects."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict):
        return None
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is int and 0 <= value <= _MOST_PLAIN:
        return str(value)
    if isinstance(value, (int, float)):
        number = find_number(value)
        return None if number is None else write_float(number)
    return write_json(value) if isinstance(value, list) else None


def find_number(value: object) -> float | None:
    """Return the float view: numbers, and texts that are one."""
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return None
    return parse_float(value) if isinstance(value, str) else None


def find_integer(value: object) -> int | None:
    """Return the 64-bit integer view: a number that is one, or a float without a fraction."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Instant):
        return value.ms
    if isinstance(value, int) and I64_MIN <= value <= I64_MAX:
        return value
    number = find_number(value) if isinstance(value, (int, float)) else None
    if number is None or isnan(number):
        return None
    saturated = truncate(number)
    return saturated if float(saturated) == number else None


def truncate(number: float) -> int:
    """Cut to a signed 64-bit integer as Rust's `as i64` does: saturating, NaN is 0."""
    if isnan(number):
        return 0
    if number >= 2.0**63:
        return I64_MAX
    if number <= -(2.0**63):
        return I64_MIN
    return int(number)


def parse_float(text: str) -> float | None:
    """Read a text as the core does: sign, digits, dot, exponent, `inf`, `infinity`, `nan`; nothing around it."""
    return float(text) if _FLOAT.fullmatch(text) else None


def parse_integer(text: str, least: int = I64_MIN, most: int = I64_MAX) -> int | None:
    """Read optional sign and ASCII digits; None outside the range."""
    if not _INTEGER.fullmatch(text):
        return None
    if len(text) > _MOST_DIGITS:
        text = text[0] + text[1:].lstrip("0") if text[0] in "+-" else text.lstrip("0") or "0"
        if text in ("+", "-"):
            return 0
        if len(text) > _MOST_DIGITS:
            return None
    number = int(text)
    return number if least <= number <= most else None


def write_float(number: float) -> str:
    """Write the shortest digits without an exponent: `1e21` in full, `1.0` as `1`, `-0.0` as `-0`."""
    if isnan(number):
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "inf" if number > 0 else "-inf"
    text = repr(number)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def write_json(value: object) -> str:
    """Write compact JSON as the core does (floats as 1e21 and 1e-7, integers past 64 bits as floats)."""
    if isinstance(value, str):
        return _encode_text(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return str(value) if I64_MIN <= value <= U64_MAX else _write_json_float(find_number(value))
    if isinstance(value, float):
        return _write_json_float(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_encode_text(key)}:{write_json(child)}" for key, child in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(write_json, value)) + "]"
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _write_json_float(number: float | None) -> str:
    if number is None or number - number != 0:
        return "null"
    text = repr(number)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    if int(exponent) == -5:
        # One place where Python switches to exponents earlier than Rust's writer.
        return format(Decimal(text), "f")
    return f"{mantissa}e{int(exponent)}"
