"""Fixtures for tests that run a built component in this process: `pytest_plugins = ["devhost.embedded.plugin"]`.

`start_gatelet` starts a component, ours or another, on the tables of a manifest and gives a `Running`: ask it, look
into its KV stores, see what its backends got, put faults in its way. `gatelet` is ours on its own manifest, with a
fresh sandbox for each request. docs/embedded-host.md has an example.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devhost.embedded.sandbox import Host, Sandbox
from devhost.fastly.backends import Prepared
from devhost.fastly.fault_script import read_script
from devhost.fastly.faults import Faults
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange
from devhost.fastly.kv import KvStore
from devhost.fastly.manifest import read_manifest
from devhost.fastly.messages import Body, Header, Request
from devhost.fastly.service import Service, prepare_backends

ROOT = Path(__file__).resolve().parents[2]
COMPONENT = ROOT / "bin" / "main.wasm"
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client got."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the content, decoded."""
        return json.loads(self.content)


@dataclass(frozen=True, slots=True)
class Running:
    """A component that runs in this process."""

    host: Host

    @property
    def faults(self) -> Faults:
        """The faults in its way."""
        return self.host.faults

    @property
    def kv_stores(self) -> Mapping[str, KvStore]:
        """Its KV stores."""
        return self.host.service.kv_stores

    @property
    def backends(self) -> Mapping[str, Prepared]:
        """Its backends, with what they got."""
        targets = self.host.service.backends.items()
        return {name: target.prepared for name, target in targets if target.prepared is not None}

    @property
    def ended(self) -> list[Sandbox]:
        """The sandboxes that have ended, with what they wrote, called and used, and why they failed."""
        return list(self.host.ended)

    def ask(self, method: str, target: str, content: bytes = b"", headers: tuple[Header, ...] = ()) -> Reply:
        """Send a request without a socket, and return the reply."""
        headers = (("host", b"gatelet.test"), *headers)
        request = Request(method, f"http://gatelet.test{target}", headers, ("127.0.0.1", 1))
        exchange = Exchange(request, Body(content))
        self.host.dispatch(exchange)
        response, body = exchange.wait(ANSWER_SECONDS)
        named = {name: value.decode("latin-1") for name, value in response.headers}
        return Reply(response.status, named, b"".join(body.pieces()))

    def settle(self) -> None:
        """Wait until what follows the replies is done; raises `TimeoutError`."""
        if not self.host.settle(ANSWER_SECONDS):
            raise TimeoutError("a sandbox is still busy")


type Start = Callable[..., Running]


@pytest.fixture
def start_gatelet() -> Iterator[Start]:
    """Start components that end with the test, with the faults of a script if one is given."""
    with ExitStack() as hosts:

        def start(
            service: Service, *, limits: Limits | None = None, component: Path = COMPONENT, faults: str = ""
        ) -> Running:
            script = read_script(faults)
            host = Host(component, prepare_backends(service), limits=script.limit(limits or Limits()))
            script.begin(host.faults)
            return Running(hosts.enter_context(host))

        yield start


@pytest.fixture
def gatelet(start_gatelet: Start, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Start the built component with what its own fastly.toml says; each request gets a fresh sandbox."""
    monkeypatch.chdir(ROOT)
    return start_gatelet(read_manifest(ROOT / "fastly.toml"), limits=Limits(requests=1))
