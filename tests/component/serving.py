"""Run the service under a host, with a sink for its events, for as long as a test needs it."""

import http.client
import io
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from devhost.build import COMPONENT
from devhost.event_sink import Received, SinkServer
from devhost.hosts import embedded_command, native_command, viceroy_command
from devhost.local_config import derive_config, find_spec_key, read_committed, with_settings, write_config
from devhost.local_store import PAGED, list_entries, list_entries_beside, write_store
from devhost.viceroy import INSTALL_HINT, find_viceroy

VICEROY = "viceroy"
EMBEDDED = "embedded"
NATIVE = "native"
START_SECONDS = 300.0  # Viceroy compiles for 6 s on an idle machine, and for minutes on a busy one
CLIENT = {"statsig-api-key": "client-local"}
SERVER = {"statsig-api-key": "secret-local"}


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers, and where its events arrive."""

    url: str
    sink: SinkServer
    events_file: Path
    log: Path
    host_pid: int

    def client(self) -> httpx.Client:
        """A client for it; connections are kept."""
        return httpx.Client(base_url=self.url, timeout=30)

    def wait_for_events(self, count: int, seconds: float = 20.0) -> list[dict[str, Any]]:
        """The events received, once there are this many or the time is over."""
        deadline = time.monotonic() + seconds
        while self.sink.received.events < count and time.monotonic() < deadline:
            time.sleep(0.05)
        if not self.events_file.exists():
            return []
        # Not splitlines(): texts of events may hold other ends of lines. Behind the last \n a line may be half written.
        lines = self.events_file.read_text(encoding="utf-8").split("\n")[:-1]
        bodies = map(json.loads, lines)
        return [event for body in bodies for event in body["events"]]


@contextmanager
def running_service(
    host: str,
    folder: Path,
    spec: Path | None,
    *,
    reuse: int | None = None,
    settings: Mapping[str, str] | None = None,
    layout: str = PAGED,
    id_lists: Mapping[str, Path] | None = None,
) -> Iterator[Running]:
    """Serve a spec (None: the store is empty) under a host; the host's last lines are shown when the test fails."""
    events_file = folder / "events.jsonl"
    sink = SinkServer(0, Received(events_file, io.StringIO()))
    with sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        committed = read_committed()
        key = find_spec_key(committed)
        entries = () if spec is None else list_entries(key, spec.read_bytes(), layout)
        config = derive_config(
            committed,
            entries=write_store((*entries, *list_entries_beside(key, id_lists or {}, None)), folder / "kv"),
            events_url=f"http://127.0.0.1:{sink.port}",
            requests_per_sandbox=reuse,
        )
        if settings:
            server = config["local_server"]
            server["config_stores"] = with_settings(server["config_stores"], settings)
        write_config(config, folder / "fastly.toml")
        port = find_free_port()
        log = folder / "host.log"
        with running_host(host_command(host, folder / "fastly.toml", port), log, port) as pid:
            yield Running(f"http://127.0.0.1:{port}", sink, events_file, log, pid)
        sink.shutdown()


def host_command(host: str, config: Path, port: int) -> list[str]:
    """The command of a host; skips the test when the host is not there."""
    if host == NATIVE:
        return native_command(config, port)
    if not COMPONENT.is_file():
        pytest.fail("bin/main.wasm is not built; run `make build`")
    return viceroy_command(require_viceroy(), config, port) if host == VICEROY else embedded_command(config, port)


def require_viceroy() -> Path:
    """Viceroy; skips the test when it is not there."""
    viceroy = find_viceroy()
    if viceroy is None:
        pytest.skip(f"needs Viceroy: {INSTALL_HINT}")
    return viceroy


@contextmanager
def running_host(command: list[str], log: Path, port: int) -> Iterator[int]:
    """Run the host until the end of the block; gives its process ID."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as child:
        try:
            wait_until_answering(child, port, log)
            yield child.pid
        except BaseException:
            print(f"the host's last lines:\n{tail(log)}")
            raise
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def wait_until_answering(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait for the first answer of any kind."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    pytest.fail(f"the host did not answer (status {child.poll()}):\n{tail(log)}")


def tail(log: Path, lines: int = 30) -> str:
    """The last lines of a file."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def find_free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
