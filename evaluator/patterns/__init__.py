"""Patterns of `str_matches`: Rust's regular expressions, searched by Python's `re`.

`grammar.py` reads a pattern once, into a tree whose sets of characters are predicates. `emit.py` writes the tree for
`re` over an alphabet: ASCII first, and when a text has other characters, those as well.

Python backtracks where the core mostly does not, so a pattern such as `(a+)+$` can take time exponential in the length
of the text; the core bounds the patterns that need backtracking, and takes running out as no match. Patterns come from
the project's own console, not from visitors.
"""

import re
from collections.abc import Callable

from evaluator.patterns.emit import Emitter
from evaluator.patterns.escapes import BadPattern
from evaluator.patterns.grammar import read_pattern
from evaluator.patterns.tree import Node

ASCII = frozenset(map(chr, range(128)))
MAX_ALPHABET = 512


class Pattern:
    """A pattern with its translation for the alphabet of the texts met so far."""

    def __init__(self, tree: Node) -> None:
        self._tree = tree
        self._alphabet = ASCII
        self._compiled = self._compile()

    def search(self, text: str) -> re.Match[str] | None:
        """Search a text for the pattern."""
        if not text.isascii() and not self._alphabet.issuperset(text):
            known = self._alphabet if len(self._alphabet) < MAX_ALPHABET else ASCII
            self._alphabet = known.union(text)
            self._compiled = self._compile()
        return self._compiled.search(text)

    def _compile(self) -> re.Pattern[str]:
        return re.compile(Emitter(sorted(self._alphabet)).emit(self._tree))


def find_pattern(pattern: str) -> Callable[[str], object] | None:
    """Find the search that a pattern stands for; None when the official core would not compile it."""
    try:
        return Pattern(read_pattern(pattern)).search
    except (BadPattern, re.error, OverflowError, RecursionError):
        return None
