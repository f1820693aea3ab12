"""The programs that the steps after the link need: `wasm-tools`, and binaryen's `wasm-merge` and `wasm-opt`.

Each is looked for in this order: the file that `GATELET_WASM_TOOLS`, `GATELET_WASM_MERGE` or `GATELET_WASM_OPT` names,
the `PATH`, the cache that Viceroy is in as well. Those of binaryen run on Node.

    make build-tools    builds wasm-tools with cargo (minutes) and fetches binaryen with npm, once a machine
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from devhost.viceroy import cache_root, find_program, writable_cache

WASM_TOOLS_VERSION: Final = "1.263.0"
BINARYEN_VERSION: Final = "132.0.0"


def find_wasm_tools() -> Path | None:
    """Find `wasm-tools` on this machine."""
    return find("GATELET_WASM_TOOLS", "wasm-tools", cache_root() / "wasm-tools" / "bin")


def find_wasm_merge() -> Path | None:
    """Find `wasm-merge` on this machine."""
    return find("GATELET_WASM_MERGE", "wasm-merge", cache_root() / "binaryen" / "node_modules" / ".bin")


def find_wasm_opt() -> Path | None:
    """Find `wasm-opt` on this machine."""
    return find("GATELET_WASM_OPT", "wasm-opt", cache_root() / "binaryen" / "node_modules" / ".bin")


def find(variable: str, name: str, cache: Path) -> Path | None:
    """Find a program on this machine."""
    named = os.environ.get(variable)
    if named:
        return find_program(Path(named).expanduser())
    on_path = shutil.which(name)
    return Path(on_path) if on_path else find_program(cache / name)


def install() -> int:
    """Put both programs into the cache; returns the exit status of what failed first."""
    cache = writable_cache()
    place = str(cache / "wasm-tools")
    cargo = ["install", "wasm-tools", "--version", WASM_TOOLS_VERSION, "--locked", "--root", place]
    npm = ["install", "--no-audit", "--no-fund", "--prefix", str(cache / "binaryen"), f"binaryen@{BINARYEN_VERSION}"]
    return run("cargo", cargo) or run("npm", npm)


def run(name: str, arguments: list[str]) -> int:
    """Run an installer; returns its exit status."""
    program = shutil.which(name)
    if program is None:
        print(f"gatelet: this needs {name}, which is not on the PATH", file=sys.stderr)
        return 1
    return subprocess.run([program, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(install())
