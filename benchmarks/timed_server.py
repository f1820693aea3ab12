"""A host in a process of its own that answers one request again and again, and what that costs.

Between its turns the process is stopped (SIGSTOP), so that hosts which are compared do not disturb each other: an idle
Viceroy has a thread that wakes up every 50 µs. The client is a bare socket: a client library in Python takes as long as
the smallest component, which would bring every ratio nearer to 1.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.answers import Answer, WrongAnswer

ADDRESS = "127.0.0.1"
ANY_STATUS = b"HTTP/1.1 "
START_SECONDS = 300.0  # Viceroy compiles for 6 s on an idle machine, and for minutes on a busy one
TICKS = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """What a process has used since it started."""

    faults: int  # pages brought in without reading a disk
    cpu_ms: float


class Turn(NamedTuple):
    """What one turn of requests took, each on average but the times."""

    times_ms: tuple[float, ...]
    faults: float
    cpu_ms: float  # of the server's process, with what follows the reply


def make_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a request as it goes over the wire."""
    named = {"host": "gatelet.test", **headers, **({"content-length": str(len(body))} if body else {})}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_usage(pid: int) -> Usage:
    """Read what a process has used, of Linux' `/proc`; the times there are in ticks of mostly 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return Usage(int(fields[7]), (int(fields[11]) + int(fields[12])) * 1000 / TICKS)


def find_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


class TimedServer:
    """A running host, stopped but for its turns; a context manager that ends it."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        """Start the host and wait until it takes connections; raises WrongAnswer when it ends instead."""
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        self._port, self._log = port, log
        self._answer = Answer()
        self._connection = self._wait_until_listening()
        self._process.send_signal(signal.SIGSTOP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Return the process of the host."""
        return self._process.pid

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let the process run for as long as the block lasts."""
        self._process.send_signal(signal.SIGCONT)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGSTOP)

    def connect(self) -> socket.socket:
        """Open another connection; raises OSError."""
        connection = socket.create_connection((ADDRESS, self._port), timeout=START_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _wait_until_listening(self) -> socket.socket:
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                return self.connect()
            except OSError:
                time.sleep(0.05)
        self._process.kill()
        raise WrongAnswer(f"the host did not start:\n{self._log.read_text(encoding='utf-8', errors='replace')[-2000:]}")

    def take_turn(self, request: bytes, expected: bytes, count: int, pause: float) -> Turn:
        """Send a request so many times, a pause before each; raises WrongAnswer."""
        with self.awake():
            time.sleep(pause)
            before = read_usage(self.pid)
            times = tuple(self._time_request(request, expected, pause) for _ in range(count))
            time.sleep(pause)
            after = read_usage(self.pid)
        return Turn(times, (after.faults - before.faults) / count, (after.cpu_ms - before.cpu_ms) / count)

    def _time_request(self, request: bytes, expected: bytes, pause: float) -> float:
        """Return the milliseconds from sending a request until its response is there."""
        time.sleep(pause)
        self._answer.begin()
        started = time.perf_counter()
        self._connection.sendall(request)
        self._answer.receive_all(self._connection)
        took = time.perf_counter() - started
        self._answer.check(expected, ANY_STATUS)
        return took * 1000


def fetch(server: TimedServer, request: bytes) -> bytes:
    """Send one request over a connection of its own and return the body of a 200; raises WrongAnswer."""
    answer = Answer()
    with server.connect() as connection:
        connection.sendall(request)
        answer.receive_all(connection)
    answer.check(b"")
    return answer.body
