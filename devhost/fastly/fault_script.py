"""Read faults from a text: one sentence a line, `#` begins a comment.

`SENTENCES` is the whole language. What a sentence of the KV store or of a backend says may be narrowed to one key or
backend (`lookup of statsig-local …`, `send to events …`), to the first calls (`…, 2 times`) and to later ones
(`…, after 3`); both count the calls that it fits. docs/embedded-host.md shows the same table, and a test compares them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from devhost.fastly.faults import Alter, Fault, Faults, detailed, name_error
from devhost.fastly.hosting import Limits

LINE = re.compile(
    r"(?P<place>[a-z]+)(?: (?:of|to) (?P<key>\S+))? (?P<effect>.+?)"
    r"(?:, (?P<times>\d+) times?)?(?:, after (?P<after>\d+))?"
)
DURATION = r"(?P<duration>-?\d+(?:\.\d+)?) (?P<unit>ms|s|min|h|d)"
SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
SIZE = r"(?P<size>\d+) (?P<unit>bytes|KB|MB)"
BYTES = {"bytes": 1, "KB": 1 << 10, "MB": 1 << 20}


class InvalidScript(Exception):
    """A line that is no sentence of the language; the message says which and why."""


class Jump(NamedTuple):
    """A jump of the clock."""

    seconds: float
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Script:
    """What a script, or a sentence of it, asks for."""

    faults: tuple[Fault, ...] = ()
    jumps: tuple[Jump, ...] = ()
    limits: tuple[tuple[str, int | float], ...] = ()  # fields of `Limits`

    def __add__(self, other: "Script") -> "Script":
        return Script(self.faults + other.faults, self.jumps + other.jumps, self.limits + other.limits)

    def begin(self, faults: Faults) -> None:
        """Turn its faults on."""
        for fault in self.faults:
            faults.add(replace(fault))  # it counts, and a script may be begun again
        for jump in self.jumps:
            faults.jump_clock(jump.seconds, after_seconds=jump.after_seconds)

    def limit(self, limits: Limits) -> Limits:
        """Return the limits that it leaves to a sandbox."""
        changes: dict[str, Any] = dict(self.limits)
        return replace(limits, **changes)


class Sentence(NamedTuple):
    """One kind of sentence."""

    example: str
    meaning: str
    places: str  # where it may stand, separated by blanks
    pattern: str  # of what follows the place
    make: Callable[[re.Match[str], str], Script]


def read_seconds(found: re.Match[str]) -> float:
    """Return a duration in seconds."""
    return float(found["duration"]) * SECONDS[found["unit"]]


def read_bytes(found: re.Match[str]) -> int:
    """Return a size in bytes."""
    return int(found["size"]) * BYTES[found["unit"]]


def fault(place: str, **effect: Any) -> Script:
    """Return a script of one fault."""
    return Script(faults=(Fault(place, **effect),))


def cut_value(size: int) -> Alter:
    """Return what cuts values to a size."""
    return lambda value: value[:size]


def read_jump(found: re.Match[str]) -> Script:
    """Return a script of one jump of the clock."""
    later = float(found["wait"]) * SECONDS[found["wait_unit"]] if found["wait"] else 0.0
    return Script(jumps=(Jump(read_seconds(found), later),))


def limit(name: str, value: float) -> Script:
    """Return a script of one limit."""
    return Script(limits=((name, value),))


STORE = "lookup insert delete list"
SENTENCES: tuple[Sentence, ...] = (
    Sentence(
        "lookup fails with too-many-requests",
        "The call returns that error. In the KV store: `too-many-requests` (throttled), `internal-error`, "
        "`generic-error`, `bad-request`, `payload-too-large`, `precondition-failed`; for `send` what Viceroy or "
        "Fastly tell: `generic-error`, `http-incomplete`, `connection-timeout`, `dns-error`, …",
        f"{STORE} send",
        r"fails with (?P<error>[a-z-]+)",
        lambda found, place: fault(place, error=name_error(place, found["error"])),
    ),
    Sentence(
        "insert is refused",
        "The store has another generation than the one that the insert is for (`precondition-failed`)",
        "insert",
        r"is refused",
        lambda _found, place: fault(place, error="precondition-failed"),
    ),
    Sentence(
        "lookup takes 300 ms",
        "The call ends that much later (`ms`, `s`, `min`)",
        f"{STORE} send",
        f"takes {DURATION}",
        lambda found, place: fault(place, seconds=read_seconds(found)),
    ),
    Sentence(
        "lookup of statsig-local is empty",
        "The value has no bytes",
        "lookup",
        "is empty",
        lambda _found, place: fault(place, alter=cut_value(0)),
    ),
    Sentence(
        "lookup is cut to 100 bytes",
        "The value is truncated (`bytes`, `KB`, `MB`)",
        "lookup",
        f"is cut to {SIZE}",
        lambda found, place: fault(place, alter=cut_value(read_bytes(found))),
    ),
    Sentence(
        "lookup gives the older value, 2 times, after 1",
        "The value before the newest, with its generation; nothing when there was none",
        "lookup",
        "gives the older value",
        lambda _found, place: fault(place, is_older=True),
    ),
    Sentence(
        "send breaks after 10 bytes",
        "The body ends badly after so many bytes, as when the connection is cut",
        "lookup send",
        f"breaks after {SIZE}",
        lambda found, place: fault(place, cut_at=read_bytes(found)),
    ),
    Sentence(
        "send to events is refused",
        "The backend takes no connection",
        "send",
        "is refused",
        lambda _found, place: fault(place, error=detailed("connection-refused")),
    ),
    Sentence(
        "send is reset, 1 time",
        "The backend resets the connection",
        "send",
        "is reset",
        lambda _found, place: fault(place, error=detailed("connection-terminated")),
    ),
    Sentence(
        "send answers 429, 3 times",
        "The backend answers with that status; it does not get the request",
        "send",
        r"answers (?P<status>[1-9]\d\d)",
        lambda found, place: fault(place, status=int(found["status"])),
    ),
    Sentence(
        "clock jumps -1 h after 20 s",
        "The wall clock goes wrong by so much, so long after the start; without `after` at once (`min`, `h`, `d` too)",
        "clock",
        rf"jumps {DURATION}(?: after (?P<wait>\d+) (?P<wait_unit>ms|s|min))?",
        lambda found, _place: read_jump(found),
    ),
    Sentence(
        "sandbox has 20 MB",
        "The heap of a sandbox; 128 MB on Fastly",
        "sandbox",
        f"has {SIZE}",
        lambda found, _place: limit("memory", read_bytes(found)),
    ),
    Sentence(
        "sandbox has 5000000 instructions",
        "A sandbox ends when it has computed so many; instructions are counted from then on, which needs a compile of "
        "its own",
        "sandbox",
        r"has (?P<count>\d+) instructions",
        lambda found, _place: limit("fuel", int(found["count"])),
    ),
    Sentence(
        "sandbox has 2 s",
        "A sandbox that computes after so long is ended; checked ten times a second",
        "sandbox",
        f"has {DURATION}",
        lambda found, _place: limit("seconds", read_seconds(found)),
    ),
    Sentence(
        "sandbox makes 60 calls",
        "A sandbox ends when it calls its host once more; that call is not made",
        "sandbox",
        r"makes (?P<count>\d+) calls",
        lambda found, _place: limit("calls", int(found["count"])),
    ),
    Sentence(
        "sandbox takes 2 requests",
        "A sandbox ends after so many requests",
        "sandbox",
        r"takes (?P<count>\d+) requests?",
        lambda found, _place: limit("requests", int(found["count"])),
    ),
)


def read_script(text: str) -> Script:
    """Read a script; raises `InvalidScript`."""
    script = Script()
    for number, line in enumerate(text.splitlines(), 1):
        sentence = line.partition("#")[0].strip()
        if sentence:
            try:
                script += read_sentence(sentence)
            except ValueError as problem:
                raise InvalidScript(f"line {number}: {sentence}: {problem}") from problem
    return script


def read_sentence(text: str) -> Script:
    """Read one sentence; raises `ValueError`."""
    line = LINE.fullmatch(text)
    if line is None:
        raise ValueError("this is no sentence")
    for sentence in SENTENCES:
        found = re.fullmatch(sentence.pattern, line["effect"])
        if found and line["place"] in sentence.places.split():
            return narrow(sentence.make(found, line["place"]), line)
    known = [sentence.example for sentence in SENTENCES if line["place"] in sentence.places.split()]
    raise ValueError(f"known are sentences like: {'; '.join(known or [each.example for each in SENTENCES])}")


def narrow(script: Script, line: re.Match[str]) -> Script:
    """Return a sentence's script for some keys and calls only; raises `ValueError` when it has no calls."""
    key, times, after = line["key"], line["times"], line["after"]
    if not script.faults and (key or times or after):
        raise ValueError("clock and sandbox take neither a key nor a number of times")
    most, skipped = int(times) if times else None, int(after or 0)
    return replace(script, faults=tuple(replace(each, key=key, times=most, after=skipped) for each in script.faults))
