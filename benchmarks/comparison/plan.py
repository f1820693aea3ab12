"""What is measured, and the rounds in which the services take turns."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple, Self

from benchmarks.answers import WrongAnswer
from benchmarks.comparison import agreement, questions, services, specs
from benchmarks.comparison.agreement import Agreement
from benchmarks.comparison.load import Load, Question, drive
from benchmarks.comparison.questions import CHECK, HELLO, INITIALIZE, USERS, Official
from benchmarks.comparison.services import Service
from benchmarks.comparison.specs import AskedSpec
from benchmarks.sink import running_sink
from benchmarks.timed_server import TimedServer

# A service that reads 10 MB for an answer cannot be asked about all users in a bearable time.
USERS_OF_LARGE: Final = USERS[:40]
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
    agreement: Agreement | None = None

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
    for size in (specs.USUAL, specs.LARGEST):
        yield Case(services.ALONE_FRESH, CHECK, 1, size)


class Course:
    """The running servers of all cases; a context manager that ends them."""

    def __init__(self, built: Mapping[str, Service], asked: Mapping[str, AskedSpec], folder: Path, say: Say) -> None:
        self._built, self._specs, self._folder, self._say = built, asked, folder, say
        self._stack = ExitStack()
        self._servers: dict[tuple[str, str], TimedServer] = {}
        self._failures: dict[Case, str] = {}
        self._officials: dict[str, Official] = {}
        self._agreements: dict[Case, Agreement] = {}
        self._users: dict[str, tuple[str, ...]] = {}

    def __enter__(self) -> Self:
        self._events_port = self._stack.enter_context(running_sink())
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def prepare(self, cases: list[Case]) -> None:
        """Start every server and compare its answers with those of the official core."""
        for spec in dict.fromkeys(case.spec for case in cases):
            self._officials[spec] = Official(self._specs[spec])
            self._users[spec] = USERS_OF_LARGE if spec in specs.MULTIPLIED else USERS
        for case in dict.fromkeys(case._replace(question=CHECK, connections=1) for case in cases):
            self._say(f"starting {case.service}, {case.spec}")
            self._try(self._start, case, (CHECK, INITIALIZE, HELLO))
        for case in cases:
            if case.question == INITIALIZE and case not in self._failures:
                self._try(self._compare_responses, case, (INITIALIZE,))

    def _try(self, step: Callable[[Case], None], case: Case, needed_for: tuple[str, ...]) -> None:
        try:
            step(case)
        except WrongAnswer as problem:
            self._failures |= {case._replace(question=question): str(problem) for question in needed_for}
            self._say(f"no figures: {case.service}, {' and '.join(needed_for)}, {case.spec}: {str(problem)[:300]}")

    def _start(self, case: Case) -> None:
        service, spec = self._built[case.service], self._specs[case.spec]
        folder = self._folder / str(len(list(self._folder.iterdir())))
        folder.mkdir()
        server = self._stack.enter_context(services.start(service, spec, folder, self._events_port))
        self._servers[case.service, case.spec] = server
        if not service.is_bare:
            self._compare_checks(case)

    def _compare_checks(self, case: Case) -> None:
        server, service = self._servers[case.service, case.spec], self._built[case.service]
        asked = USERS_OF_LARGE if case.spec in specs.MULTIPLIED else USERS
        compared = agreement.compare_checks(server, service.dialect, self._officials[case.spec], asked)
        self._note(case, compared.agreement)
        if not compared.agreement.is_enough(is_ours=service.is_ours):
            raise WrongAnswer(compared.agreement.describe())
        self._users[case.spec] = tuple(one for one in self._users[case.spec] if one not in compared.differing)

    def _compare_responses(self, case: Case) -> None:
        server, service = self._servers[case.service, case.spec], self._built[case.service]
        compared = agreement.compare_responses(server, service.dialect, self._officials[case.spec])
        self._note(case, compared)
        if service.is_ours and not compared.is_enough(is_ours=True):
            raise WrongAnswer(compared.describe())

    def _note(self, case: Case, compared: Agreement) -> None:
        self._agreements[case] = compared
        self._say(f"{case.service}, {case.question}, {case.spec}: {compared.describe()}")

    def run(self, cases: list[Case], rounds: int, seconds: float) -> dict[Case, Outcome]:
        """Let the services take turns; a case that fails once is measured no more."""
        loads: dict[Case, list[Load]] = {case: [] for case in cases}
        failures = {case: self._failures.get(case._replace(connections=1), "") for case in cases}
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
        return {
            case: Outcome(() if failures[case] else tuple(loads[case]), failures[case], self._find_agreement(case))
            for case in cases
        }

    def _find_agreement(self, case: Case) -> Agreement | None:
        return self._agreements.get(case._replace(connections=1))

    def _take_turn(self, case: Case, number: int, seconds: float) -> Load:
        server = self._servers[case.service, case.spec]
        return drive(server, self._ask(case, number * 37), case.connections, seconds)

    def _ask(self, case: Case, first: int) -> Iterator[Question]:
        dialect = self._built[case.service].dialect
        if case.question == HELLO:
            return questions.ask_hello()
        if case.question == INITIALIZE:
            return questions.ask_initialize(dialect, first)
        official, users = self._officials[case.spec], self._users[case.spec]
        return questions.ask_checks(dialect, official.gate, {one: official.values[one] for one in users}, first)
