"""Pass bytes to the host where they lie.

componentize-py's runtime copies each `bytes` that an import takes (a body, the value of a header) out of Python's heap,
passes the copy on and forgets it: componentize-py 0.22 to 0.25, `maybe_pop_list`. A sandbox that takes request after
request runs out of memory after 128 MB of replies, and its client gets a wasm backtrace.

No copy is needed. The host reads what it is passed before the call is over, and until then the caller in Python holds
the object, which cannot change. So the function that takes a list from Python loses the instructions that allocate and
copy, and leaves the address of the object's own bytes. What a component's exports return takes the same way and is read
later, when nobody holds it; the one export of a Fastly service returns nothing.
"""

import re
from functools import partial
from typing import Final

from devhost.after_link.binary import Malformed, Section, change_modules
from devhost.after_link.exported_code import change_exported

POP: Final = "wit_dylib_pop_list"  # (call, type of the list, where to leave the address of its bytes) -> their number
# It allocates: local.get number, i32.const 1, call, local.set copy. It asks where the object's bytes are, which leaves
# their address in its frame. And it copies: local.get copy, local.get frame, i32.load, local.get number, memory.copy.
COPYING: Final = re.compile(
    rb"\x20(?P<number>[\0-\x7f])\x41\x01\x10[\x80-\xff]{0,4}[\0-\x7f]\x21(?P<copy>[\0-\x7f])"
    rb"(?P<asking>.{0,80}?)"
    rb"\x20(?P=copy)(?P<address>\x20[\0-\x7f]\x28\x02[\0-\x7f])\x20(?P=number)\xfc\x0a\0\0",
    re.DOTALL,
)
NOP: Final = b"\1"


def pass_in_place(component: bytes) -> bytes:
    """Return the component with such a runtime; raises Malformed when it copies bytes otherwise, or not at all."""
    found: list[int] = []
    changed = change_modules(component, partial(change_runtime, found))
    if found != [1]:
        raise Malformed(
            f"{len(found)} modules copy what imports are passed, in {sum(found)} places, where one is known: "
            "look whether devhost/after_link/passed_bytes.py still says what the runtime does"
        )
    return changed


def change_runtime(found: list[int], sections: list[Section]) -> list[Section]:
    """Return the sections of a module, without the copying where it is the runtime; note how many places copied."""

    def change(function: bytes) -> bytes:
        function, copies = COPYING.subn(leave_in_place, function)
        found.append(copies)
        return function

    return change_exported(sections, POP, change)


def leave_in_place(copying: re.Match[bytes]) -> bytes:
    """Return as many instructions that only take the address. For no bytes it is 1, as an allocator would say."""
    keep = b"\x21" + copying["copy"]
    start = copying[0][: copying.start("asking") - copying.start()]
    no_bytes = (b"\x41\x01" + keep).ljust(len(start), NOP)
    return (no_bytes + copying["asking"] + copying["address"] + keep).ljust(len(copying[0]), NOP)
