"""The programs that merging asks: `wasm-tools`, and binaryen's `wasm-merge` and `wasm-opt`."""

import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from devhost.after_link.binary import Malformed
from devhost.after_link.programs import find_wasm_merge, find_wasm_opt, find_wasm_tools

# What binaryen is told that modules may contain: what componentize-py's do.
FEATURES: Final = tuple(
    f"--enable-{feature}"
    for feature in (
        *("bulk-memory", "extended-const", "multimemory", "multivalue", "mutable-globals", "nontrapping-float-to-int"),
        *("reference-types", "sign-ext", "simd", "tail-call"),
    )
)


class Tools(NamedTuple):
    """The programs that are needed."""

    wasm_tools: Path
    wasm_merge: Path
    wasm_opt: Path


class MissingProgram(Exception):
    """A program that merging needs is not there; the message says how to get it."""


def find_tools() -> Tools:
    """Find the programs; raises MissingProgram."""
    return Tools(
        require("wasm-tools", find_wasm_tools()),
        require("wasm-merge", find_wasm_merge()),
        require("wasm-opt", find_wasm_opt()),
    )


def require(name: str, program: Path | None) -> Path:
    """Return a program that was looked for; raises MissingProgram, which says how to get it."""
    if program is None:
        raise MissingProgram(f"merging needs {name}, which is not here; `make build-tools` fetches it")
    return program


def has_tools() -> bool:
    """Tell whether all programs are there."""
    try:
        find_tools()
    except MissingProgram:
        return False
    return True


def run(*command: str | Path) -> str:
    """Run a program and return what it wrote; raises Malformed with what it complained about."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Malformed(f"{Path(command[0]).name}: {done.stderr.strip()[-2000:]}")
    return done.stdout
