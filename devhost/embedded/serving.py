"""Serve the built component over HTTP on this machine."""

from pathlib import Path

from devhost.embedded.sandbox import Host
from devhost.fastly.fault_script import Script, read_script
from devhost.fastly.hosting import Limits
from devhost.fastly.manifest import read_manifest
from devhost.fastly.server import Server


def serve(
    manifest: Path,
    wasm: Path,
    address: tuple[str, int],
    requests_per_sandbox: int | None = None,
    faults: Path | None = None,
) -> Server:
    """Serve a component in the background, with the faults of a script; closing the server ends it.

    Raises `InvalidManifest`, `InvalidScript`, `CannotLoad`, or `OSError` when the port is taken or a file is missing.
    """
    script = Script() if faults is None else read_script(faults.read_text(encoding="utf-8"))
    limits = Limits() if requests_per_sandbox is None else Limits(requests=requests_per_sandbox)
    host = Host(wasm, read_manifest(manifest), limits=script.limit(limits))
    script.begin(host.faults)
    return Server(address, host)
