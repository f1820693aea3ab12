"""Let code that runs write nothing to itself.

CPython counts in the code that it runs: each instruction that is not specialized counts down to its next try, each
conditional jump shifts the way it went into a record that only a compiler for machine code reads, and WASI has none.
So every page of code that runs is written to, copied for the sandbox, and, where it was read before, taken from the
other processors' sight.

By the time of the snapshot the rehearsal has specialized what can be specialized. Here the loop that runs bytecode
loses those stores. What it stored is still computed, then dropped. Code that was not rehearsed stays general for good.
"""

import re
from functools import partial
from typing import Final

from devhost.after_link.binary import Malformed, Section, change_modules
from devhost.after_link.exported_code import change_exported

LOOP: Final = "_PyEval_EvalFrameDefault"
STORE: Final = rb"\x3b\x01\x00"  # i32.store16
DROPPED: Final = b"\x1a\x1a\x01"  # drop, drop, nop: what takes the value and the address, and is as long
# A count that goes down by one, which its four lowest bits are not part of: i32.const -16, i32.add, store.
COUNT: Final = re.compile(rb"\x41\x70\x6a" + STORE)
# A record shifted by one, with the newest way at its end: i32.load16_u, i32.const 1, i32.shl, which way, i32.or, store.
RECORD: Final = re.compile(rb"\x2f\x01\x00\x41\x01\x74(?:[^\x3b]{0,24}\x72)?" + STORE)
COUNTS, RECORDS = 14, 10  # in CPython 3.14.0 as componentize-py has it


def make_quiet(component: bytes) -> bytes:
    """Return the component without those stores; raises Malformed when its interpreter is not the one known here."""
    found: list[tuple[int, int]] = []
    changed = change_modules(component, partial(change_loop, found))
    if found != [(COUNTS, RECORDS)]:
        raise Malformed(
            f"the interpreter stores {found} counts and records where {COUNTS} and {RECORDS} are known: "
            "look whether devhost/after_link/interpreter.py still says what it does"
        )
    return changed


def change_loop(found: list[tuple[int, int]], sections: list[Section]) -> list[Section]:
    """Return the sections of a module with the stores of its loop dropped, and note how many there were.

    A module that the linker adds has functions of the same names that only pass the call on.
    """

    def change(function: bytes) -> bytes:
        function, counts, records = drop_stores(function)
        if counts or records:
            found.append((counts, records))
        return function

    return change_exported(sections, LOOP, change)


def drop_stores(body: bytes) -> tuple[bytes, int, int]:
    """Return instructions without these stores, and how many there were of each kind."""
    body, counts = COUNT.subn(drop_store, body)
    body, records = RECORD.subn(drop_store, body)
    return body, counts, records


def drop_store(found: re.Match[bytes]) -> bytes:
    """Return instructions that compute the same and do not store it."""
    return found[0][: -len(DROPPED)] + DROPPED
