"""Looking behind: what a node matches, as alternatives of one width each, since Python looks behind by a fixed width.

Nothing stands to the left of a look behind, so a repetition at its beginning counts only as often as it must. One
further right is counted out, up to `MAX_ALTERNATIVES`; what goes beyond is taken as a pattern that does not compile.
"""

from itertools import product

from evaluator.patterns.escapes import BadPattern
from evaluator.patterns.tree import EMPTY, Choice, Group, Node, Repeat, Sequence

MAX_ALTERNATIVES = 256
MAX_REPETITIONS = 64


def find_fixed_widths(node: Node, *, is_first: bool = True) -> list[Node]:
    """List alternatives that together match what the node matches, each of one width."""
    match node:
        case Choice(items):
            found = [one for item in items for one in find_fixed_widths(item, is_first=is_first)]
        case Sequence(items):
            choices = [find_fixed_widths(item, is_first=is_first and at == 0) for at, item in enumerate(items)]
            _limit(choices)
            found = [Sequence(chosen) for chosen in product(*choices)]
        case Repeat():
            found = _count_out(node, is_first=is_first)
        case Group(item):
            inner = find_fixed_widths(item, is_first=is_first)
            found = [node] if len(inner) == 1 and inner[0] is item else inner
        case _:
            found = [node]
    if len(found) > MAX_ALTERNATIVES:
        raise BadPattern("too many widths to look behind")
    return found


def _limit(choices: list[list[Node]]) -> None:
    count = 1
    for choice in choices:
        count *= len(choice)
        if count > MAX_ALTERNATIVES:
            raise BadPattern("too many widths to look behind")


def _count_out(node: Repeat, *, is_first: bool) -> list[Node]:
    most = node.least if is_first else min(node.least + MAX_REPETITIONS, node.most or node.least + MAX_REPETITIONS)
    items = find_fixed_widths(node.item, is_first=False)
    if len(items) == 1:
        return [Repeat(items[0], count, count, True) if count else EMPTY for count in range(node.least, most + 1)]
    counted: list[Node] = []
    for count in range(node.least, most + 1):
        counted += find_fixed_widths(Sequence((Choice(tuple(items)),) * count), is_first=False)
        if len(counted) > MAX_ALTERNATIVES:
            raise BadPattern("too many widths to look behind")
    return counted
