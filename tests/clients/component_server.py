"""The built component behind HTTP, in this process, so that a test can change its stores while it serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devhost.build import COMPONENT
from devhost.embedded.sandbox import Host
from devhost.fastly.backends import BackendTarget, Prepared
from devhost.fastly.kv import KvStore
from devhost.fastly.server import Server
from devhost.fastly.service import Service


@dataclass(frozen=True, slots=True)
class ComponentServer:
    """A running component, its store and what it has sent."""

    url: str
    store: KvStore
    events: Prepared

    def put(self, key: str, value: bytes) -> None:
        """Write a value into its store."""
        self.store.insert(key, value)

    def list_sent(self) -> list[tuple[dict[str, bytes], bytes]]:
        """The headers and bodies that the events backend got."""
        return [(dict(got.headers), got.content) for got in self.events.received]


@contextmanager
def serving_component(
    settings: dict[str, str], secrets: dict[str, bytes], store_name: str, values: dict[str, bytes]
) -> Iterator[ComponentServer]:
    """Serve for as long as the block takes."""
    store, events = KvStore(), Prepared()
    for key, value in values.items():
        store.insert(key, value)
    service = Service(
        kv_stores={store_name: store},
        config_stores={"gatelet": settings},
        secret_stores={"gatelet": secrets},
        backends={"events": BackendTarget("http://events.test", prepared=events)},
    )
    with Server(("127.0.0.1", 0), Host(COMPONENT, service)) as server:
        yield ComponentServer(f"http://127.0.0.1:{server.port}", store, events)
