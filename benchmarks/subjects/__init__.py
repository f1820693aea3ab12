"""The evaluators that are compared, each in a module and, when measured, in a process of its own.

    python -m benchmarks.subjects.gatelet SPEC

reads a `Turn` as a line of JSON, runs it, and writes a `Timing`, until its input ends.

For each mode a subject turns users into a loop. The loop asks every gate for each user and returns how often the answer
was true; nothing but the questions stands in it. What a mode may keep is made before.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

type Json = dict[str, Any]
type Loop = Callable[[], int]

GATELET: Final = "gatelet"
CORE: Final = "core"
LEGACY: Final = "legacy"

REUSED: Final = "off, user reused"
BUILT: Final = "off, user built"
EXPOSED: Final = "exposures"


class Person(NamedTuple):
    """What a caller knows of a user before a check."""

    user_id: str
    email: str
    custom: dict[str, str]


class Turn(NamedTuple):
    """A share of the work: one mode, and which users (so many from the first on)."""

    mode: str
    first: int
    users: int


class Timing(NamedTuple):
    """What a turn came to; times in seconds: on the wall, of the process, and of the asking thread alone."""

    checks: int
    passed: int
    wall: float
    process: float
    thread: float


class Subject(Protocol):
    """An evaluator with a spec, asked about the gates of these names."""

    def modes(self) -> Mapping[str, Callable[[Sequence[Person]], Loop]]:
        """Return what makes the loop of each mode."""


def make_person(index: int) -> Person:
    """Return the user of a number."""
    return Person(f"user-{index}", f"u{index}@example.com", {"a": "b"})


def ask_everything[User](ask: Callable[[User, str], bool], users: Sequence[User], names: Sequence[str]) -> Loop:
    """Return the loop of an evaluator that needs nothing but a user and a name."""

    def run() -> int:
        passed = 0
        for user in users:
            for name in names:
                passed += ask(user, name)
        return passed

    return run


def run_turn(subject: Subject, turn: Turn, gates: int) -> Timing:
    """Time one turn."""
    people = [make_person(index) for index in range(turn.first, turn.first + turn.users)]
    loop = subject.modes()[turn.mode](people)
    wall, process, thread = time.perf_counter(), time.process_time(), time.thread_time()
    passed = loop()
    spent = time.perf_counter() - wall, time.process_time() - process, time.thread_time() - thread
    return Timing(turn.users * gates, passed, *spent)


def serve(make_subject: Callable[[Json, Sequence[str]], Subject]) -> None:
    """Serve turns until the input ends, then leave at once: what is still to be sent is of no interest."""
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    names = list(spec["feature_gates"])
    subject = make_subject(spec, names)
    for line in sys.stdin:
        print(json.dumps(run_turn(subject, Turn(*json.loads(line)), len(names))), flush=True)
    os._exit(0)
