"""Sandboxes that are instances of the built component.

Each has its own wasmtime store and its own thread, never the main one, so that signals do not arrive inside a host
function. A trap ends its sandbox and nothing else.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from wasmtime import Store, WasmtimeError

from devhost.embedded.codec import call_export
from devhost.embedded.linker import enter_guest
from devhost.embedded.program import Program, load_program
from devhost.embedded.wasi import NANOSECONDS, WASI_INTERFACES, GuestExit, Streams, World, system_world
from devhost.fastly import hosting
from devhost.fastly.faults import Faults
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange
from devhost.fastly.service import FASTLY_INTERFACES, Service, make_interfaces
from devhost.fastly.values import Err, Interface

ALL_INTERFACES: dict[str, type[Interface]] = {**FASTLY_INTERFACES, **WASI_INTERFACES}

ALL_FUEL = 1 << 62
EPOCH_SECONDS = 0.1
INTERRUPTED = "wasm trap: interrupt"


class Mark(NamedTuple):
    """A call from the guest to the host."""

    function: str
    fuel: int  # used so far; 0 when it is not counted


class Sandbox(hosting.Sandbox):
    """One instance of the component, from its first request to its end."""

    def __init__(self, host: "Host", exchange: Exchange, number: int, then: Exchange | None = None) -> None:
        super().__init__(host, exchange, number, then)
        self._host = host
        self.streams = Streams()
        self.world = world = shift_clock(host.make_world(number), host.faults)
        self._fuel = ALL_FUEL if host.limits.fuel is None else host.limits.fuel
        self.trace: list[Mark] = []
        self.fuel = 0
        self._store: Store | None = None
        self.interfaces: Mapping[str, Interface] = {
            **make_interfaces(host.around, self, number, lambda: world.cpu_ns() // 1_000_000),
            **{name: kind(world, self.streams) for name, kind in WASI_INTERFACES.items()},
        }

    def mark(self, function: str) -> None:
        """Note a call from the guest, and the fuel used until then."""
        self.count_call(function, len(self.trace))
        self.trace.append(Mark(function, self._used_fuel()))

    def _used_fuel(self) -> int:
        return self._fuel - self._store.get_fuel() if self._store and self._host.program.counts_fuel else 0

    def run_guest(self) -> None:
        """Run the guest to its end."""
        try:
            enter_guest(self, self._call_guest)
        except WasmtimeError as trap:
            if not (isinstance(self.failure, GuestExit) and self.failure.succeeded):
                self.fail(self.failure or trap, self._describe(trap))

    def _describe(self, trap: WasmtimeError) -> str:
        if self._host.closing.is_set() and INTERRUPTED in str(trap):
            return "interrupted, because the host closes"
        return f"{trap}\n\n{self.streams.stderr.decode(errors='replace')}"

    def _call_guest(self) -> None:
        program = self._host.program
        with Store(program.engine) as store:
            self._store = store
            store.set_limits(memory_size=self._host.limits.memory)
            store.set_epoch_deadline(max(1, round(self._host.limits.seconds / EPOCH_SECONDS)))
            if program.counts_fuel:
                store.set_fuel(self._fuel)
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

    def list_output(self) -> Iterable[str]:
        """List the lines that the guest wrote."""
        lines = self.streams.stdout.splitlines() + self.streams.stderr.splitlines()
        return [line.decode(errors="replace") for line in lines]


def shift_clock(world: World, faults: Faults) -> World:
    """Return the world with a wall clock that faults can put forward and back."""
    return replace(world, wall_ns=lambda: world.wall_ns() + round(faults.clock_shift() * NANOSECONDS))


class Host(hosting.Host[Sandbox]):
    """Runs the built component."""

    def __init__(
        self,
        wasm: Path,
        service: Service,
        *,
        limits: Limits | None = None,
        count_fuel: bool = False,
        make_world: Callable[[int], World] = system_world,
    ) -> None:
        super().__init__(service, limits)
        counts_fuel = count_fuel or self.limits.fuel is not None
        self.program: Program = load_program(wasm, ALL_INTERFACES, count_fuel=counts_fuel)
        self.make_world = make_world
        threading.Thread(target=self._tick, name="epochs", daemon=True).start()

    def _tick(self) -> None:
        while not self.closing.wait(EPOCH_SECONDS):
            self.program.engine.increment_epoch()

    def make_sandbox(self, exchange: Exchange, number: int, then: Exchange | None) -> Sandbox:
        """Make a sandbox, its instance still to come."""
        return Sandbox(self, exchange, number, then)

    def interrupt(self) -> None:
        """End guests at their next check of the epoch."""
        for _ in range(round(self.limits.seconds / EPOCH_SECONDS) + 1):
            self.program.engine.increment_epoch()
