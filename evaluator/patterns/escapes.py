"""Escapes that mean a set of characters or one character, inside brackets and outside."""

from evaluator.patterns.characters import Predicate, is_digit, is_hex_digit, is_space, is_word, negate
from evaluator.patterns.properties import find_property


class BadPattern(ValueError):
    """The official core would not compile this."""


LITERALS = {"a": "\x07", "f": "\x0c", "n": "\n", "r": "\r", "t": "\t", "v": "\x0b", "e": "\x1b"}
HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
MAX_HEX_DIGITS = 8

_SETS: dict[str, Predicate] = {
    "d": is_digit,
    "s": is_space,
    "w": is_word,
    "h": is_hex_digit,
}
_SETS |= {mark.upper(): negate(accepts) for mark, accepts in _SETS.items()}


def read_set_escape(pattern: str, at: int) -> tuple[Predicate, int] | None:
    """Read what follows a backslash if it means a set; return it and where it ends."""
    mark = pattern[at]
    if mark in _SETS:
        return _SETS[mark], at + 1
    if mark not in "pP" or at + 1 == len(pattern):
        return None
    end = at + 2
    if pattern[at + 1] == "{":
        end = pattern.find("}", end) + 1
        if end == 0:
            raise BadPattern("an open property")
    accepts = find_property(pattern[at + 1 : end].strip("{}"))
    if accepts is None:
        raise BadPattern("an unknown property")
    return (negate(accepts) if mark == "P" else accepts), end


def read_hex(pattern: str, at: int, digits: int) -> tuple[str, int]:
    """Read a code point: so many digits, or up to eight in braces."""
    text, end = pattern[at : at + digits], at + digits
    if len(text) != digits or not all(map(is_hex_digit, text)):
        text, close, _ = pattern[at + 1 :].partition("}")
        end = at + len(text) + 2
        is_number = 0 < len(text) <= MAX_HEX_DIGITS and all(map(is_hex_digit, text))
        if pattern[at : at + 1] != "{" or not close or not is_number:
            raise BadPattern("a malformed code point")
    code = int(text, 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise BadPattern("no such character")
    return chr(code), end
