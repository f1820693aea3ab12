"""Checks from many clients while the event sink goes through its troubles, and what has arrived in the end.

Checks come as in life, each at its own time and whatever became of the one before: they are spread evenly, and a reply
time begins when the check was due, so that a server which falls behind cannot hide it.
"""

import http.client
import json
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.timed_server import read_usage
from devhost.event_sink import Mood, SinkServer
from tests.component.serving import CLIENT, Running

TRICKLE_SECONDS = 0.1
HAS_USAGE = Path("/proc/self/stat").is_file()
TRIES = re.compile(r"\bposts=(\d+)")


class Phase(NamedTuple):
    """What the sink does for a share of the time."""

    name: str
    seconds: float
    mood: Mood = Mood()
    is_down: bool = False


@dataclass(slots=True)
class Measured:
    """What clients saw in one phase, what the service did, and what the host spent (0 where nobody can tell)."""

    name: str
    seconds: list[float] = field(default_factory=list)
    tries: int = 0  # requests to the sink as the log tells them: also those that were refused
    posts: int = 0  # requests that the sink got
    took: float = 0.0
    cpu_ms: float = 0.0

    def percentile(self, share: float) -> float:
        """A percentile of the reply times, in milliseconds."""
        return statistics.quantiles(self.seconds, n=100)[round(share * 100) - 1] * 1000

    @property
    def cpu_per_check(self) -> float:
        """What the host's process spent for each check, in milliseconds."""
        return self.cpu_ms / len(self.seconds)

    @property
    def tries_per_second(self) -> float:
        """How many requests were sent to the sink."""
        return self.tries / self.took


@dataclass(slots=True)
class Clients:
    """Clients that check, each for users of its own, at a pace that no sink can change."""

    service: Running
    count: int
    pace: float  # checks a second, of all together
    users: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check_for(self, measured: Measured, seconds: float) -> None:
        """Check for a while, and keep the times of the replies."""
        begin = time.perf_counter()
        prefix = f"{measured.name}-{len(self.users)}"
        threads = [
            threading.Thread(target=self._run, args=(f"{prefix}-{n}", measured, begin + n / self.pace, begin + seconds))
            for n in range(self.count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _run(self, prefix: str, measured: Measured, due: float, deadline: float) -> None:
        connection = http.client.HTTPConnection(self.service.url.removeprefix("http://"), timeout=60)
        number = 0
        while due < deadline:
            time.sleep(max(0.0, due - time.perf_counter()))
            user = f"{prefix}-{number}"
            fault = self._check(connection, user)
            took = time.perf_counter() - due
            with self._lock:
                measured.seconds.append(took)
                self.users.append(user)
                if fault:
                    self.faults.append(fault)
            due += self.count / self.pace
            number += 1
        connection.close()

    def _check(self, connection: http.client.HTTPConnection, user: str) -> str:
        body = json.dumps({"user": {"userID": user}, "gateName": "test_fastly"})
        connection.request("POST", "/v1/check_gate", body, CLIENT)
        reply = connection.getresponse()
        content = reply.read()
        return "" if reply.status == 200 else f"{reply.status} {content[:200]!r}"


def run_phases(service: Running, clients: Clients, phases: Sequence[Phase]) -> list[Measured]:
    """Go through the phases."""
    return [run_phase(service, clients, phase) for phase in phases]


def run_phase(service: Running, clients: Clients, phase: Phase) -> Measured:
    """Check while the sink does what the phase says."""
    measured = Measured(phase.name)
    sink = service.sink
    tries, posts, cpu_ms, started = count_tries(service), sink.posts, read_cpu_ms(service), time.monotonic()
    set_mood(sink, phase)
    clients.check_for(measured, phase.seconds)
    if phase.is_down:
        sink.listen_again()
    measured.took, measured.cpu_ms = time.monotonic() - started, read_cpu_ms(service) - cpu_ms
    measured.tries, measured.posts = count_tries(service) - tries, sink.posts - posts
    return measured


def set_mood(sink: SinkServer, phase: Phase) -> None:
    """Let the sink do what a phase says."""
    sink.mood = phase.mood
    if phase.is_down:
        sink.stop_listening()


def count_tries(service: Running) -> int:
    """How many requests to the sink the service has told of."""
    return sum(map(int, TRIES.findall(service.log.read_text(encoding="utf-8", errors="replace"))))


def read_cpu_ms(service: Running) -> float:
    """What the host's process has spent so far; 0 where there is no `/proc`."""
    return read_usage(service.host_pid).cpu_ms if HAS_USAGE else 0.0


def count_users(service: Running) -> Counter[str]:
    """How often the event of each user has arrived."""
    return Counter(event["user"]["userID"] for event in service.wait_for_events(0))


def wait_until_all_arrived(
    service: Running, clients: Clients, seconds: float, show: Callable[[str], None] = print
) -> Counter[str]:
    """Keep a trickle of checks going, whose sandboxes drain, until every event is there or the time is over."""
    service.sink.mood = Mood()
    expected = set(clients.users)
    deadline = time.monotonic() + seconds
    trickle = Clients(service, 1, 1 / TRICKLE_SECONDS)
    while (missing := expected - set(count_users(service))) and time.monotonic() < deadline:
        show(f"{len(missing)} of {len(expected)} events are still on their way")
        trickle.check_for(Measured("trickle"), 2.0)
    arrived = count_users(service)
    return Counter({user: arrived[user] for user in expected if user in arrived})
