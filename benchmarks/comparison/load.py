"""A load: some connections to one server, each of which sends its next request when the reply before has come.

One thread with bare sockets. A client library in Python takes longer for a request than the fastest service does, and
its time would stand in every ratio.
"""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.answers import Answer, WrongAnswer
from benchmarks.timed_server import TimedServer, Usage, read_usage

SETTLE_SECONDS = 0.15  # what follows the last replies ends in this time
SILENCE_SECONDS = 60.0


class Question(NamedTuple):
    """A request as it goes over the wire, and what its answer holds when it is the right one."""

    request: bytes
    expected: bytes


class Load(NamedTuple):
    """What the clients saw, and what the server's process used meanwhile and just after."""

    times_ms: tuple[float, ...]
    seconds: float
    faults: float  # page faults a request
    cpu_ms: float  # of a request

    @property
    def per_second(self) -> float:
        """Return the replies a second."""
        return len(self.times_ms) / self.seconds


@dataclass(slots=True)
class _Exchange:
    """One connection and the question it waits for."""

    connection: socket.socket
    question: Question
    started: float = 0.0
    answer: Answer = field(default_factory=Answer)

    def ask(self, question: Question) -> None:
        self.question = question
        self.answer.begin()
        self.started = time.perf_counter()
        self.connection.sendall(question.request)

    def receive(self) -> float | None:
        """Take what has come; the seconds it took when that is all. Raises WrongAnswer."""
        is_whole = self.answer.receive(self.connection)
        now = time.perf_counter()
        if not is_whole:
            return None
        self.answer.check(self.question.expected)
        return now - self.started


def drive(server: TimedServer, questions: Iterator[Question], connections: int, seconds: float) -> Load:
    """Ask over so many connections for so long; raises WrongAnswer."""
    with server.awake():
        before = read_usage(server.pid)
        started = time.perf_counter()
        times = _converse(server, questions, connections, started + seconds)
        took = time.perf_counter() - started
        time.sleep(SETTLE_SECONDS)
        return _summarize(times, took, before, read_usage(server.pid))


def _converse(server: TimedServer, questions: Iterator[Question], connections: int, deadline: float) -> list[float]:
    times: list[float] = []
    with selectors.DefaultSelector() as waiting:
        for question, _ in zip(questions, range(connections), strict=False):
            exchange = _Exchange(server.connect(), question)
            waiting.register(exchange.connection, selectors.EVENT_READ, exchange)
            exchange.ask(question)
        while waiting.get_map():
            ready = waiting.select(SILENCE_SECONDS)
            if not ready:
                raise WrongAnswer(f"no answer for {SILENCE_SECONDS:.0f} s")
            for key, _ in ready:
                took = key.data.receive()
                if took is None:
                    continue
                times.append(took * 1000)
                if time.perf_counter() < deadline:
                    key.data.ask(next(questions))
                else:
                    waiting.unregister(key.fileobj)
                    key.data.connection.close()
    return times


def _summarize(times: list[float], took: float, before: Usage, after: Usage) -> Load:
    count = len(times)
    return Load(tuple(times), took, (after.faults - before.faults) / count, (after.cpu_ms - before.cpu_ms) / count)


def thin_out(times: Sequence[float], most: int) -> list[tuple[float, float]]:
    """Return so many points of a distribution: a time, and the share of all times that are at most it."""
    ordered, count = sorted(times), min(len(times), most)
    places = [number * len(ordered) // count - 1 for number in range(1, count + 1)]
    return [(ordered[place], (place + 1) / len(ordered)) for place in places]
