"""Load the constants of the snapshot's code without counting references.

CPython rewrites the loading of a constant once it has run: for an immortal one into an instruction that borrows it, for
any other into one that counts without a look, which writes to the constant's page whenever it is used. The constants of
the snapshot become immortal after the link only, so here the instructions follow.
"""

import struct
from typing import NamedTuple

from devhost.after_link.binary import Malformed
from edge.cold.list_form import CODE_FORM, NO_OPCODE

SIZE = struct.calcsize(CODE_FORM)
TYPE, UNITS = 4, 8  # where an object has the address of its type, and code the number of its units of two bytes


class CodeForm(NamedTuple):
    """How code lies in memory (`edge.cold.list_form.CODE_FORM`)."""

    type_address: int
    instructions: int
    load: int
    counting: int
    borrowing: int
    cache_units: bytes


def read_form(memory: bytearray, at: int) -> CodeForm:
    """Read what the guest's list says of code."""
    return CodeForm(*struct.unpack_from(CODE_FORM, memory, at))


def borrow_constants(memory: bytearray, objects: tuple[int, ...], form: CodeForm) -> int:
    """Rewrite the instructions of all listed code; returns how many. Raises Malformed where there is no code."""
    return sum(
        rewrite(memory, address, form)
        for address in objects
        if struct.unpack_from("<I", memory, address + TYPE)[0] == form.type_address
    )


def rewrite(memory: bytearray, code: int, form: CodeForm) -> int:
    """Rewrite the instructions of one code object; code under a tool that watches it stays as it is."""
    at = code + form.instructions
    end = at + 2 * struct.unpack_from("<I", memory, code + UNITS)[0]
    if end > len(memory):
        raise Malformed(f"the code at {code:#x} would end beyond the image")
    found = []
    while at < end:
        units = form.cache_units[memory[at]]
        if units == NO_OPCODE:
            return 0
        if memory[at] in (form.load, form.counting):
            found.append(at)
        at += 2 + 2 * units
    for place in found:
        memory[place] = form.borrowing
    return len(found)
