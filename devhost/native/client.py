"""Ask the service in this process, without a socket or a thread: for tests, a debugger and coverage.

`Client(service).ask("GET", "/healthz")` runs a fresh sandbox on the calling thread until it has ended, what follows the
reply included, and returns the reply. `ask_in_turn` gives one sandbox several requests. Backends of the manifest are
replaced by prepared ones, which keep what was sent to them: `client.backends["events"].received`.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from devhost.fastly.backends import Prepared
from devhost.fastly.faults import Faults
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange, PendingRequest
from devhost.fastly.messages import Body, Header, Request
from devhost.fastly.service import Service
from devhost.native.sandbox import Host, Sandbox
from devhost.native.snapshot import Snapshot

ORIGIN = "http://gatelet.test"


class Ask(NamedTuple):
    """A request."""

    method: str
    target: str
    content: bytes = b""
    headers: tuple[Header, ...] = ()

    def exchange(self) -> Exchange:
        """Return it as a sandbox gets it."""
        headers = (("host", b"gatelet.test"), *self.headers)
        return Exchange(Request(self.method, ORIGIN + self.target, headers, ("127.0.0.1", 1)), Body(self.content))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client got."""

    status: int
    headers: dict[str, str]
    content: bytes


class SandboxInTurn(Sandbox):
    """A sandbox that gets the requests it was made with, and then no more."""

    def __init__(self, host: Host, exchanges: Iterable[Exchange], number: int) -> None:
        self._following = deque(exchanges)
        self._dispatcher = host
        super().__init__(host, self._following.popleft(), number)

    def wait_for_request(self, _seconds: float | None) -> PendingRequest:
        """Give the next request."""
        pending = PendingRequest(0.0, self._dispatcher)
        pending.settle(self._following.popleft() if self._following else None)
        return pending


@dataclass(slots=True)
class Client:
    """Asks a service; what it finds around it stays from one request to the next."""

    service: Service
    limits: Limits | None = None
    snapshot: Snapshot = field(default_factory=Snapshot)
    backends: dict[str, Prepared] = field(init=False)
    host: Host = field(init=False)

    def __post_init__(self) -> None:
        self.backends = {name: target.prepared or Prepared() for name, target in self.service.backends.items()}
        targets = {
            name: replace(target, prepared=self.backends[name]) for name, target in self.service.backends.items()
        }
        self.host = Host(replace(self.service, backends=targets), limits=self.limits, snapshot=self.snapshot)

    @property
    def faults(self) -> Faults:
        """The faults in the service's way."""
        return self.host.faults

    @property
    def ended(self) -> list[Sandbox]:
        """The sandboxes that have ended, with what they called and why they failed."""
        return list(self.host.ended)

    def ask(self, method: str, target: str, content: bytes = b"", headers: tuple[Header, ...] = ()) -> Reply:
        """Ask a fresh sandbox."""
        return self.ask_in_turn([Ask(method, target, content, headers)])[0]

    def ask_in_turn(self, asks: Iterable[Ask]) -> list[Reply]:
        """Ask one sandbox; raises `TimeoutError` when it ended before it took the last request."""
        exchanges = [ask.exchange() for ask in asks]
        sandbox = self.begin(exchanges)
        sandbox.run()
        self.host.ended.append(sandbox)
        return [read_reply(exchange) for exchange in exchanges]

    def begin(self, exchanges: Sequence[Exchange] = ()) -> SandboxInTurn:
        """Return a sandbox that does not run yet; without requests, for a caller that plays the guest."""
        return SandboxInTurn(self.host, exchanges or [Ask("GET", "/").exchange()], self.host.next_number())


def read_reply(exchange: Exchange) -> Reply:
    """Return the reply that was given."""
    response, body = exchange.wait(0)
    headers = {name: value.decode("latin-1") for name, value in response.headers}
    return Reply(response.status, headers, b"".join(body.pieces()))
