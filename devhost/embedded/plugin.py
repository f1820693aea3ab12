"""Fixtures for tests that run a component in this process: `pytest_plugins = ["devhost.embedded.plugin"]`.

`start_gatelet` starts the built component on a manifest's tables and gives a `Running` host: ask it directly, make its
KV store change, and put faults in its way. `gatelet` is one with the project's own manifest.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from devhost.embedded.sandbox import Host, Sandbox
from devhost.fastly.faults import Faults
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange
from devhost.fastly.manifest import read_manifest
from devhost.fastly.messages import Body, Header, Request
from devhost.fastly.service import Service

ROOT = Path(__file__).resolve().parents[2]
COMPONENT = ROOT / "bin" / "main.wasm"
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client got."""

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Running:
    """A component that runs in this process."""

    host: Host

    @property
    def faults(self) -> Faults:
        """The faults in its way."""
        return self.host.faults

    @property
    def ended(self) -> list[Sandbox]:
        """The sandboxes that have ended, with what they wrote, called and used."""
        return list(self.host.ended)

    def ask(self, method: str, target: str, content: bytes = b"", headers: tuple[Header, ...] = ()) -> Reply:
        """Send a request without a socket, and return the reply."""
        request = Request(method, f"http://gatelet.test{target}", headers, ("127.0.0.1", 1))
        exchange = Exchange(request, Body(content))
        self.host.dispatch(exchange)
        response, body = exchange.wait(ANSWER_SECONDS)
        named = {name: value.decode("latin-1") for name, value in response.headers}
        return Reply(response.status, named, b"".join(body.pieces()))


type Start = Callable[..., Running]


@pytest.fixture
def start_gatelet() -> Iterator[Start]:
    """Start components that end with the test."""
    with ExitStack() as hosts:

        def start(service: Service, *, limits: Limits | None = None, component: Path = COMPONENT) -> Running:
            return Running(hosts.enter_context(Host(component, service, limits=limits)))

        yield start


@pytest.fixture
def gatelet(start_gatelet: Start, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Start the built component with what its own fastly.toml says; each request gets a fresh sandbox."""
    monkeypatch.chdir(ROOT)
    return start_gatelet(read_manifest(ROOT / "fastly.toml"), limits=Limits(requests=1))
