"""Write into the snapshot's code what CPython would write there when the code first runs, in every sandbox anew.

- Code that begins to run is compared with the tools that watch it (`sys.monitoring`) and noted as up to date, and its
  first instruction becomes one that only looks whether that still holds.
- The loading of a constant becomes one that borrows it where it is immortal, else one that counts without a look, which
  writes to the constant's page whenever it is used. The constants of the snapshot become immortal after the link only.
- A jump backwards becomes one that does not count for a compiler of machine code.
"""

import struct
from typing import Final, NamedTuple

from devhost.after_link.binary import Malformed
from edge.cold.list_form import CODE_FORM, NO_OPCODE

SIZE: Final = struct.calcsize(CODE_FORM)
TYPE, UNITS = 4, 8  # where an object has the address of its type, and code the number of its units of two bytes
VERSION, WATCHED = 108, 112  # where code has the state of tools it was compared with, and what watches it
INSTRUCTIONS: Final = 128  # where its instructions begin, in CPython 3.14 on 32 bits, for which those two hold


class CodeForm(NamedTuple):
    """How code lies in memory (`edge.cold.list_form.CODE_FORM`)."""

    type_address: int
    instructions: int
    cache_units: bytes
    quickened: bytes


def read_form(memory: bytearray, at: int) -> CodeForm:
    """Read what the guest's list says of code; raises Malformed when code has another form than known here."""
    form = CodeForm(*struct.unpack_from(CODE_FORM, memory, at))
    if form.instructions != INSTRUCTIONS:
        raise Malformed(f"instructions begin at {form.instructions} in a code object, and not at {INSTRUCTIONS}")
    return form


def quicken_all(memory: bytearray, objects: tuple[int, ...], form: CodeForm) -> int:
    """Quicken all listed code; returns how many instructions changed. Raises Malformed where there is no code."""
    codes = [one for one in objects if read_number(memory, one + TYPE) == form.type_address]
    newest = max((read_number(memory, code + VERSION) for code in codes), default=0)
    return sum(quicken(memory, code, form, newest) for code in codes)


def quicken(memory: bytearray, code: int, form: CodeForm, version: int) -> int:
    """Quicken one code object; code that a tool watches or has watched stays as it is."""
    at = code + form.instructions
    end = at + 2 * read_number(memory, code + UNITS)
    if end > len(memory):
        raise Malformed(f"the code at {code:#x} would end beyond the image")
    found = []
    while at < end:
        units = form.cache_units[memory[at]]
        if units == NO_OPCODE:
            return 0
        if form.quickened[memory[at]] != memory[at]:
            found.append(at)
        at += 2 + 2 * units
    for place in found:
        memory[place] = form.quickened[memory[place]]
    if read_number(memory, code + WATCHED) == 0:
        struct.pack_into("<I", memory, code + VERSION, version)
    return len(found)


def read_number(memory: bytearray, at: int) -> int:
    """Read 32 bits."""
    number: int = struct.unpack_from("<I", memory, at)[0]
    return number
