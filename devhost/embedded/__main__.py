"""Serve a component until Ctrl-C or SIGTERM: `python -m devhost.embedded`."""

import argparse
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from devhost.embedded.program import CannotLoad
from devhost.embedded.serving import serve
from devhost.fastly.fault_script import InvalidScript
from devhost.fastly.manifest import InvalidManifest
from devhost.fastly.server import Server
from devhost.stop_signals import StopSignals, leave

START_POLL_SECONDS = 0.02


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m devhost.embedded", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=Path("fastly.toml"), help="whose local_server tables to use")
    parser.add_argument("--wasm", type=Path, default=Path("bin/main.wasm"), help="the component")
    parser.add_argument("--port", type=int, default=7676)
    parser.add_argument("--requests", type=int, default=None, help="that a sandbox may take; 6 unless given")
    parser.add_argument("--faults", type=Path, default=None, help="a script of faults, see docs/embedded-host.md")
    return parser.parse_args()


def start(arguments: argparse.Namespace) -> Future[Server]:
    """Start the server on another thread: compiling takes seconds, in which a signal must be heard too."""
    address = "127.0.0.1", arguments.port
    starter = ThreadPoolExecutor(1, "starter")
    return starter.submit(serve, arguments.manifest, arguments.wasm, address, arguments.requests, arguments.faults)


def main() -> int:
    """Serve until asked to stop."""
    stop = StopSignals()
    started = time.monotonic()
    starting = start(read_arguments())
    while not starting.done():
        if stop.wait(START_POLL_SECONDS):
            return 0
    try:
        server = starting.result()
    except (InvalidManifest, InvalidScript, CannotLoad, OSError) as problem:
        print(f"gatelet: {problem}", file=sys.stderr)
        return 1
    with server:
        print(f"gatelet: embedded host on 127.0.0.1:{server.port} after {time.monotonic() - started:.1f} s", flush=True)
        stop.wait(None)
    return 0


if __name__ == "__main__":
    leave(main())
