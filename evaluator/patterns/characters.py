r"""Sets of characters as predicates: the classes that a Rust pattern can name, and case-insensitive matching.

Rust and Python name the same classes and mean different characters: Rust's `\w` has combining marks and no superscript
digits, its `\s` lacks the ASCII separators, and `(?i)` knows simple case folding only.
"""

import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache

type Predicate = Callable[[str], bool]


def is_digit(character: str) -> bool:
    r"""Rust's `\d`."""
    return character.isdecimal()


def is_space(character: str) -> bool:
    r"""Rust's `\s`: White_Space, which Python extends by four control characters."""
    return character.isspace() and character not in "\x1c\x1d\x1e\x1f"


def is_word(character: str) -> bool:
    r"""Rust's `\w`: letters, marks, decimal digits, connectors, circled letters, joiners."""
    if character.isascii():
        return character.isalnum() or character == "_"
    category = unicodedata.category(character)
    return (
        category[0] in "LM"
        or category in ("Nd", "Nl", "Pc")
        or character in "\u200c\u200d"
        or is_enclosed_letter(character)
    )


def is_enclosed_letter(character: str) -> bool:
    """Match a letter in a circle or a square, which is alphabetic without being a letter."""
    return (
        "\u24b6" <= character <= "\u24e9"
        or "\U0001f130" <= character <= "\U0001f149"
        or "\U0001f150" <= character <= "\U0001f169"
        or "\U0001f170" <= character <= "\U0001f189"
    )


def is_hex_digit(character: str) -> bool:
    r"""Match what `\h` means: an ASCII hexadecimal digit."""
    return character in string.hexdigits


def negate(predicate: Predicate) -> Predicate:
    """Match what the predicate does not."""
    return lambda character: not predicate(character)


def equal_to(literal: str) -> Predicate:
    """Match one character."""
    return lambda character: character == literal


def between(first: str, last: str) -> Predicate:
    """Match a range of characters, both ends included."""
    return lambda character: first <= character <= last


def ignore_case(predicate: Predicate) -> Predicate:
    """Match a character if it, or one that differs from it by case only, matches."""
    return lambda character: any(map(predicate, find_case_variants(character)))


# Simple folds that `str.casefold` does not give, and variants that changing the case of their fold does not reach.
_FOLDS = {"\u1fd3": "\u0390", "\u1fe3": "\u03b0", "\ufb05": "\ufb06"}
_VARIANTS = {
    "k": "\u212a",
    "s": "\u017f",
    "\u03bc": "\xb5",
    "\xe5": "\u212b",
    "\xdf": "\u1e9e",
    "\u03b9": "\u0345\u1fbe",
    "\u0390": "\u1fd3",
    "\u03b2": "\u03d0",
    "\u03b5": "\u03f5",
    "\u03b8": "\u03d1\u03f4",
    "\u03ba": "\u03f0",
    "\u03c0": "\u03d6",
    "\u03c1": "\u03f1",
    "\u03c3": "\u03c2",
    "\u03c6": "\u03d5",
    "\u03c9": "\u2126",
    "\u03b0": "\u1fe3",
    "\u0432": "\u1c80",
    "\u0434": "\u1c81",
    "\u043e": "\u1c82",
    "\u0441": "\u1c83",
    "\u0442": "\u1c84\u1c85",
    "\u044a": "\u1c86",
    "\u0463": "\u1c87",
    "\ua64b": "\u1c88",
    "\u1e61": "\u1e9b",
    "\ufb06": "\ufb05",
}


def fold_case(character: str) -> str:
    """Fold by Unicode's simple case folding: one character stays one character."""
    folded = character.casefold()
    if len(folded) == 1:
        return folded
    lowered = character.lower()
    return _FOLDS.get(character, lowered if len(lowered) == 1 else character)


@lru_cache(maxsize=1024)
def find_case_variants(character: str) -> frozenset[str]:
    """Find all characters with the same fold, the given one among them."""
    folded = fold_case(character)
    candidates = {character, folded, character.lower(), character.upper(), character.title()}
    candidates |= {folded.upper(), folded.title(), *_VARIANTS.get(folded, "")}
    return frozenset(one for one in candidates if len(one) == 1 and fold_case(one) == folded)


_ASCII_CLASSES: dict[str, str] = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "ascii": "".join(map(chr, range(128))),
    "blank": "\t ",
    "cntrl": "".join(map(chr, range(32))) + "\x7f",
    "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))),
    "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))),
    "punct": string.punctuation,
    "space": string.whitespace,
    "upper": string.ascii_uppercase,
    "word": string.ascii_letters + string.digits + "_",
    "xdigit": string.hexdigits,
}


def find_ascii_class(name: str) -> Predicate | None:
    """Find a class such as `alpha` of `[[:alpha:]]`."""
    members = _ASCII_CLASSES.get(name)
    return None if members is None else members.__contains__
