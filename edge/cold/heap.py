"""Put the heap of the snapshot in order, so that a request touches few of its pages.

A sandbox's memory is the snapshot, mapped copy-on-write: the first write to a page of 4 KiB costs a page fault of about
a microsecond and a copy. CPython writes where it only reads: to the reference count of everything it uses, to the
counters between the instructions of code that is not specialized yet, and, because its build for WASI has no allocator
of its own, to free chunks of dlmalloc all over the heap. So code that runs is copied next to each other, free chunks
are filled so that a request allocates at the end of the heap, and what lives is listed for the tool after the link that
makes its reference counts immortal (`devhost/after_link/immortal.py`): such an object is not written to when used.
"""

import gc
import sys
from array import array
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import Final

# What stands before the list of objects: this, the number of objects and their addresses, 32 bits each. The halves
# are put together when it is written: the constants of this module are in the snapshot as well.
MARKER_HALVES: Final = (b"gatelet: objects that ", b"live in the snapshot\0\0")
OBJECT_HEADER: Final = 21  # bytes of a bytes object besides its content, in 32 bits with the chunk's own header
REACH: Final = 64 << 20  # bytes of memory in which objects are looked for; the snapshot ends before 32 MB
ADJACENT: Final = 40  # so many chunks in a row without a gap: there are no free ones left of this size
SIZES: Final = (4096, 2048, 1024, 768, 512, 384, 320, *range(256, 16, -8))

_kept: list[object] = []  # never looked at: what has to stay alive so that its place stays taken


def find_code_of(run: Callable[[], None]) -> dict[CodeType, None]:
    """Return the code that runs when this is called, in the order in which it first does."""
    found: dict[CodeType, None] = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            found[frame.f_code] = None

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def gather_code(run: Callable[[], None]) -> int:
    """Copy what runs next to each other and give the copies to their functions; returns how many.

    The copies are cold: they have to be warmed up again. The old ones go at the end, or the next copy took their place.
    """
    running = find_code_of(run)
    functions = {one.__code__: one for one in gc.get_objects() if type(one) is FunctionType}
    copied = [(functions[code], copy_code(code)) for code in running if code in functions]
    for function, code in copied:
        function.__code__ = code
    return len(copied)


def copy_code(code: CodeType) -> CodeType:
    """Copy a code object, its nested ones, and its tuples of constants and names."""
    constants = tuple([copy_code(one) if isinstance(one, CodeType) else one for one in code.co_consts])
    return code.replace(co_consts=constants, co_names=(*code.co_names,))


def fill_free_chunks() -> None:
    """Take every free chunk of the heap but its end; their old content becomes zeros, left out of the component."""
    for size in SIZES:
        content = bytes(max(1, size - OBJECT_HEADER) - 1) + b"\1"
        adjacent = last = 0
        while adjacent < ADJACENT:
            filling = content[:-1] + b"\1"
            adjacent = adjacent + 1 if 0 < id(filling) - last <= 2 * size + 32 else 0
            last = id(filling)
            _kept.append(filling)


def list_objects() -> int:
    """Leave a list of every object that can be reached where the tool after the link finds it; returns how many.

    All of them are kept from here on: what stood at the address of one that is gone would be taken for it.
    """
    found = find_objects()
    addresses = array("I", map(id, found))
    header = array("I", (len(found),)).tobytes()
    _kept.extend((found, b"".join((*MARKER_HALVES, header, addresses.tobytes()))))
    return len(found)


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
