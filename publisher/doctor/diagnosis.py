"""What `doctor` says of one thing: how it is, what was seen, and what to do about it."""

from collections.abc import Callable, Generator, Iterator
from enum import StrEnum
from typing import NamedTuple

from publisher.exit_codes import Trouble


class Verdict(StrEnum):
    """How a thing is."""

    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


class Diagnosis(NamedTuple):
    """One thing that was looked at; `advice` says what to do, empty where nothing is to be done."""

    what: str
    verdict: Verdict
    seen: str
    advice: str = ""


def good(what: str, seen: str) -> Diagnosis:
    """Say that a thing is as it should be."""
    return Diagnosis(what, Verdict.GOOD, seen)


def warning(what: str, seen: str, advice: str) -> Diagnosis:
    """Say that a thing works, and is not as it should be."""
    return Diagnosis(what, Verdict.WARNING, seen, advice)


def error(what: str, seen: str, advice: str) -> Diagnosis:
    """Say that a thing does not work."""
    return Diagnosis(what, Verdict.ERROR, seen, advice)


def skipped(what: str, seen: str, advice: str) -> Diagnosis:
    """Say that a thing could not be looked at."""
    return Diagnosis(what, Verdict.SKIPPED, seen, advice)


def attempt(what: str, advice: str, look: Callable[[], Iterator[Diagnosis]]) -> Generator[Diagnosis, None, bool]:
    """Yield what a look finds; a Trouble on the way becomes an error with this advice. Returns whether all was seen."""
    try:
        yield from look()
        return True
    except Trouble as trouble:
        yield error(what, str(trouble), advice)
        return False
