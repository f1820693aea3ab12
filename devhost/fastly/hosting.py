"""Sandboxes in general, and the host that hands requests to them.

Each sandbox runs on a thread of its own. What goes wrong in one ends that one and nothing else. A sandbox that asks for
a further request waits in line; the limits are Viceroy's: six requests each, five that wait, ten seconds. How a sandbox
runs the service is for `devhost/embedded` and `devhost/native` to say.
"""

import itertools
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from devhost.fastly.faults import Faults
from devhost.fastly.http import Exchange, PendingRequest
from devhost.fastly.messages import Body, Response
from devhost.fastly.rates import Rates
from devhost.fastly.service import Service, Surroundings
from devhost.fastly.values import Handles, drop_resource

MEMORY_LIMIT = 128 << 20
REQUESTS_PER_SANDBOX = 6
MOST_WAITING = 5
LONGEST_WAIT = 10.0
SETTLE_PAUSE = 0.002
GRACE_SECONDS = 1.0  # for what is being answered when the host closes
CLOSE_SECONDS = 2.0  # for what had to be interrupted then


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sandbox may use."""

    requests: int = REQUESTS_PER_SANDBOX
    seconds: float = 120.0
    memory: int = MEMORY_LIMIT
    fuel: int | None = None  # instructions in all, for the embedded host
    calls: int | None = None  # to the host; the next one ends the sandbox, unmade
    sandboxes: int = 32  # that run at the same time; further requests wait


class OutOfCalls(Exception):
    """A sandbox has made all the calls that it may make; the text is the name of the next."""


class Sandbox(ABC):
    """One start of the service, from its first request to its end."""

    def __init__(self, host: "Host[Any]", exchange: Exchange, number: int, then: Exchange | None = None) -> None:
        self._queue = host
        self._then = then
        self._accepted = 1
        self.exchange = exchange
        self.number = number
        self.handles = Handles()
        self.failure: BaseException | None = None

    def wait_for_request(self, seconds: float | None) -> PendingRequest:
        """Wait in line for a further request."""
        pending = PendingRequest(LONGEST_WAIT if seconds is None else min(seconds, LONGEST_WAIT), self._queue)
        if self._then is not None:
            pending.settle(self._then)
            self._then = None
            self._accepted += 1
        elif self._accepted < self._queue.limits.requests and self._queue.enqueue(pending):
            self._accepted += 1
        else:
            pending.settle(None)
        return pending

    def run(self) -> None:
        """Run the guest to its end, let go of what it held, and answer what it left unanswered."""
        status = 500  # unless it gets to its end: also a bug of this host must not leave a client waiting
        try:
            self.run_guest()
            for left in self.handles.drain():
                drop_resource(left)
            status = 200
        finally:
            if not self.exchange.is_answered:
                self.exchange.answer(Response(status), Body())

    def count_call(self, function: str, made: int) -> None:
        """Raise `OutOfCalls` at the call that comes after so many, when that is one too many."""
        most = self._queue.limits.calls
        if most is not None and made >= most:
            raise OutOfCalls(function)

    @abstractmethod
    def run_guest(self) -> None:
        """Run the guest to its end; what it raises is its failure, and raises nothing here."""

    def fail(self, problem: BaseException, text: str) -> None:
        """Note why the guest failed, and tell the client if it is still waiting."""
        self.failure = problem
        self._queue.report(f"sandbox {self.number} failed: {text}")
        if not self.exchange.is_answered:
            self.exchange.answer(Response(500, [("content-type", b"text/plain")]), Body(text.encode()))

    def list_output(self) -> Iterable[str]:
        """List the lines that the guest wrote and that were kept."""
        return ()


class Host[Kind: Sandbox](ABC):
    """Runs a service: hands each request to a sandbox that waits, or to a new one."""

    def __init__(self, service: Service, limits: Limits | None = None) -> None:
        self.service = service
        self.limits = limits or Limits()
        self.faults = Faults()
        self.logged: list[tuple[str, bytes]] = []  # to log endpoints, by their names
        self.around = Surroundings(service, self.faults, self.write_log, Rates())
        self.ended: deque[Kind] = deque(maxlen=100)
        self.closing = threading.Event()
        self._numbers = itertools.count()
        self._waiting: list[PendingRequest] = []
        self._running: dict[int, threading.Thread] = {}
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(self.limits.sandboxes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def make_sandbox(self, exchange: Exchange, number: int, then: Exchange | None) -> Kind:
        """Make a sandbox that is ready to run."""

    @abstractmethod
    def interrupt(self) -> None:
        """End the guests that compute, as far as that can be done."""

    def dispatch(self, exchange: Exchange) -> None:
        """Hand an exchange to a sandbox that waits, else to a new one."""
        if self.closing.is_set():
            exchange.answer(Response(503), Body())
            return
        with self._lock:
            if self._waiting:
                self._waiting.pop().settle(exchange)
                return
        self.start(exchange)

    def start(self, exchange: Exchange, *, then: Exchange | None = None) -> Kind:
        """Start a sandbox for an exchange; the other one is what it gets when it asks for a further request."""
        sandbox = self.make_sandbox(exchange, self.next_number(), then)
        thread = threading.Thread(target=self._run, args=(sandbox,), name=f"sandbox {sandbox.number}", daemon=True)
        self._free.acquire()
        with self._lock:
            self._running[sandbox.number] = thread
        thread.start()
        return sandbox

    def next_number(self) -> int:
        """Return the number of the next sandbox."""
        return next(self._numbers)

    def join(self, sandbox: Kind) -> None:
        """Wait until a sandbox has ended."""
        with self._lock:
            thread = self._running.get(sandbox.number)
        if thread is not None:
            thread.join()

    def settle(self, seconds: float) -> bool:
        """Wait until each sandbox has ended or waits in line; say whether that came in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._lock:
                if len(self._running) == len(self._waiting):
                    return True
            time.sleep(SETTLE_PAUSE)
        return False

    def _run(self, sandbox: Kind) -> None:
        try:
            sandbox.run()
        finally:
            self.ended.append(sandbox)
            with self._lock:
                del self._running[sandbox.number]
            self._free.release()
            for line in sandbox.list_output():
                self.report(line)

    def enqueue(self, pending: PendingRequest) -> bool:
        """Put a sandbox in line unless the line is full."""
        with self._lock:
            if self.closing.is_set() or len(self._waiting) >= MOST_WAITING:
                return False
            self._waiting.append(pending)
            return True

    def withdraw(self, pending: PendingRequest) -> None:
        """Take a sandbox out of the line."""
        with self._lock:
            if pending in self._waiting:
                self._waiting.remove(pending)

    def report(self, line: str) -> None:
        """Write a line for the developer."""
        print(line, file=sys.stderr, flush=True)

    def write_log(self, name: str, message: bytes) -> None:
        """Write a log line of the service."""
        self.logged.append((name, message))
        self.report(f"{name} :: {message.decode(errors='replace')}")

    def close(self) -> None:
        """End every sandbox: those that wait at once, those that serve after a grace, the rest by interrupting them."""
        self.closing.set()
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for pending in waiting:
            pending.settle(None)
        self._join_all(GRACE_SECONDS)
        self.interrupt()
        self._join_all(CLOSE_SECONDS)

    def _join_all(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._lock:
            running = list(self._running.values())
        for thread in running:
            thread.join(max(0.0, deadline - time.monotonic()))
