"""What is compared: each service, how it is built, configured and served under Viceroy."""

from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cold_request import HELLO as HELLO_RECIPE
from benchmarks.comparison import peers
from benchmarks.comparison.questions import GATELET, PEER, Dialect
from benchmarks.comparison.specs import AskedSpec
from benchmarks.timed_server import ADDRESS, TimedServer, find_free_port
from devhost.build import COMPONENT, build_component
from devhost.hosts import viceroy_command
from devhost.local_config import derive_config, find_spec_key, read_committed, write_config
from devhost.local_store import PAGED, RAW, list_entries, write_store
from devhost.viceroy import INSTALL_HINT, find_viceroy

FRESH, REUSED = "fresh", "reused"


class Service(NamedTuple):
    """One service; `layout` is how the spec lies in the store of Gatelet, empty for a peer, which reads v1.

    Of the paged layout both forms are measured: with the raw value beside the pages, which is what `gatelet push` and
    `make serve` write, and without, as `gatelet push --layout paged` does.
    """

    name: str
    component: Path
    dialect: Dialect
    layout: str = ""
    is_reused: bool = False
    is_bare: bool = False  # replies at once: the floor of its language
    is_without_raw: bool = False  # pages alone

    @property
    def is_ours(self) -> bool:
        """Tell whether it is Gatelet."""
        return bool(self.layout) and not self.is_bare


def name_of(subject: str, reuse: str) -> str:
    """Return the name of a service in one of its two ways to use sandboxes."""
    return f"{subject}, {reuse}"


PAGED_FRESH, PAGED_REUSED = name_of("gatelet paged", FRESH), name_of("gatelet paged", REUSED)
RAW_FRESH, RAW_REUSED = name_of("gatelet raw", FRESH), name_of("gatelet raw", REUSED)
ALONE_FRESH = name_of("gatelet pages alone", FRESH)
LITE_FRESH, LITE_REUSED = name_of("statsig-node-lite", FRESH), name_of("statsig-node-lite", REUSED)
SERVERLESS_FRESH = name_of("@statsig/serverless-client", FRESH)
SERVERLESS_REUSED = name_of("@statsig/serverless-client", REUSED)
OURS = (PAGED_FRESH, PAGED_REUSED, RAW_FRESH, RAW_REUSED, ALONE_FRESH)
HELLO_PYTHON, HELLO_JAVASCRIPT = "bare Python", "bare JavaScript"


def build_services() -> dict[str, Service]:
    """Build everything and return the services by name; raises BuildFailed."""
    build_component()
    build_component(HELLO_RECIPE)
    built = peers.build_peers()
    services = [
        Service(PAGED_FRESH, COMPONENT, GATELET, PAGED),
        Service(PAGED_REUSED, COMPONENT, GATELET, PAGED, is_reused=True),
        Service(RAW_FRESH, COMPONENT, GATELET, RAW),
        Service(RAW_REUSED, COMPONENT, GATELET, RAW, is_reused=True),
        Service(ALONE_FRESH, COMPONENT, GATELET, PAGED, is_without_raw=True),
        Service(LITE_FRESH, built[peers.NODE_LITE], PEER),
        Service(LITE_REUSED, built[f"{peers.NODE_LITE}_reused"], PEER, is_reused=True),
        Service(SERVERLESS_FRESH, built[peers.SERVERLESS], PEER),
        Service(SERVERLESS_REUSED, built[f"{peers.SERVERLESS}_reused"], PEER, is_reused=True),
        Service(HELLO_PYTHON, HELLO_RECIPE.component, GATELET, PAGED, is_bare=True),
        Service(HELLO_JAVASCRIPT, built[peers.HELLO], PEER, is_bare=True),
    ]
    return {one.name: one for one in services}


def start(service: Service, spec: AskedSpec, folder: Path, events_port: int) -> TimedServer:
    """Serve a service on a spec; raises FileNotFoundError without Viceroy."""
    viceroy = find_viceroy()
    if viceroy is None:
        raise FileNotFoundError(f"this needs Viceroy: {INSTALL_HINT}")
    events = f"http://{ADDRESS}:{events_port}"
    configure = configure_gatelet if service.layout else configure_peer
    write_config(configure(service, spec, folder / "kv", events), folder / "fastly.toml")
    port = find_free_port()
    command = viceroy_command(viceroy, folder / "fastly.toml", port, service.component)
    return TimedServer(command, port, folder / "host.log")


def configure_gatelet(service: Service, spec: AskedSpec, store: Path, events: str) -> dict[str, Any]:
    """Return the fastly.toml of Gatelet: the committed one, with the spec in a layout."""
    committed = read_committed()
    key = find_spec_key(committed)
    entries = list_entries(key, spec.text, service.layout)
    if service.is_without_raw:
        entries = tuple(entry for entry in entries if entry.key != key)
    return derive_config(
        committed,
        entries=write_store(entries, store),
        events_url=events,
        requests_per_sandbox=None if service.is_reused else 1,
    )


def configure_peer(_service: Service, spec: AskedSpec, store: Path, events: str) -> dict[str, Any]:
    """Return the fastly.toml of a peer: the spec under one key, and a backend for events."""
    store.mkdir(parents=True)
    (store / "spec").write_bytes(spec.v1_text)
    entries = [{"key": "spec", "file": str(store / "spec")}]
    server = {"backends": {"events": {"url": events}}, "kv_stores": {"specs": entries}}
    return {"manifest_version": 3, "name": "peer", "language": "other", "local_server": server}
