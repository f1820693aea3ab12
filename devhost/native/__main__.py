"""Serve the service's source until Ctrl-C or SIGTERM: `python -m devhost.native`."""

import argparse
import sys
import time
from pathlib import Path

from devhost.fastly.hosting import Limits
from devhost.fastly.manifest import InvalidManifest, read_manifest
from devhost.fastly.server import Server
from devhost.native.sandbox import Host
from devhost.native.snapshot import ENTRY, Snapshot
from devhost.stop_signals import StopSignals, leave


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m devhost.native", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=Path("fastly.toml"), help="whose local_server tables to use")
    parser.add_argument("--port", type=int, default=7676)
    parser.add_argument("--requests", type=int, default=None, help="that a sandbox may take; 6 unless given")
    parser.add_argument("--entry", default=ENTRY, help="the module that exports the handler; app unless given")
    return parser.parse_args()


def serve(
    manifest: Path, address: tuple[str, int], requests_per_sandbox: int | None = None, entry: str = ENTRY
) -> Server:
    """Serve the source in the background; raises `InvalidManifest`, or `OSError` when the port is taken."""
    limits = Limits() if requests_per_sandbox is None else Limits(requests=requests_per_sandbox)
    return Server(address, Host(read_manifest(manifest), limits=limits, snapshot=Snapshot(entry)))


def main() -> int:
    """Serve until asked to stop."""
    stop = StopSignals()
    arguments = read_arguments()
    started = time.monotonic()
    try:
        server = serve(arguments.manifest, ("127.0.0.1", arguments.port), arguments.requests, arguments.entry)
    except (InvalidManifest, OSError) as problem:
        print(f"gatelet: {problem}", file=sys.stderr)
        return 1
    with server:
        print(f"gatelet: native host on 127.0.0.1:{server.port} after {time.monotonic() - started:.1f} s", flush=True)
        stop.wait(None)
    return 0


if __name__ == "__main__":
    leave(main())
