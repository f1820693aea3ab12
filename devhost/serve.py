"""Serve the built component on this machine: `make serve`.

One process looks after everything: it writes `.local/fastly.toml`, runs the event sink in a thread, starts the host of
the component as its only child, waits until `/healthz` answers, and stops what it started on Ctrl-C, on SIGTERM, or
when the host ends by itself. What can be asked of it comes from the environment; `Wishes` lists it.
"""

import http.client
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devhost.build import COMPONENT
from devhost.event_sink import Mood, Received, SinkServer
from devhost.hosts import ADDRESS, embedded_command, native_command, viceroy_command
from devhost.local_config import EXAMPLE_SPEC, ROOT, derive_config, find_spec_key, read_committed, write_config
from devhost.local_store import LAYOUTS, PAGED, Item, list_entries, list_entries_beside, write_store
from devhost.stop_signals import StopSignals
from devhost.viceroy import INSTALL_HINT, find_viceroy

LOCAL = ROOT / ".local"
EVENTS_FILE = LOCAL / "events.jsonl"
START_SECONDS = 600.0  # compiling takes minutes on a machine that is busy; a host that ended is noticed at once
STOP_SECONDS = 5.0


class CannotServe(Exception):
    """What was asked for cannot be served; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the environment asks for."""

    port: int  # PORT
    spec: Path | None  # SPEC: a file; `none` serves with an empty store
    host: str  # HOST: viceroy, embedded, native, or empty for the better one of the first two that is there
    events_port: int  # EVENTS_PORT: 0 takes any free one
    events_url: str  # EVENTS_URL: send events there and start no sink
    events_delay: float  # EVENTS_DELAY: seconds the sink waits before it answers
    requests_per_sandbox: int | None  # REUSE
    layout: str  # LAYOUT: paged or raw
    id_lists: Mapping[str, Path]  # ID_LISTS: NAME=FILE, separated by blanks
    overrides: Path | None  # OVERRIDES: a file
    faults: Path | None = None  # FAULTS: a script, for the embedded host

    @property
    def store(self) -> Path:
        """Return the folder that holds the values of the KV store."""
        return LOCAL / f"kv-{self.port}"

    @property
    def config(self) -> Path:
        """Return the file the host reads; one per port, so that two servers can run from one checkout."""
        return LOCAL / f"fastly-{self.port}.toml"

    @property
    def host_log(self) -> Path:
        """Return the file the host's own lines go to."""
        return LOCAL / f"host-{self.port}.log"


def read_wishes(environment: Mapping[str, str]) -> Wishes:
    """Read what is asked for; raises `CannotServe` when it makes no sense."""
    layout = environment.get("LAYOUT") or PAGED
    if layout not in LAYOUTS:
        raise CannotServe(f"LAYOUT={layout}: set it to {' or '.join(LAYOUTS)}")
    overrides = environment.get("OVERRIDES")
    host = environment.get("HOST") or ""
    if host not in ("", "viceroy", "embedded", "native"):
        raise CannotServe(f"HOST={host}: set it to viceroy, embedded or native")
    faults = environment.get("FAULTS")
    if faults and host not in ("", "embedded"):
        raise CannotServe(f"HOST={host}: only the embedded host has FAULTS; leave HOST unset")
    return Wishes(
        port=read_number(environment, "PORT", 7676),
        spec=read_spec_path(environment.get("SPEC") or EXAMPLE_SPEC),
        host="embedded" if faults else host,
        events_port=read_number(environment, "EVENTS_PORT", 0),
        events_url=environment.get("EVENTS_URL") or "",
        events_delay=read_seconds(environment, "EVENTS_DELAY"),
        requests_per_sandbox=read_number(environment, "REUSE", 0) or None,
        layout=layout,
        id_lists=read_list_paths(environment.get("ID_LISTS") or ""),
        overrides=find_file("OVERRIDES", overrides) if overrides else None,
        faults=find_file("FAULTS", faults) if faults else None,
    )


def read_number(environment: Mapping[str, str], name: str, default: int) -> int:
    """Read a whole number of at most 65535."""
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise CannotServe(f"{name}={text}: set it to a whole number from 0 to 65535")
    return int(text)


def read_seconds(environment: Mapping[str, str], name: str) -> float:
    """Read a number of seconds."""
    text = environment.get(name) or "0"
    try:
        return float(text)
    except ValueError as problem:
        raise CannotServe(f"{name}={text}: set it to a number of seconds") from problem


def read_spec_path(text: str) -> Path | None:
    """Find the spec file, whose content is for the service to judge."""
    if text == "none":
        return None
    return find_file("SPEC", text)


def read_list_paths(text: str) -> dict[str, Path]:
    """Find the files of ID lists; names with blanks stand in quotes."""
    try:
        named = [one.partition("=") for one in shlex.split(text)]
    except ValueError as problem:
        raise CannotServe(f"ID_LISTS={text}: {problem}") from problem
    if not all(separator for _, separator, _ in named):
        raise CannotServe(f"ID_LISTS={text}: set it to NAME=FILE, several separated by blanks")
    return {name: find_file("ID_LISTS", path) for name, _, path in named}


def find_file(variable: str, text: str) -> Path:
    """Find a file that a variable names, from the project's folder."""
    path = (ROOT / Path(text).expanduser()).resolve()
    if not path.is_file():
        raise CannotServe(f"{variable}={text}: there is no file {path}")
    return path


def fill_store(wishes: Wishes, spec_key: str) -> list[Item]:
    """Write what stands in the KV store, and return its items."""
    spec = () if wishes.spec is None else list_entries(spec_key, wishes.spec.read_bytes(), wishes.layout)
    beside = list_entries_beside(spec_key, wishes.id_lists, wishes.overrides)
    return write_store((*spec, *beside), wishes.store)


def choose_host(wishes: Wishes) -> list[str]:
    """Choose the host and return the command that runs it, saying which it is."""
    if wishes.host == "native":
        print("gatelet: host is this Python, which runs the source and not the component", flush=True)
        return native_command(wishes.config, wishes.port, wishes.requests_per_sandbox)
    viceroy = None if wishes.host == "embedded" else find_viceroy()
    if viceroy is not None:
        print(f"gatelet: host is Viceroy ({viceroy})", flush=True)
        return viceroy_command(viceroy, wishes.config, wishes.port)
    if wishes.host == "viceroy":
        raise CannotServe(f"HOST=viceroy: there is no Viceroy here; {INSTALL_HINT}")
    note = "" if wishes.host else f" (no Viceroy here; {INSTALL_HINT})"
    print(f"gatelet: host is the embedded one{note}", flush=True)
    return embedded_command(wishes.config, wishes.port, wishes.requests_per_sandbox, faults=wishes.faults)


def check_port(port: int) -> None:
    """Raise `CannotServe` when something else listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as problem:
            raise CannotServe(f"port {port} is taken ({problem.strerror}); set PORT to another") from problem


@contextmanager
def running_sink(wishes: Wishes) -> Iterator[str]:
    """Run the event sink unless events go elsewhere, and give the address they go to."""
    if wishes.events_url:
        yield wishes.events_url
        return
    EVENTS_FILE.parent.mkdir(parents=True, exist_ok=True)
    try:
        sink = SinkServer(wishes.events_port, Received(EVENTS_FILE, sys.stdout), Mood(delay=wishes.events_delay))
    except OSError as problem:
        raise CannotServe(f"port {wishes.events_port} is taken ({problem.strerror}); set EVENTS_PORT") from problem
    with sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        try:
            yield f"http://{ADDRESS}:{sink.port}"
        finally:
            sink.shutdown()


@contextmanager
def running_host(command: list[str], host_log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the host of the component, its output in a file, and stop it at the end whatever happens."""
    with host_log.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT) as child:
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()


def ask_health(port: int) -> tuple[int, bytes] | None:
    """Return what `/healthz` answers, or None while nothing answers."""
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        reply = connection.getresponse()
        return reply.status, reply.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def wait_until_ready(child: subprocess.Popen[bytes], wishes: Wishes, stop: StopSignals) -> None:
    """Wait for a 200 of `/healthz`; another answer is shown and taken as ready, so that a bad spec can be looked at."""
    deadline = time.monotonic() + START_SECONDS
    while not stop.wait(0.1):
        if child.poll() is not None:
            raise CannotServe(
                f"the host ended with status {child.returncode}; its last lines:\n{tail(wishes.host_log)}"
            )
        if time.monotonic() > deadline:
            raise CannotServe(
                f"the host did not answer for {START_SECONDS:.0f} s; its last lines:\n{tail(wishes.host_log)}"
            )
        answer = ask_health(wishes.port)
        if answer is not None:
            if answer[0] != 200:
                print(f"gatelet: /healthz answers {answer[0]}: {answer[1].decode(errors='replace')}", flush=True)
            return


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a file."""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def describe_ready(wishes: Wishes, seconds: float) -> str:
    """Say what can be asked now."""
    base = f"http://{ADDRESS}:{wishes.port}"
    body = json.dumps({"user": {"userID": "a-user"}, "gateName": "test_fastly"})
    return "\n".join(
        (
            f"gatelet: ready on {base} after {seconds:.1f} s. Try:",
            f"  curl '{base}/gate?name=test_fastly&userID=a-user'",
            f"  curl {base}/v1/check_gate -H 'statsig-api-key: client-local' -d '{body}'",
            f"gatelet: the host logs to {wishes.host_log.relative_to(ROOT)}; Ctrl-C stops",
        )
    )


def serve(wishes: Wishes, stop: StopSignals) -> None:
    """Serve until asked to stop; raises `CannotServe` when the host does not start or ends by itself."""
    started = time.monotonic()
    if wishes.host != "native" and not COMPONENT.is_file():
        raise CannotServe("bin/main.wasm is not built; run `make build`")
    check_port(wishes.port)
    command = choose_host(wishes)
    with running_sink(wishes) as events_url:
        committed = read_committed()
        entries = fill_store(wishes, find_spec_key(committed))
        config = derive_config(
            committed,
            entries=entries,
            events_url=events_url,
            requests_per_sandbox=wishes.requests_per_sandbox,
        )
        write_config(config, wishes.config)
        spec = f"{wishes.spec}, {wishes.layout} in {len(entries)} entries" if wishes.spec else "none"
        print(f"gatelet: spec {spec}; events go to {events_url}", flush=True)
        with running_host(command, wishes.host_log) as child:
            wait_until_ready(child, wishes, stop)
            if not stop.is_set():
                print(describe_ready(wishes, time.monotonic() - started), flush=True)
            while not stop.wait(0.2):
                if child.poll() is not None:
                    raise CannotServe(
                        f"the host ended with {child.returncode}; its last lines:\n{tail(wishes.host_log)}"
                    )


def main() -> int:
    """Serve what the environment asks for."""
    try:
        serve(read_wishes(os.environ), StopSignals())
    except CannotServe as problem:
        print(f"gatelet: {problem}", file=sys.stderr)
        return 1
    print("gatelet: stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
