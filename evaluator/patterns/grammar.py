"""Read a pattern in the dialect of the official core: Rust's regex syntax with look-around, backreferences and more.

A descent through the grammar; it raises `BadPattern` where the core would not compile. Two habits differ from Python:
flags set inside a group stay set after it, and a brace that starts no repetition is a literal.
"""

import re
from collections.abc import Callable
from typing import ClassVar

from evaluator.patterns.characters import find_case_variants, ignore_case
from evaluator.patterns.classes import BadPattern, read_class
from evaluator.patterns.escapes import HEX_DIGITS, LITERALS, read_hex, read_set_escape
from evaluator.patterns.measure import measure
from evaluator.patterns.tree import (
    EMPTY,
    HARD_EXACTS,
    KEEP,
    SEARCH_START,
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

MAX_DEPTH = 64
FLAGS = "imsUx"

_REPEAT = re.compile(r"\{(?:([0-9]+)(,?)([0-9]*)|,([0-9]*))\}")
_LOOKS = {"?=": "=", "?!": "!", "?<=": "<=", "?<!": "<!"}
_NAMED_GROUPS = {"?<": ">", "?'": "'", "?P<": ">"}
_NAME = re.compile(r"\w+")
_QUOTES = {"<": ">", "'": "'"}

_WORD_EDGE = WordEdge(((True, False), (False, True)))
_NO_WORD_EDGE = WordEdge(((True, True), (False, False)))
_WORD_START = WordEdge(((False, True),))
_WORD_END = WordEdge(((True, False),))
_EDGES = {
    "start": _WORD_START,
    "end": _WORD_END,
    "start-half": WordEdge(((False, None),)),
    "end-half": WordEdge(((None, False),)),
}
_ANCHORS: dict[str, Node] = {
    "A": Exact(r"\A"),
    "z": Exact(r"\Z"),
    "Z": Look(Exact(r"\n*\Z"), "="),
    "<": _WORD_START,
    ">": _WORD_END,
    "K": KEEP,
    "G": SEARCH_START,
    "O": Exact("(?s:.)", 1),
}


class Reader:
    """A pattern being read: the position, the flags in force, and the groups seen so far."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags: frozenset[str] = frozenset()
        self.depth = 0
        self.groups = 0
        self.names: dict[str, int] = {}
        self.references: set[int] = set()
        self.has_numbers = False

    def read(self) -> Node:
        """Read the whole pattern."""
        node = self._read_choice()
        if self.at < len(self.pattern):
            raise BadPattern("more after the end")
        if any(not 0 < group <= self.groups for group in self.references):
            raise BadPattern("a reference to no group")
        measure(node, self.references)
        return node

    def _starts(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        found = self._starts(text)
        if found:
            self.at += len(text)
        return found

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise BadPattern(f"{text} expected")

    def _skip(self) -> None:
        """Pass over comments, and with flag `x` over blanks."""
        while self.at < len(self.pattern):
            if self._starts("(?#"):
                self._skip_comment()
            elif "x" in self.flags and self.pattern[self.at] in " \r\n\t":
                self.at += 1
            elif "x" in self.flags and self._starts("#"):
                end = self.pattern.find("\n", self.at)
                self.at = len(self.pattern) if end < 0 else end + 1
            else:
                return

    def _skip_comment(self) -> None:
        comment = re.compile(r"\(\?#(?:\\.|[^)\\])*\)", re.DOTALL).match(self.pattern, self.at)
        if comment is None:
            raise BadPattern("an open comment")
        self.at = comment.end()

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

    def _literal(self, character: str) -> Node:
        return One(find_case_variants(character).__contains__) if "i" in self.flags else Exact(re.escape(character), 1)

    def _read_dot(self) -> Node:
        self.at += 1
        return Exact("(?s:.)", 1) if "s" in self.flags else Exact(".", 1)

    def _read_start(self) -> Node:
        self.at += 1
        return Exact("(?m:^)") if "m" in self.flags else Exact(r"\A")

    def _read_end(self) -> Node:
        self.at += 1
        return Exact("(?m:$)") if "m" in self.flags else Exact(r"\Z")

    def _read_class(self) -> Node:
        accepts, self.at = read_class(self.pattern, self.at, ignores_case="i" in self.flags)
        return One(accepts)

    def _read_escape(self) -> Node:
        self.at += 1
        if self.at == len(self.pattern):
            raise BadPattern("nothing after \\")
        mark = self.pattern[self.at]
        if mark in "0123456789":
            return self._read_number()
        found = read_set_escape(self.pattern, self.at)
        if found is not None:
            accepts, self.at = found
            return One(ignore_case(accepts) if "i" in self.flags else accepts)
        self.at += 1
        if mark in HEX_DIGITS:
            self._skip()
            character, self.at = read_hex(self.pattern, self.at, HEX_DIGITS[mark])
            return self._literal(character)
        return self._read_letter(mark)

    def _read_letter(self, mark: str) -> Node:
        """Read an escape by the character behind the backslash, which stands for itself if it is no letter."""
        if mark in _ANCHORS:
            return _ANCHORS[mark]
        if mark in "bB":
            return self._read_word_edge(mark)
        if mark == "k":
            return self._read_named_reference(_QUOTES.get(self.pattern[self.at : self.at + 1], ""))
        if mark.isascii() and mark.isalpha() and mark not in LITERALS:
            raise BadPattern(f"unknown escape \\{mark}")
        return Exact(re.escape(LITERALS.get(mark, mark)), 1)

    def _read_word_edge(self, mark: str) -> Node:
        start = self.at
        self._skip()
        if self._take("{"):
            self._skip()
            if self.at == len(self.pattern) or self.pattern[self.at] not in "0123456789,":
                name, closed, _ = self.pattern[self.at :].partition("}")
                if mark == "B" or not closed or name.strip() not in _EDGES:
                    raise BadPattern("unknown word edge")
                self.at += len(name) + 1
                return _EDGES[name.strip()]
        self.at = start
        return _WORD_EDGE if mark == "b" else _NO_WORD_EDGE

    def _read_number(self) -> Node:
        digits = re.compile("[0-9]+").match(self.pattern, self.at)
        number = digits[0] if digits else ""
        if len(number) > 6 or int(number) >= len(self.pattern.encode(errors="surrogatepass")) // 2:
            raise BadPattern("a reference to no group")
        self.at += len(number)
        self.has_numbers = True
        return self._refer_to(int(number))

    def _refer_to(self, group: int) -> Backreference:
        self.references.add(group)
        return Backreference(group, "i" in self.flags)

    def _read_named_reference(self, close: str) -> Node:
        """Read a name, number or relative number between its marks; it must be known by now."""
        self.at += 1
        match = re.compile(r"([+-]?)(\w+)").match(self.pattern, self.at)
        if not close or match is None:
            raise BadPattern("a reference without a name")
        self.at = match.end()
        self._expect(close)
        return self._resolve(match[1], match[2])

    def _resolve(self, sign: str, name: str) -> Node:
        if not sign and name in self.names:
            return self._refer_to(self.names[name])
        if not name.isascii() or not name.isdecimal() or len(name) > 6:
            raise BadPattern("a reference to an unknown name")
        number = int(name)
        if sign:
            if number == 0:
                raise BadPattern("a reference to no group")
            number = self.groups + number if sign == "+" else self.groups - number + 1
        return self._refer_to(number)

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
        if mark in _QUOTES and mark:
            reference = self._read_named_reference(_QUOTES[mark])
            self._expect(")")
            return reference
        if mark and mark in "+-0123456789":
            self.at -= 1
            return self._read_named_reference(")")
        return self._read_to_close()

    _ATOMS: ClassVar[dict[str, Callable[["Reader"], Node]]] = {
        ".": _read_dot,
        "^": _read_start,
        "$": _read_end,
        "(": _read_group,
        "[": _read_class,
        "\\": _read_escape,
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
