"""Validate what the tools after the link made with `wasm-tools`, where it is installed; a step of the build.

Looked for in this order: the file `GATELET_WASM_TOOLS` names, the `PATH`, the cache that Viceroy is in as well.

    python -m devhost.after_link.validation install    build it with cargo, once a machine
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from devhost.viceroy import cache_root, find_program, writable_cache

VERSION: Final = "1.263.0"


class Invalid(Exception):
    """The component is not valid; the message is that of wasm-tools."""


def find_wasm_tools() -> Path | None:
    """Find the program on this machine."""
    named = os.environ.get("GATELET_WASM_TOOLS")
    if named:
        return find_program(Path(named).expanduser())
    on_path = shutil.which("wasm-tools")
    return Path(on_path) if on_path else find_program(program_in(cache_root()))


def program_in(cache: Path) -> Path:
    """Return where a cache keeps the program."""
    return cache / "wasm-tools" / "bin" / "wasm-tools"


def validate(component: Path) -> bool:
    """Tell whether the component could be validated, and say when it could not; raises Invalid when it is wrong."""
    program = find_wasm_tools()
    if program is None:
        print("gatelet: not validated: no wasm-tools here (python -m devhost.after_link.validation install)")
        return False
    done = subprocess.run([program, "validate", component], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Invalid(f"wasm-tools finds the component invalid: {done.stderr.strip()}")
    return True


def install() -> int:
    """Build the program into the cache; returns cargo's exit status."""
    cargo = shutil.which("cargo")
    if cargo is None:
        print("gatelet: building wasm-tools needs cargo, which is not on the PATH", file=sys.stderr)
        return 1
    root = str(writable_cache() / "wasm-tools")
    return subprocess.run(
        [cargo, "install", "wasm-tools", "--version", VERSION, "--locked", "--root", root], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(install() if sys.argv[1:] == ["install"] else print(find_wasm_tools()))
