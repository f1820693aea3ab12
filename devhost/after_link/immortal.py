"""Make the objects of the snapshot immortal, so that using one does not write to its page.

CPython 3.14 leaves the reference count of an object alone when it is at least 2^30 and gives its own immortal objects
5 x 2^28 on 32 bits. The guest lists what lives in its snapshot (`edge/cold/listing.py`); here each of these gets that
count in the image, their code is quickened (`quickening.py`), and the list becomes zeros. What the snapshot holds is
never freed then, which it would not be anyway: every request of a sandbox needs it.
"""

import struct
from typing import Final, NamedTuple

from devhost.after_link.binary import Malformed
from devhost.after_link.image import Image, change_image
from devhost.after_link.quickening import SIZE, CodeForm, quicken_all, read_form
from edge.cold.list_form import MARKER_HALVES

MARKER: Final = b"".join(MARKER_HALVES)
IMMORTAL: Final = 5 << 28
IMMORTAL_FROM: Final = 1 << 30
MOST_REFERENCES: Final = 1 << 22  # a count beyond that is none: the address is not one of an object
LOWEST_ADDRESS: Final = 1 << 16


class Counts(NamedTuple):
    """What became of the listed objects, and how many instructions were quickened."""

    changed: int
    immortal_before: int
    quickened: int


class Listed(NamedTuple):
    """Where the list stands, the addresses in it, and what it says of code."""

    start: int
    end: int
    addresses: tuple[int, ...]
    form: CodeForm


def make_immortal(component: bytes) -> tuple[bytes, Counts]:
    """Return the component with immortal objects; raises Malformed when its snapshot has no list."""
    counted: list[Counts] = []
    changed = change_image(component, lambda image: counted.append(change_counts(image)))
    if len(counted) != 1:
        raise Malformed(f"{len(counted)} snapshots; expected one")
    return changed, counted[0]


def change_counts(image: Image) -> Counts:
    """Make the listed objects of an image immortal and remove the list; raises Malformed."""
    memory, listed = image.memory, find_list(image.memory)
    changed = 0
    for address in listed.addresses:
        (count,) = struct.unpack_from("<I", memory, address)
        if count >= IMMORTAL_FROM:
            continue
        if not 0 < count < MOST_REFERENCES:
            raise Malformed(f"the object listed at {address:#x} has a reference count of {count}")
        struct.pack_into("<I", memory, address, IMMORTAL)
        changed += 1
    memory[listed.start : listed.end] = bytes(listed.end - listed.start)
    quickened = quicken_all(memory, listed.addresses, listed.form)
    return Counts(changed, len(listed.addresses) - changed, quickened)


def find_list(memory: bytearray) -> Listed:
    """Find the guest's list; the marker may stand in freed memory as well. Raises Malformed."""
    start = memory.find(MARKER)
    while start >= 0:
        at = start + len(MARKER)
        (count,) = struct.unpack_from("<I", memory, at)
        end = at + 4 + 4 * count
        if count > 0 and end + SIZE <= len(memory):
            addresses = struct.unpack_from(f"<{count}I", memory, at + 4)
            if all(LOWEST_ADDRESS < one < len(memory) - 4 and one % 4 == 0 for one in addresses):
                return Listed(start, end + SIZE, addresses, read_form(memory, end))
        start = memory.find(MARKER, start + 1)
    raise Malformed("the snapshot has no list of its objects")
