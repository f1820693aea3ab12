"""Validate what the tools after the link made with `wasm-tools`, where it is installed; a step of the build."""

import subprocess
from pathlib import Path

from devhost.after_link.programs import find_wasm_tools


class Invalid(Exception):
    """The component is not valid; the message is that of wasm-tools."""


def validate(component: Path) -> bool:
    """Tell whether the component could be validated, and say when it could not; raises Invalid when it is wrong."""
    program = find_wasm_tools()
    if program is None:
        print("gatelet: not validated: no wasm-tools here (make build-tools)")
        return False
    done = subprocess.run([program, "validate", component], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Invalid(f"wasm-tools finds the component invalid: {done.stderr.strip()}")
    return True
