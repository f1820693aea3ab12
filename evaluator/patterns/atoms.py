"""Read what stands for itself in a pattern: characters, classes, escapes, anchors and references to groups.

`AtomReader` also keeps the place in the pattern and what was seen so far; `grammar` builds on it.
"""

import re

from evaluator.patterns.characters import find_case_variants, ignore_case
from evaluator.patterns.classes import BadPattern, read_class
from evaluator.patterns.escapes import HEX_DIGITS, LITERALS, read_hex, read_set_escape
from evaluator.patterns.tree import (
    KEEP,
    SEARCH_START,
    Backreference,
    Exact,
    Look,
    Node,
    One,
    WordEdge,
)

QUOTES = {"<": ">", "'": "'"}
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


class AtomReader:
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

    def _literal(self, character: str) -> Node:
        return One(find_case_variants(character).__contains__) if "i" in self.flags else Exact(re.escape(character), 1)

    def read_dot(self) -> Node:
        """Read a dot."""
        self.at += 1
        return Exact("(?s:.)", 1) if "s" in self.flags else Exact(".", 1)

    def read_start(self) -> Node:
        """Read the start of the text, or of a line."""
        self.at += 1
        return Exact("(?m:^)") if "m" in self.flags else Exact(r"\A")

    def read_end(self) -> Node:
        """Read the end of the text, or of a line."""
        self.at += 1
        return Exact("(?m:$)") if "m" in self.flags else Exact(r"\Z")

    def read_set(self) -> Node:
        """Read a class in brackets."""
        accepts, self.at = read_class(self.pattern, self.at, ignores_case="i" in self.flags)
        return One(accepts)

    def read_escape(self) -> Node:
        """Read what follows a backslash."""
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
            return self._read_named_reference(QUOTES.get(self.pattern[self.at : self.at + 1], ""))
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
