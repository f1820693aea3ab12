"""Serve the built component over HTTP on this machine."""

from pathlib import Path

from devhost.embedded.sandbox import Host
from devhost.fastly.hosting import Limits
from devhost.fastly.manifest import read_manifest
from devhost.fastly.server import Server


def serve(manifest: Path, wasm: Path, address: tuple[str, int], requests_per_sandbox: int | None = None) -> Server:
    """Serve a component in the background; closing the server ends it.

    Raises `InvalidManifest`, `CannotLoad`, or `OSError` when the port is taken.
    """
    limits = Limits() if requests_per_sandbox is None else Limits(requests=requests_per_sandbox)
    return Server(address, Host(wasm, read_manifest(manifest), limits=limits))
