r"""Refuse what the core refuses for its size or shape: too large a program, and looking behind at an unknown distance.

The core hands what it can to an automaton of at most ten megabytes ("easy" pieces), in which every repetition counted
out is a copy: `\w{1,255}` is refused, since Rust's `\w` alone takes fifty kilobytes. The sizes here were measured by
asking the core how often each piece may be repeated; for sets they are estimates within a few per cent.
"""

from collections.abc import Collection
from typing import NamedTuple

from evaluator.patterns.characters import Predicate
from evaluator.patterns.escapes import BadPattern
from evaluator.patterns.tree import (
    HARD_EXACTS,
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

MAX_BYTES = 10 * 2**20

# The size of a set by which of these characters it has: a letter, an ideograph, a symbol, a digit, a wide blank.
_PROBES = "\u0436\u65e5\u2603\u0663\u2003"
_SET_BYTES = {
    (True, True, False, True, False): 50_171,  # \w
    (False, False, True, False, True): 46_603,  # \W
    (True, True, False, False, False): 42_974,  # \p{L}
    (False, False, True, True, True): 43_000,  # \P{L}
    (True, False, False, False, False): 26_546,  # \p{Ll} and the like
    (False, False, False, True, False): 5_125,  # \d
    (True, True, True, False, True): 12_756,  # \D
    (True, True, True, True, False): 1_924,  # \S
    (True, True, True, True, True): 1_000,  # [^a]
    (False, False, False, False, True): 680,  # \s
    (False, False, False, False, False): 88,  # [a-z0-9_]
}
_OTHER_SET_BYTES = 10_000


class Measure(NamedTuple):
    """The least width of what matches, whether all that matches is as wide, whether it is easy, and its size."""

    width: int
    is_fixed: bool
    is_easy: bool
    size: int


def measure(node: Node, referenced: Collection[int]) -> Measure:
    """Measure a node; `referenced` are the groups that backreferences name, which makes them hard."""
    match node:
        case Exact(text, width):
            found = Measure(width, True, node not in HARD_EXACTS, 32 * max(1, len(text.encode())))
        case One(accepts):
            found = Measure(1, True, True, _measure_set(accepts))
        case Sequence(items):
            found = _add([measure(item, referenced) for item in items])
        case Choice(items):
            found = _choose([measure(item, referenced) for item in items])
        case Group(item, number):
            inner = measure(item, referenced)
            found = inner._replace(is_easy=inner.is_easy and number not in referenced, size=inner.size + 64)
        case Repeat():
            found = _multiply(measure(node.item, referenced), node.least, node.most)
        case _:
            found = _measure_hard(node, referenced)
    if found.is_easy and found.size > MAX_BYTES:
        raise BadPattern("too large")
    return found


def _measure_set(accepts: Predicate) -> int:
    has_letter, has_ideograph, has_symbol, has_digit, has_blank = map(accepts, _PROBES)
    return _SET_BYTES.get((has_letter, has_ideograph, has_symbol, has_digit, has_blank), _OTHER_SET_BYTES)


def _add(parts: list[Measure]) -> Measure:
    return Measure(
        sum(part.width for part in parts),
        all(part.is_fixed for part in parts),
        all(part.is_easy for part in parts),
        sum(part.size for part in parts),
    )


def _choose(parts: list[Measure]) -> Measure:
    widths = [part.width for part in parts]
    all_parts = _add(parts)
    return all_parts._replace(width=min(widths), is_fixed=all_parts.is_fixed and len(set(widths)) == 1)


def _multiply(part: Measure, least: int, most: int | None) -> Measure:
    copies = max(1, least) if most is None else most
    return Measure(part.width * least, part.is_fixed and least == most, part.is_easy, (part.size + 40) * copies)


def _measure_hard(node: Atomic | Look | WordEdge | Backreference | Conditional, referenced: Collection[int]) -> Measure:
    """Measure what the core itself matches, by backtracking."""
    if isinstance(node, Look) and node.sign in ("<=", "<!"):
        _check_behind(node, referenced)
    parts = [measure(child, referenced) for child in node.children()]
    if isinstance(node, Atomic):
        return parts[0]._replace(is_easy=False, size=0)
    return Measure(0, isinstance(node, Look | WordEdge), False, 0)


def _check_behind(node: Look, referenced: Collection[int]) -> None:
    """Refuse to look behind for something hard of unknown width; alternatives may differ."""
    inner = measure(node.item, referenced)
    items = node.item.items if isinstance(node.item, Choice) and not inner.is_fixed else (node.item,)
    parts = [measure(item, referenced) for item in items]
    if any(not (part.is_fixed or part.is_easy) for part in parts):
        raise BadPattern("looking behind at an unknown distance")
