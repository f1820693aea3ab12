"""Fold into a merged module what is known only once modules are one, with binaryen's `wasm-opt`.

A module that can lie anywhere adds its base to every address of its own and reads the addresses of other modules' data
and functions from globals. In the snapshot all of them are set, and but for the stack pointer nothing sets them again:
they are constants. CPython is compiled with `-fwrapv`, so its compiler adds the place of a field in a struct to an
address instead of leaving that to the load or store; `wasm-opt` may leave it to them, because nothing lies in the first
kilobyte of the memory, where an address that wrapped around would end. What is called in one place or is short is
then written out where it is called, which Cranelift does not do.
"""

from pathlib import Path
from typing import Final

from devhost.after_link.binary import DATA, Malformed, read_sections
from devhost.after_link.image import read_segments
from devhost.after_link.merging.tools import FEATURES, run

USED_FROM: Final = 1_024  # the first byte of the memory that may be used; `--low-memory-unused` promises it
PASSES: Final = (
    "--optimize-level=3",
    "--simplify-globals",
    "--precompute-propagate",
    "--pass-arg=directize-initial-contents-immutable",  # nobody writes to the table, which is the module's own
    "--directize",
    "--optimize-instructions",
    "--vacuum",
    "--low-memory-unused",  # an assumption of the next one
    "--optimize-added-constants-propagate",
    "--flexible-inline-max-function-size=40",  # twice the usual: functions of other modules, and what PIC kept apart
    "--inlining-optimizing",
    "--simplify-locals",
    "--vacuum",
)


def optimize(module: bytes, wasm_opt: Path, folder: Path) -> bytes:
    """Return a module that does the same in fewer instructions; raises Malformed."""
    for section in read_sections(module):
        if section.kind == DATA and any(address < USED_FROM for address, _ in read_segments(section.content)):
            raise Malformed(f"there is data below {USED_FROM}, where optimizing takes none to be")
    given, made = folder / "given.wasm", folder / "optimized.wasm"
    given.write_bytes(module)
    run(wasm_opt, given, *FEATURES, *PASSES, "-g", "-o", made)
    return made.read_bytes()
