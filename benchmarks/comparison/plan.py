"""What is measured, and the rounds in which the services take turns."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple, Self

from benchmarks.comparison import questions, services, specs
from benchmarks.comparison.load import Load, Question, drive
from benchmarks.comparison.questions import CHECK, HELLO, INITIALIZE, Official
from benchmarks.comparison.services import Service
from benchmarks.comparison.specs import AskedSpec
from benchmarks.sink import running_sink
from benchmarks.timed_server import TimedServer, WrongAnswer

COMPARED_USERS: Final = 50
COMPARED_USERS_OF_LARGE: Final = 10
WAKE_UP_SECONDS: Final = 0.5
ORDER_SEED: Final = 11

type Say = Callable[[str], None]


class Case(NamedTuple):
    """One thing that is measured: who is asked what, about which spec, over how many connections."""

    service: str
    question: str = CHECK
    connections: int = 1
    spec: str = specs.USUAL


class Outcome(NamedTuple):
    """The loads of a case, one a round, or why there are none."""

    loads: tuple[Load, ...]
    failure: str = ""

    def summarize(self, figure: Callable[[Load], float]) -> float:
        """Return the median of a figure over the rounds."""
        return median(figure(load) for load in self.loads)


def list_cases() -> Iterator[Case]:
    """Yield everything that is measured."""
    asked = [
        *(services.PAGED_FRESH, services.PAGED_REUSED, services.RAW_FRESH, services.RAW_REUSED),
        *(services.LITE_FRESH, services.LITE_REUSED, services.SERVERLESS_FRESH, services.SERVERLESS_REUSED),
    ]
    yield Case(services.HELLO_PYTHON, HELLO)
    yield Case(services.HELLO_JAVASCRIPT, HELLO)
    for connections in (1, 2, 8):
        yield from (Case(name, CHECK, connections) for name in asked)
    for name in (*asked[:4], services.LITE_FRESH, services.LITE_REUSED):
        yield Case(name, INITIALIZE)
    for size in (specs.SMALL, specs.LARGE, specs.LARGEST):
        for name in (services.PAGED_FRESH, services.RAW_FRESH, services.LITE_FRESH, services.SERVERLESS_FRESH):
            yield Case(name, CHECK, 1, size)


class Course:
    """The running servers of all cases; a context manager that ends them."""

    def __init__(self, built: Mapping[str, Service], asked: Mapping[str, AskedSpec], folder: Path, say: Say) -> None:
        self._built, self._specs, self._folder, self._say = built, asked, folder, say
        self._stack = ExitStack()
        self._servers: dict[tuple[str, str], TimedServer] = {}
        self._failures: dict[tuple[str, str], str] = {}
        self.officials: dict[str, Official] = {}
        self.agreement: dict[str, tuple[int, int]] = {}

    def __enter__(self) -> Self:
        self._events_port = self._stack.enter_context(running_sink())
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def prepare(self, cases: list[Case]) -> None:
        """Start every server and compare its answers with those of the official core."""
        for spec in dict.fromkeys(case.spec for case in cases):
            self.officials[spec] = Official(self._specs[spec])
        for service, spec in dict.fromkeys((case.service, case.spec) for case in cases):
            self._say(f"starting {service}, {spec}")
            try:
                self._start(self._built[service], spec)
            except WrongAnswer as problem:
                self._failures[service, spec] = str(problem)
                self._say(f"{service} fails with {spec}: {str(problem)[:300]}")
        for case in cases:
            if case.question == INITIALIZE and (case.service, case.spec) in self._servers:
                self._compare_responses(case)

    def _start(self, service: Service, spec: str) -> None:
        folder = self._folder / str(len(self._servers) + len(self._failures))
        folder.mkdir()
        server = self._stack.enter_context(services.start(service, self._specs[spec], folder, self._events_port))
        if not service.is_bare:
            most = COMPARED_USERS if spec in (specs.SMALL, specs.USUAL) else COMPARED_USERS_OF_LARGE
            questions.compare_checks(server, service.dialect, self.officials[spec], questions.USERS[:most])
        self._servers[service.name, spec] = server

    def _compare_responses(self, case: Case) -> None:
        server, dialect = self._servers[case.service, case.spec], self._built[case.service].dialect
        alike, every = questions.compare_responses(server, dialect, self.officials[case.spec])
        self.agreement[case.service] = alike, every
        self._say(f"{case.service}: {alike:,} of {every:,} values of initialize responses are the official core's")

    def run(self, cases: list[Case], rounds: int, seconds: float) -> dict[Case, Outcome]:
        """Let the services take turns; a case that fails once is measured no more."""
        loads: dict[Case, list[Load]] = {case: [] for case in cases}
        failures = {case: self._failures.get((case.service, case.spec), "") for case in cases}
        dice = random.Random(ORDER_SEED)  # noqa: S311  # an order, no secret
        for number in range(rounds + 1):
            self._say(f"round {number} of {rounds}" if number else "waking up")
            for case in dice.sample(cases, len(cases)):
                if failures[case]:
                    continue
                try:
                    load = self._take_turn(case, number, seconds if number else WAKE_UP_SECONDS)
                except WrongAnswer as problem:
                    failures[case] = str(problem)
                    continue
                loads[case] += [load] if number else []
        return {case: Outcome(() if failures[case] else tuple(loads[case]), failures[case]) for case in cases}

    def _take_turn(self, case: Case, number: int, seconds: float) -> Load:
        server = self._servers[case.service, case.spec]
        return drive(server, self._ask(case, number * 37), case.connections, seconds)

    def _ask(self, case: Case, first: int) -> Iterator[Question]:
        dialect = self._built[case.service].dialect
        if case.question == HELLO:
            return questions.ask_hello()
        if case.question == INITIALIZE:
            return questions.ask_initialize(dialect, first)
        return questions.ask_checks(dialect, self.officials[case.spec], first)
