"""List what lives in the snapshot, for the tools after the link.

CPython writes to what it only reads: to the reference count of everything it uses. An object whose count is that of an
immortal one is not written to, and nothing in the snapshot is ever freed; but only the image can be changed so, not the
running interpreter (`devhost/after_link/immortal.py`). The list is the last thing made before the snapshot.
"""

import gc
import struct
from array import array
from opcode import _inline_cache_entries, _specializations, _specialized_opmap, opmap  # type: ignore[attr-defined]
from types import CodeType, FrameType
from typing import Final

from edge.cold.list_form import CODE_FORM, MARKER_HALVES, NO_OPCODE
from edge.cold.packing import keep

# What an instruction becomes when it first runs, with constants that are immortal and no compiler of machine code.
QUICKENED: Final = (
    ("RESUME", "RESUME_CHECK"),
    ("LOAD_CONST", "LOAD_CONST_IMMORTAL"),
    ("LOAD_CONST_MORTAL", "LOAD_CONST_IMMORTAL"),
    ("JUMP_BACKWARD", "JUMP_BACKWARD_NO_JIT"),
)
REACH: Final = 64 << 20  # bytes of memory in which objects are looked for; the snapshot ends before 32 MB


def list_objects() -> int:
    """Leave a list of every object that can be reached where the tool after the link finds it; returns how many.

    All of them are kept from here on: what stood at the address of one that is gone would be taken for it.
    """
    found = find_objects()
    addresses = array("I", map(id, found))
    header = array("I", (len(found),)).tobytes()
    keep((found, b"".join((*MARKER_HALVES, header, addresses.tobytes(), describe_code()))))
    return len(found)


def describe_code() -> bytes:
    """Return the `CODE_FORM` of this interpreter."""
    opcodes = {**opmap, **_specialized_opmap}
    units = bytearray([NO_OPCODE] * 256)
    bases = {special: base for base, specials in _specializations.items() for special in specials}
    for name, opcode in opcodes.items():
        if opcode < len(units) and not name.startswith("INSTRUMENTED_"):
            units[opcode] = _inline_cache_entries.get(bases.get(name, name), 0)
    quickened = bytearray(range(256))
    for name, becomes in QUICKENED:
        quickened[opcodes[name]] = opcodes[becomes]
    return struct.pack(CODE_FORM, id(CodeType), CodeType.__basicsize__, bytes(units), bytes(quickened))


def find_objects() -> list[object]:
    """Return all objects that the collector knows and what they refer to.

    They are marked in a map of one bit for 8 bytes of memory: a set of this size would leave holes in the heap.
    """
    todo: list[object] = gc.get_objects()
    found: list[object] = []
    seen = bytearray(REACH >> 6)
    temporary = {id(todo), id(found), id(seen)}
    while todo:
        one = todo.pop()
        place, bit = id(one) >> 6, 1 << (id(one) >> 3 & 7)
        if place >= len(seen) or seen[place] & bit or id(one) in temporary or isinstance(one, FrameType):
            continue
        seen[place] |= bit
        found.append(one)
        todo.extend(gc.get_referents(one))
        if isinstance(one, CodeType):  # the collector does not look into code
            todo.extend((one.co_consts, one.co_names, *one.co_consts, *one.co_names, one.co_name, one.co_qualname))
    return found
