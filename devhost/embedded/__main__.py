"""Serve a component until Ctrl-C or SIGTERM: `python -m devhost.embedded`."""

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

from devhost.embedded.program import CannotLoad
from devhost.embedded.serving import serve
from devhost.fastly.manifest import InvalidManifest

LONGEST_GOODBYE_SECONDS = 5.0


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m devhost.embedded", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=Path("fastly.toml"), help="whose local_server tables to use")
    parser.add_argument("--wasm", type=Path, default=Path("bin/main.wasm"), help="the component")
    parser.add_argument("--port", type=int, default=7676)
    parser.add_argument("--requests", type=int, default=None, help="that a sandbox may take; 6 unless given")
    return parser.parse_args()


def main() -> int:
    """Serve until asked to stop."""
    # A pipe, not an Event: setting one in a handler blocks for ever when the signal comes while `wait` holds its lock.
    stopped, stop = os.pipe()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda *_: os.write(stop, b"."))
    arguments = read_arguments()
    started = time.monotonic()
    try:
        server = serve(arguments.manifest, arguments.wasm, ("127.0.0.1", arguments.port), arguments.requests)
    except (InvalidManifest, CannotLoad, OSError) as problem:
        print(f"gatelet: {problem}", file=sys.stderr)
        return 1
    with server:
        print(f"gatelet: embedded host on 127.0.0.1:{server.port} after {time.monotonic() - started:.1f} s", flush=True)
        os.read(stopped, 1)
        # A guest or a client that cannot be ended must not keep the process.
        watchdog = threading.Timer(LONGEST_GOODBYE_SECONDS, os._exit, (0,))
        watchdog.daemon = True
        watchdog.start()
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it takes apart the modules under guests that still run, which has hung.
    os._exit(status)
