"""The commands that host the service on this machine; all take the same fastly.toml."""

import sys
from pathlib import Path

from devhost.build import COMPONENT

ADDRESS = "127.0.0.1"


def viceroy_command(viceroy: Path, config: Path, port: int, component: Path = COMPONENT) -> list[str]:
    """Return the command that hosts the component with Viceroy."""
    return [str(viceroy), "serve", "-C", str(config), "--addr", f"{ADDRESS}:{port}", str(component)]


def embedded_command(
    config: Path,
    port: int,
    requests_per_sandbox: int | None = None,
    component: Path = COMPONENT,
    *,
    faults: Path | None = None,
) -> list[str]:
    """Return the command that hosts the component in Python: its limit of a sandbox's requests, its faults."""
    command = [sys.executable, "-m", "devhost.embedded", "--manifest", str(config), "--wasm", str(component)]
    reuse = [] if requests_per_sandbox is None else ["--requests", str(requests_per_sandbox)]
    script = [] if faults is None else ["--faults", str(faults)]
    return [*command, "--port", str(port), *reuse, *script]


def native_command(config: Path, port: int, requests_per_sandbox: int | None = None) -> list[str]:
    """Return the command that runs the service's source on this Python, without the component."""
    command = [sys.executable, "-m", "devhost.native", "--manifest", str(config), "--port", str(port)]
    return command if requests_per_sandbox is None else [*command, "--requests", str(requests_per_sandbox)]
