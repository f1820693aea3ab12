"""Servers in processes of their own, as `make serve` starts them."""

import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devhost.embedded.plugin import ROOT


@contextmanager
def running(module: str, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module that serves on any free port."""
    command = [sys.executable, "-m", module, "--port", "0", *arguments]
    with log.open("wb") as errors, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors) as child:
        try:
            yield child
        finally:
            child.kill()


def read_port(child: subprocess.Popen[bytes]) -> int:
    """Wait until it serves, and return its port."""
    assert child.stdout is not None
    assert select.select([child.stdout], [], [], 60)[0]
    return int(re.findall(rb"127\.0\.0\.1:(\d+)", os.read(child.stdout.fileno(), 1000))[0])


def read_status(child: subprocess.Popen[bytes], field: str) -> int:
    """Return a number of /proc/PID/status: `VmRSS` and `VmHWM` in KiB, `Threads`."""
    text = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
    return int(re.findall(rf"^{field}:\s*(\d+)", text, re.MULTILINE)[0])
