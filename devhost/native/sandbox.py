"""Sandboxes that run the service's source on this Python."""

import time
import traceback
from collections.abc import Mapping

from devhost.fastly import hosting
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange
from devhost.fastly.service import Service, make_interfaces
from devhost.fastly.values import Interface
from devhost.native.bindings import Trap, calling, load_bindings
from devhost.native.convert import adopt
from devhost.native.snapshot import Snapshot


class Sandbox(hosting.Sandbox):
    """One start of the service's source, from its first request to its end."""

    def __init__(self, host: "Host", exchange: Exchange, number: int, then: Exchange | None = None) -> None:
        super().__init__(host, exchange, number, then)
        self._snapshot = host.snapshot
        self.trace: list[str] = []
        self.interfaces: Mapping[str, Interface] = make_interfaces(
            host.around, self, number, lambda: time.thread_time_ns() // 1_000_000
        )

    def mark(self, function: str) -> None:
        """Note a call from the guest."""
        self.count_call(function, len(self.trace))
        self.trace.append(function)

    def run_guest(self) -> None:
        """Run the guest to its end."""
        modules = load_bindings()
        first = self.exchange
        try:
            with calling(self):
                request = adopt(modules["wit_world.imports.http_req"].Request, first.request, self.handles)
                body = adopt(modules["wit_world.imports.async_io"].Pollable, first.body, self.handles)
                self._snapshot.start().handle(request, body)
        except (Exception, Trap) as problem:  # noqa: BLE001  # whatever the guest raises ends the guest only
            cause = problem.__cause__ if isinstance(problem, Trap) and problem.__cause__ else problem
            self.fail(cause, "".join(traceback.format_exception(problem)))


class Host(hosting.Host[Sandbox]):
    """Runs the service's source."""

    def __init__(self, service: Service, *, limits: Limits | None = None, snapshot: Snapshot | None = None) -> None:
        super().__init__(service, limits)
        self.snapshot = snapshot or Snapshot()
        self.snapshot.load()  # what does not import is to be known before the first request

    def make_sandbox(self, exchange: Exchange, number: int, then: Exchange | None) -> Sandbox:
        """Make a sandbox, the service's modules still to be executed."""
        return Sandbox(self, exchange, number, then)

    def interrupt(self) -> None:
        """Do nothing: nothing ends a Python thread that computes, and the process does not wait for it."""
