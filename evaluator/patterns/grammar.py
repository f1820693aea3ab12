"""Read a pattern in the dialect of the official core: Rust's regex syntax with look-around, backreferences and more.

A descent through the grammar; it raises `BadPattern` where the core would not compile. Two habits differ from Python:
flags set inside a group stay set after it, and a brace that starts no repetition is a literal.
"""

import re
from collections.abc import Callable
from typing import ClassVar

from evaluator.patterns.atoms import QUOTES, AtomReader
from evaluator.patterns.classes import BadPattern
from evaluator.patterns.measure import measure
from evaluator.patterns.tree import (
    EMPTY,
    HARD_EXACTS,
    Atomic,
    Backreference,
    Choice,
    Conditional,
    Exact,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
)

MAX_DEPTH = 64
FLAGS = "imsUx"
_REPEAT = re.compile(r"\{(?:([0-9]+)(,?)([0-9]*)|,([0-9]*))\}")
_LOOKS = {"?=": "=", "?!": "!", "?<=": "<=", "?<!": "<!"}
_NAMED_GROUPS = {"?<": ">", "?'": "'", "?P<": ">"}
_NAME = re.compile(r"\w+")


class Reader(AtomReader):
    """Reads choices, sequences, repetitions and groups."""

    def read(self) -> Node:
        """Read the whole pattern."""
        node = self._read_choice()
        if self.at < len(self.pattern):
            raise BadPattern("more after the end")
        if any(not 0 < group <= self.groups for group in self.references):
            raise BadPattern("a reference to no group")
        measure(node, self.references)
        return node

    def _read_choice(self) -> Node:
        items = [self._read_sequence()]
        self._skip()
        while self._take("|"):
            items.append(self._read_sequence())
            self._skip()
        if len(items) > 1:
            return Choice(tuple(items))
        if self.has_numbers and self.names:
            raise BadPattern("references by number beside named groups")
        return items[0]

    def _read_sequence(self) -> Node:
        items: list[Node] = []
        while self.at < len(self.pattern):
            start = self.at
            item = self._read_repeated()
            if self.at == start:
                break
            if item is not EMPTY:
                items.append(item)
        return items[0] if len(items) == 1 else Sequence(tuple(items)) if items else EMPTY

    def _read_repeated(self) -> Node:
        item = self._read_atom()
        self._skip()
        bounds = self._read_bounds()
        if bounds is None:
            return item
        if item is EMPTY or isinstance(item, Look) or item in HARD_EXACTS:
            raise BadPattern("nothing to repeat")
        least, most = bounds
        if most is not None and least > most:
            raise BadPattern("an empty range of repetitions")
        self._skip()
        is_greedy = not self._take("?")
        node = Repeat(item, least, most, is_greedy is not ("U" in self.flags))
        return Atomic(node) if self._take("+") else node

    def _read_bounds(self) -> tuple[int, int | None] | None:
        for mark, bounds in (("?", (0, 1)), ("*", (0, None)), ("+", (1, None))):
            if self._take(mark):
                return bounds
        match = _REPEAT.match(self.pattern, self.at)
        if match is None:
            return None
        self.at = match.end()
        least, comma, most, most_alone = match.groups()
        if least is None:
            return 0, int(most_alone) if most_alone else None
        return int(least), int(most) if most else None if comma else int(least)

    def _read_atom(self) -> Node:
        self._skip()
        if self.at == len(self.pattern) or self.pattern[self.at] in "+*?|)":
            return EMPTY
        reader = self._ATOMS.get(self.pattern[self.at])
        if reader is not None:
            return reader(self)
        self.at += 1
        return self._literal(self.pattern[self.at - 1])

    def _read_group(self) -> Node:
        self.depth += 1
        if self.depth >= MAX_DEPTH:
            raise BadPattern("nested too deeply")
        self.at += 1
        self._skip()
        node = self._read_group_content()
        self.depth -= 1
        return node

    def _read_group_content(self) -> Node:
        for mark, sign in _LOOKS.items():
            if self._take(mark):
                return Look(self._read_to_close(), sign)
        for mark, close in _NAMED_GROUPS.items():
            if self._take(mark):
                self._read_name(close)
                return self._read_capture()
        for mark, reader in self._QUESTIONS.items():
            if self._take(mark):
                return reader(self)
        self.groups += 1
        return self._read_capture()

    def _read_python_reference(self) -> Node:
        self.at -= 1
        return self._read_named_reference(")")

    def _read_atomic(self) -> Node:
        return Atomic(self._read_to_close())

    def _read_capture(self) -> Node:
        number = self.groups
        return Group(self._read_to_close(), number)

    def _read_name(self, close: str) -> None:
        name = _NAME.match(self.pattern, self.at)
        if name is None:
            raise BadPattern("a group without a name")
        self.at = name.end()
        self._expect(close)
        self.groups += 1
        self.names[name[0]] = self.groups

    def _read_to_close(self) -> Node:
        node = self._read_choice()
        self._skip()
        self._expect(")")
        return node

    def _read_flags(self) -> Node:
        """Read `(?flags)`, which is in force until changed, or `(?flags:…)`."""
        before, start, on = self.flags, self.at, True
        while True:
            self._skip()
            mark = self.pattern[self.at : self.at + 1]
            self.at += 1
            if mark == ":" and (on or self.at > start + 2):
                node = self._read_choice()
                self._expect(")")
                self.flags = before
                return node
            if mark == ")" and self.at > start + 1 + (not on):
                return EMPTY
            if mark == "-" and on:
                on = False
            elif mark and mark in FLAGS:
                self.flags = self.flags | {mark} if on else self.flags - {mark}
            elif mark != "u" or not on:
                raise BadPattern("unknown flag")

    def _read_conditional(self) -> Node:
        condition = self._read_condition()
        start = self.at
        body = self._read_choice()
        if self.at == start and not isinstance(condition, Backreference):
            raise BadPattern("a condition without branches")
        self._skip()
        self._expect(")")
        then, *others = body.items if isinstance(body, Choice) else (body,)
        otherwise: Node = Choice(tuple(others)) if others else EMPTY
        if self.at == start + 1:
            otherwise = Exact("(?!)")
        return Conditional(condition, then, otherwise)

    def _read_condition(self) -> Node:
        mark = self.pattern[self.at : self.at + 1]
        if mark in QUOTES and mark:
            reference = self._read_named_reference(QUOTES[mark])
            self._expect(")")
            return reference
        if mark and mark in "+-0123456789":
            self.at -= 1
            return self._read_named_reference(")")
        return self._read_to_close()

    _ATOMS: ClassVar[dict[str, Callable[["Reader"], Node]]] = {
        ".": AtomReader.read_dot,
        "^": AtomReader.read_start,
        "$": AtomReader.read_end,
        "(": _read_group,
        "[": AtomReader.read_set,
        "\\": AtomReader.read_escape,
    }
    _QUESTIONS: ClassVar[dict[str, Callable[["Reader"], Node]]] = {
        "?P=": _read_python_reference,
        "?>": _read_atomic,
        "?(": _read_conditional,
        "?": _read_flags,
    }


def read_pattern(pattern: str) -> Node:
    """Read a pattern into a tree."""
    return Reader(pattern).read()
