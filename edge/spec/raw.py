"""The raw layout: one value, the JSON document that Statsig's console writes, v1 or v2."""

from collections.abc import Callable, Sequence
from json import JSONDecodeError
from typing import Final

from edge.spec.wanted import Wanted
from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from evaluator.json_text import read_json
from evaluator.nesting import looks_nested_too_deeply
from evaluator.project import Project

SHOWN_FAULTS: Final = 3
TOO_DEEP: Final = "document: nested too deeply"


class RawSpec:
    """A spec that was read and decoded whole.

    The value is let go before its text is decoded: what is made of the text then takes its place in memory.
    """

    __slots__ = ("_project", "generation", "size")

    layout = "raw"

    def __init__(self, read: Callable[[], bytes], generation: int) -> None:
        """Decode the value of this generation that `read` returns; raises InvalidSpec."""
        text, self.size = read_text(read)
        self._project = decode_text(text)
        self.generation = generation

    @property
    def time(self) -> int:
        """Return when the spec was last changed, in milliseconds since 1970."""
        return self._project.time

    def counts(self) -> dict[str, int]:
        """Return how many specs of each section there are."""
        return self._project.counts()

    def load(self, _questions: Sequence[Wanted]) -> Project:
        """Return the project that some questions are answered from."""
        return self._project

    def load_whole(self) -> Project:
        """Return the project that all questions are answered from."""
        return self._project


def read_text(read: Callable[[], bytes]) -> tuple[str, int]:
    """Return the text of a value, and how many bytes it takes; raises InvalidSpec."""
    value = read()
    if looks_nested_too_deeply(value):
        raise InvalidSpec([TOO_DEEP])
    try:
        return value.decode(), len(value)
    except UnicodeDecodeError as problem:
        raise InvalidSpec([f"document: not UTF-8 at byte {problem.start}"]) from None


def decode_text(text: str) -> Project:
    """Decode a document; raises InvalidSpec."""
    try:
        document = read_json(text)
    except JSONDecodeError as problem:
        raise InvalidSpec(
            [f"document: not JSON: {problem.msg} at line {problem.lineno} column {problem.colno}"]
        ) from None
    except ValueError as problem:  # a number of thousands of digits
        raise InvalidSpec([f"document: not JSON: {problem}"]) from None
    except RecursionError:
        raise InvalidSpec([TOO_DEEP]) from None
    return decode_project(document)


def describe_invalid(problem: InvalidSpec) -> str:
    """Say in one line what is wrong with a value."""
    shown = "; ".join(problem.faults[:SHOWN_FAULTS])
    more = len(problem.faults) - SHOWN_FAULTS
    return f"the value is not a config spec: {shown}" + (f"; and {more} more" if more > 0 else "")
