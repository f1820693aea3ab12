"""How the list of the snapshot's objects is written: by the guest (`listing.py`), for the tools after the link."""

from typing import Final

# What stands before the list of objects: this, the number of objects, their addresses, 32 bits each, and `CODE_FORM`.
# The halves are put together when it is written: the constants of this module are in the snapshot as well.
MARKER_HALVES: Final = (b"gatelet: objects that ", b"live in the snapshot\0\0")
# How code lies in memory: the address of its type, where its instructions begin in a code object, and for each opcode
# how many units of cache follow it and which one it becomes when it first runs.
CODE_FORM: Final = "<II256s256s"
NO_OPCODE: Final = 255  # in place of the number of units: whatever has this code, what follows it is not known
