"""Sandboxes, and the host that hands requests to them.

Each sandbox has its own wasmtime store and its own thread, never the main one, so that signals do not arrive inside a
host function. A trap ends its sandbox and nothing else. A sandbox that asks for a further request waits in line; the
limits are Viceroy's: six requests each, five that wait, ten seconds.
"""

import itertools
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from wasmtime import Store, WasmtimeError

from devhost.embedded.backends import Backends, BackendTarget
from devhost.embedded.codec import Err, Handles, call_export
from devhost.embedded.faults import Faults
from devhost.embedded.http import (
    AsyncIo,
    Exchange,
    HttpBody,
    HttpDownstream,
    HttpReq,
    HttpResp,
    PendingRequest,
)
from devhost.embedded.kv import KvStore, KvStores
from devhost.embedded.linker import Interface, Resource, enter_guest
from devhost.embedded.messages import Body, Response
from devhost.embedded.program import Program, load_program
from devhost.embedded.stores import ComputeRuntime, ConfigStores, Geo, Logs, SecretStores
from devhost.embedded.wasi import WASI_INTERFACES, GuestExit, Streams, World, system_world

FASTLY_INTERFACES: dict[str, type[Interface]] = {
    "fastly:compute/async-io": AsyncIo,
    "fastly:compute/backend": Backends,
    "fastly:compute/compute-runtime": ComputeRuntime,
    "fastly:compute/config-store": ConfigStores,
    "fastly:compute/geo": Geo,
    "fastly:compute/http-body": HttpBody,
    "fastly:compute/http-downstream": HttpDownstream,
    "fastly:compute/http-req": HttpReq,
    "fastly:compute/http-resp": HttpResp,
    "fastly:compute/kv-store": KvStores,
    "fastly:compute/log": Logs,
    "fastly:compute/secret-store": SecretStores,
}
ALL_INTERFACES: dict[str, type[Interface]] = {**FASTLY_INTERFACES, **WASI_INTERFACES}

MEMORY_LIMIT = 128 << 20
ALL_FUEL = 1 << 62
EPOCH_SECONDS = 0.1
REQUESTS_PER_SANDBOX = 6
MOST_WAITING = 5
LONGEST_WAIT = 10.0
CLOSE_SECONDS = 2.0


class Mark(NamedTuple):
    """A call from the guest to the host."""

    function: str
    fuel: int  # used so far; 0 when it is not counted


@dataclass(slots=True)
class Service:
    """What a manifest says: everything that a service finds around it."""

    kv_stores: Mapping[str, KvStore] = field(default_factory=dict)
    config_stores: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secret_stores: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    backends: Mapping[str, BackendTarget] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sandbox may use."""

    requests: int = REQUESTS_PER_SANDBOX
    seconds: float = 120.0
    memory: int = MEMORY_LIMIT
    sandboxes: int = 32  # that run at the same time; further requests wait


class Sandbox:
    """One instance of the component, from its first request to its end."""

    def __init__(self, host: "Host", exchange: Exchange, number: int, then: Exchange | None = None) -> None:
        self._host = host
        self._then = then
        self._accepted = 1
        self.exchange = exchange
        self.number = number
        self.handles = Handles()
        self.streams = Streams()
        self.world = host.make_world(number)
        self.failure: BaseException | None = None
        self.trace: list[Mark] = []
        self.fuel = 0
        self._store: Store | None = None
        self.interfaces: Mapping[str, Interface] = make_interfaces(self, host)

    def mark(self, function: str) -> None:
        """Note a call from the guest, and the fuel used until then."""
        self.trace.append(Mark(function, self._used_fuel()))

    def _used_fuel(self) -> int:
        return ALL_FUEL - self._store.get_fuel() if self._store and self._host.program.counts_fuel else 0

    def wait_for_request(self, seconds: float | None) -> PendingRequest:
        """Wait in line for a further request."""
        pending = PendingRequest(LONGEST_WAIT if seconds is None else min(seconds, LONGEST_WAIT), self._host)
        if self._then is not None:
            pending.settle(self._then)
            self._then = None
            self._accepted += 1
        elif self._accepted < self._host.limits.requests and self._host.enqueue(pending):
            self._accepted += 1
        else:
            pending.settle(None)
        return pending

    def run(self) -> None:
        """Run the guest to its end, and answer what it left unanswered."""
        try:
            enter_guest(self, self._call_guest)
        except WasmtimeError as trap:
            if not (isinstance(self.failure, GuestExit) and self.failure.succeeded):
                self.failure = self.failure or trap
                self._answer_failure(trap)
        for left in self.handles.drain():
            if isinstance(left, Resource):
                left.drop()
        if not self.exchange.is_answered:
            self.exchange.answer(Response(), Body())

    def _call_guest(self) -> None:
        program = self._host.program
        with Store(program.engine) as store:
            self._store = store
            store.set_limits(memory_size=self._host.limits.memory)
            store.set_epoch_deadline(max(1, round(self._host.limits.seconds / EPOCH_SECONDS)))
            if program.counts_fuel:
                store.set_fuel(ALL_FUEL)
            try:
                self._call_handle(store)
            finally:
                self.fuel = self._used_fuel()
                self._store = None

    def _call_handle(self, store: Store) -> None:
        program = self._host.program
        instance = program.linked.linker.instantiate(store, program.loaded)
        handle = instance.get_func(store, program.handle)
        if handle is None:
            raise WasmtimeError("the component has no handler")
        first = self.exchange
        result = call_export(handle, program.signature, store, self.handles, first.request, first.body)
        if isinstance(result, Err):
            raise WasmtimeError("the handler returned an error")

    def _answer_failure(self, trap: WasmtimeError) -> None:
        text = f"{trap}\n\n{self.streams.stderr.decode(errors='replace')}"
        self._host.report(f"sandbox {self.number} failed: {text}")
        if not self.exchange.is_answered:
            self.exchange.answer(Response(500, [("content-type", b"text/plain")]), Body(text.encode()))


def make_interfaces(sandbox: Sandbox, host: "Host") -> dict[str, Interface]:
    """Make everything that a sandbox can call."""
    service = host.service
    world = sandbox.world
    made: dict[str, Interface] = {
        "fastly:compute/async-io": AsyncIo(),
        "fastly:compute/backend": Backends(service.backends),
        "fastly:compute/compute-runtime": ComputeRuntime(sandbox.number, lambda: world.cpu_ns() // 1_000_000),
        "fastly:compute/config-store": ConfigStores(service.config_stores),
        "fastly:compute/geo": Geo(service.places),
        "fastly:compute/http-body": HttpBody(),
        "fastly:compute/http-downstream": HttpDownstream(sandbox),
        "fastly:compute/http-req": HttpReq(host.faults),
        "fastly:compute/http-resp": HttpResp(sandbox),
        "fastly:compute/kv-store": KvStores(service.kv_stores, host.faults),
        "fastly:compute/log": Logs(host.write_log),
        "fastly:compute/secret-store": SecretStores(service.secret_stores),
    }
    return made | {name: kind(world, sandbox.streams) for name, kind in WASI_INTERFACES.items()}


class Host:
    """Runs a component: hands each request to a sandbox that waits, or to a new one."""

    def __init__(
        self,
        wasm: Path,
        service: Service,
        *,
        limits: Limits | None = None,
        count_fuel: bool = False,
        make_world: Callable[[int], World] = system_world,
    ) -> None:
        self.program: Program = load_program(wasm, ALL_INTERFACES, count_fuel=count_fuel)
        self.service = service
        self.limits = limits or Limits()
        self.faults = Faults()
        self.make_world = make_world
        self.ended: deque[Sandbox] = deque(maxlen=100)
        self._numbers = itertools.count()
        self._waiting: list[PendingRequest] = []
        self._running: dict[int, threading.Thread] = {}
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(self.limits.sandboxes)
        self._closing = threading.Event()
        threading.Thread(target=self._tick, name="epochs", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tick(self) -> None:
        while not self._closing.wait(EPOCH_SECONDS):
            self.program.engine.increment_epoch()

    def dispatch(self, exchange: Exchange) -> None:
        """Hand an exchange to a sandbox that waits, else to a new one."""
        if self._closing.is_set():
            exchange.answer(Response(503), Body())
            return
        with self._lock:
            if self._waiting:
                self._waiting.pop().settle(exchange)
                return
        self.start(exchange)

    def start(self, exchange: Exchange, *, then: Exchange | None = None) -> Sandbox:
        """Start a sandbox for an exchange; the other one is what it gets when it asks for a further request."""
        self._free.acquire()
        sandbox = Sandbox(self, exchange, next(self._numbers), then)
        thread = threading.Thread(target=self._run, args=(sandbox,), name=f"sandbox {sandbox.number}", daemon=True)
        with self._lock:
            self._running[sandbox.number] = thread
        thread.start()
        return sandbox

    def join(self, sandbox: Sandbox) -> None:
        """Wait until a sandbox has ended."""
        with self._lock:
            thread = self._running.get(sandbox.number)
        if thread is not None:
            thread.join()

    def _run(self, sandbox: Sandbox) -> None:
        try:
            sandbox.run()
        finally:
            self._free.release()
            self.ended.append(sandbox)
            for line in sandbox.streams.stdout.splitlines() + sandbox.streams.stderr.splitlines():
                self.report(line.decode(errors="replace"))
            with self._lock:
                del self._running[sandbox.number]

    def enqueue(self, pending: PendingRequest) -> bool:
        """Put a sandbox in line unless the line is full."""
        with self._lock:
            if self._closing.is_set() or len(self._waiting) >= MOST_WAITING:
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
        self.report(f"{name} :: {message.decode(errors='replace')}")

    def close(self) -> None:
        """End every sandbox: those that wait at once, those that compute at the next check of the epoch."""
        self._closing.set()
        with self._lock:
            waiting, self._waiting = self._waiting, []
            running = list(self._running.values())
        for pending in waiting:
            pending.settle(None)
        for _ in range(round(self.limits.seconds / EPOCH_SECONDS) + 1):
            self.program.engine.increment_epoch()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in running:
            thread.join(max(0.0, deadline - time.monotonic()))
