"""Classes in brackets: nested, combined by `&&`, `--` and `~~`, and with names such as `[:alpha:]`.

The core finds the end of a class by counting brackets, and only then reads what is inside.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from evaluator.patterns.characters import Predicate, between, equal_to, find_ascii_class, ignore_case, negate
from evaluator.patterns.escapes import HEX_DIGITS, LITERALS, BadPattern, read_hex, read_set_escape

__all__ = ["BadPattern", "read_class"]

_NAMED = re.compile(r"\[:(\^?)([^:]*):\]")
# Letters that may stand behind a backslash as themselves; they are anchors outside of brackets.
_PLAIN_LETTERS = "kAzBKG"
_OPERATORS: dict[str, Callable[[bool, bool], bool]] = {
    "&&": lambda left, right: left and right,
    "--": lambda left, right: left and not right,
    "~~": lambda left, right: left != right,
}


class Item(NamedTuple):
    """A set, and the character it consists of if it can begin or end a range."""

    accepts: Predicate
    literal: str | None = None


def read_class(pattern: str, at: int, *, ignores_case: bool) -> tuple[Predicate, int]:
    """Read the class whose bracket opens at `at`; return what it accepts and where it ends."""
    end = _find_end(pattern, at)
    reader = ClassReader(pattern[:end], at, ignores_case=ignores_case)
    accepts = reader.read_brackets()
    if reader.at != end:
        raise BadPattern("more after a class")
    return accepts, end


def _find_end(pattern: str, at: int) -> int:
    """Find where a class ends; a bracket right after the opening one is a literal."""
    at += 2 if pattern.startswith("[^", at) else 1
    at += pattern.startswith("]", at)
    depth = 1
    while depth:
        if at >= len(pattern):
            raise BadPattern("an open class")
        depth += {"[": 1, "]": -1}.get(pattern[at], 0)
        at = _find_escape_end(pattern, at) if pattern[at] == "\\" else at + 1
    return at


def _find_escape_end(pattern: str, at: int) -> int:
    return ClassReader(pattern, at, ignores_case=False).read_item_end()


class ClassReader:
    """A class being read."""

    def __init__(self, pattern: str, at: int, *, ignores_case: bool) -> None:
        self.pattern = pattern
        self.at = at
        self.ignores_case = ignores_case

    def read_item_end(self) -> int:
        """Return where the item at the position ends."""
        self._read_item()
        return self.at

    def read_brackets(self) -> Predicate:
        """Read from an opening bracket to its closing one."""
        self.at += 1
        is_negated = self._take("^")
        items = []
        while self._take("-"):
            items.append(equal_to("-"))
        if not items and self._take("]"):
            items.append(equal_to("]"))
        accepts = self._fold(self._read_operands(items))
        return negate(accepts) if is_negated else accepts

    def _read_operands(self, items: list[Predicate]) -> Predicate:
        """Read up to the closing bracket; operators are applied from left to right."""
        left: Predicate | None = None
        operator = ""
        while True:
            mark = self.pattern[self.at : self.at + 2]
            if mark in _OPERATORS or mark[:1] == "]":
                right = _unite(items)
                left = right if left is None else _combine(operator, self._fold(left), self._fold(right))
                self.at += len(mark) if mark in _OPERATORS else 1
                if mark not in _OPERATORS:
                    return left
                operator, items = mark, []
            elif mark[:1] == "[":
                items.append(self._read_nested())
            else:
                items.append(self._read_range())

    def _read_nested(self) -> Predicate:
        named = _NAMED.match(self.pattern, self.at)
        accepts = find_ascii_class(named[2]) if named else None
        if named is None or accepts is None:
            return self.read_brackets()
        self.at = named.end()
        folded = self._fold(accepts)
        return negate(folded) if named[1] else folded

    def _read_range(self) -> Predicate:
        first = self._read_item()
        following = self.pattern[self.at : self.at + 2]
        if following[:1] != "-" or following in ("-]", "--"):
            return first.accepts
        self.at += 1
        last = self._read_item()
        if first.literal is None or last.literal is None or first.literal > last.literal:
            raise BadPattern("a malformed range")
        return between(first.literal, last.literal)

    def _read_item(self) -> Item:
        mark = self.pattern[self.at : self.at + 1]
        if not mark:
            raise BadPattern("an open class")
        self.at += 1
        if mark != "\\":
            return Item(equal_to(mark), mark)
        return self._read_escape()

    def _read_escape(self) -> Item:
        if self.at == len(self.pattern):
            raise BadPattern("nothing after \\")
        mark = self.pattern[self.at]
        found = read_set_escape(self.pattern, self.at)
        if found is not None:
            accepts, self.at = found
            return Item(self._fold(accepts) if mark in "pP" else accepts)
        self.at += 1
        if mark in HEX_DIGITS:
            literal, self.at = read_hex(self.pattern, self.at, HEX_DIGITS[mark])
        elif mark == "b":
            literal = "\x08"
        else:
            literal = LITERALS.get(mark, mark)
            if literal == mark and mark.isascii() and mark.isalnum() and mark not in _PLAIN_LETTERS:
                raise BadPattern(f"unknown escape \\{mark}")
        return Item(equal_to(literal), literal)

    def _take(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.at)
        self.at += found
        return found

    def _fold(self, accepts: Predicate) -> Predicate:
        return ignore_case(accepts) if self.ignores_case else accepts


def _unite(items: list[Predicate]) -> Predicate:
    return lambda character: any(accepts(character) for accepts in items)


def _combine(operator: str, left: Predicate, right: Predicate) -> Predicate:
    decide = _OPERATORS[operator]
    return lambda character: decide(left(character), right(character))
