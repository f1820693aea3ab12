"""What a pattern consists of, once read: the values that `grammar.py` makes and `emit.py` writes out."""

from dataclasses import dataclass

from evaluator.patterns.characters import Predicate


@dataclass(frozen=True, slots=True)
class Exact:
    """A piece that reads the same in Python: an anchor, a literal, nothing."""

    text: str
    width: int = 0


@dataclass(frozen=True, slots=True)
class One:
    """One character of a set."""

    accepts: Predicate


@dataclass(frozen=True, slots=True)
class Sequence:
    """Pieces one after the other."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The first alternative that leads to a match."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group that captures; groups are numbered as they open."""

    item: "Node"
    number: int


@dataclass(frozen=True, slots=True)
class Atomic:
    """A group that is not entered again once left."""

    item: "Node"

    def children(self) -> tuple["Node", ...]:
        """Return what it consists of."""
        return (self.item,)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repetition; `most` None is without end."""

    item: "Node"
    least: int
    most: int | None
    is_greedy: bool


@dataclass(frozen=True, slots=True)
class Look:
    """A look around; `sign` is `=`, `!`, `<=` or `<!`."""

    item: "Node"
    sign: str

    def children(self) -> tuple["Node", ...]:
        """Return what it consists of."""
        return (self.item,)


@dataclass(frozen=True, slots=True)
class WordEdge:
    """An empty match that depends on word characters: (before, after), None for either."""

    sides: tuple[tuple[bool | None, bool | None], ...]

    def children(self) -> tuple["Node", ...]:
        """Return what it consists of."""
        return ()


@dataclass(frozen=True, slots=True)
class Backreference:
    """What a group matched, again."""

    group: int
    ignores_case: bool

    def children(self) -> tuple["Node", ...]:
        """Return what it consists of."""
        return ()


@dataclass(frozen=True, slots=True)
class Conditional:
    """One of two branches: by whether a group has matched, or an expression matches here."""

    condition: "Node"
    then: "Node"
    otherwise: "Node"

    def children(self) -> tuple["Node", ...]:
        """Return what it consists of."""
        return (self.condition, self.then, self.otherwise)


type Node = Exact | One | Sequence | Choice | Group | Atomic | Repeat | Look | WordEdge | Backreference | Conditional

EMPTY = Exact("")
# `\K` moves the start of the match, which nobody asks for. `\G` is where a search starts: at the start.
KEEP = Exact("(?:)")
SEARCH_START = Exact(r"(?:\A)")
HARD_EXACTS = (KEEP, SEARCH_START)
