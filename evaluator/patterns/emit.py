"""Write a tree as a pattern for Python's `re`, for texts over a given alphabet.

A set is written as those of its members that the alphabet has. So no table of all characters is ever needed, and
whatever a set means, the result is short and the same on every version of Python.
"""

import re
from collections.abc import Sequence as Characters

from evaluator.patterns.behind import find_fixed_widths
from evaluator.patterns.characters import Predicate, is_word
from evaluator.patterns.tree import (
    Atomic,
    Backreference,
    Choice,
    Conditional,
    Exact,
    Group,
    Look,
    Node,
    One,
    Repeat,
    Sequence,
    WordEdge,
)

NOBODY = r"[^\x00-\U0010ffff]"  # no character, yet one wide: a look behind needs a width
NEVER = "(?!)"


class Emitter:
    """A tree being written; `alphabet` is in rising order."""

    def __init__(self, alphabet: Characters[str]) -> None:
        self.alphabet = alphabet
        self.written = 0
        self.numbers: dict[int, int] = {}  # of the groups closed so far, in Python's count

    def emit(self, node: Node) -> str:
        """Write one node."""
        match node:
            case Exact(text):
                written = text
            case One(accepts):
                written = self._emit_set(accepts)
            case Sequence(items):
                written = "".join(map(self.emit, items))
            case Choice(items):
                written = f"(?:{'|'.join(map(self.emit, items))})"
            case Repeat():
                written = self._emit_repeat(node)
            case _:
                written = self._emit_special(node)
        return written

    def _emit_special(self, node: Group | Atomic | Look | WordEdge | Backreference | Conditional) -> str:
        match node:
            case Group():
                written = self._emit_group(node)
            case Atomic(item):
                written = f"(?>{self.emit(item)})"
            case Look():
                written = self._emit_look(node)
            case WordEdge():
                written = self._emit_word_edge(node)
            case Backreference():
                written = self._emit_backreference(node)
            case Conditional():
                written = self._emit_conditional(node)
        return written

    def _emit_set(self, accepts: Predicate) -> str:
        members = [character for character in self.alphabet if accepts(character)]
        return f"[{''.join(map(_emit_range, _find_ranges(members)))}]" if members else NOBODY

    def _emit_group(self, node: Group) -> str:
        self.written += 1
        number = self.written
        text = f"({self.emit(node.item)})"
        self.numbers.setdefault(node.number, number)
        return text

    def _emit_backreference(self, node: Backreference) -> str:
        """Write a reference; to a group not yet closed it never matches."""
        if node.group not in self.numbers:
            return NEVER
        return f"(?{'i' * node.ignores_case}:\\{self.numbers[node.group]})"

    def _emit_repeat(self, node: Repeat) -> str:
        bounds = f"{{{node.least},{'' if node.most is None else node.most}}}"
        return f"(?:{self.emit(node.item)}){bounds}{'' if node.is_greedy else '?'}"

    def _emit_look(self, node: Look) -> str:
        """Write a look around; Python wants one width to look behind, so alternatives look for themselves."""
        if node.sign not in ("<=", "<!"):
            return f"(?{node.sign}{self.emit(node.item)})"
        looks = [f"(?{node.sign}{self.emit(item)})" for item in find_fixed_widths(node.item)]
        return f"(?:{'|'.join(looks)})" if node.sign == "<=" else "".join(looks)

    def _emit_word_edge(self, node: WordEdge) -> str:
        word = self._emit_set(is_word)
        behind = {True: f"(?<={word})", False: f"(?<!{word})", None: ""}
        ahead = {True: f"(?={word})", False: f"(?!{word})", None: ""}
        return f"(?:{'|'.join(behind[before] + ahead[after] for before, after in node.sides)})"

    def _emit_conditional(self, node: Conditional) -> str:
        """Write a choice; an expression as condition is written twice, the second time to make sure of its absence."""
        if isinstance(node.condition, Backreference):
            number = self.numbers.get(node.condition.group)
            then, otherwise = self.emit(node.then), self.emit(node.otherwise)
            return f"(?:{otherwise})" if number is None else f"(?({number})(?:{then})|(?:{otherwise}))"
        condition, absence = self.emit(node.condition), self.emit(node.condition)
        return f"(?:(?>{condition}){self.emit(node.then)}|(?!{absence}){self.emit(node.otherwise)})"


def _find_ranges(members: list[str]) -> list[tuple[str, str]]:
    ranges: list[tuple[str, str]] = []
    for character in members:
        if ranges and ord(character) == ord(ranges[-1][1]) + 1:
            ranges[-1] = (ranges[-1][0], character)
        else:
            ranges.append((character, character))
    return ranges


def _emit_range(ends: tuple[str, str]) -> str:
    first, last = map(re.escape, ends)
    return first if first == last else f"{first}-{last}"
