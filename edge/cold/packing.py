"""Leave no free memory between what lives in the snapshot.

CPython for WASI has no allocator of its own: every object is a chunk of dlmalloc's, which hands out free chunks all
over the heap first, so that a request writes to a page here and a page there. With those taken it allocates from the
end of the heap on. What was garbage becomes zeros, which the component leaves out.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import MethodType
from typing import Final

OBJECT_HEADER: Final = 21  # bytes of a bytes object besides its content, in 32 bits with the chunk's own header
ADJACENT: Final = 16  # so many chunks in a row without a gap: there are no free ones left of this size
SMALLEST: Final = 16  # bytes of a chunk, of which all sizes are multiples; an object without attributes fits in it
SIZES: Final = (4096, 2048, 1536, 1024, 896, 768, 640, *range(512, SMALLEST, -16))
LARGEST: Final = SIZES[0]  # bytes; of larger chunks none is taken from the end of the heap, they would spend it
ALL_SIZES: Final = (*(1 << power for power in range(17, 12, -1)), *SIZES)  # bytes; no free chunk is much longer
ROOM: Final = 1 << 20  # bytes; a check takes some forty thousand

LONGEST_TUPLE: Final = 20  # tuples from this length on are not kept for reuse
# Of each kind of object that the interpreter keeps for reuse and a request makes, how to make one.
KINDS: Final[tuple[Callable[[], object], ...]] = (
    list,
    dict,
    partial(dict, a=None),  # for its table
    partial(iter, []),
    partial(iter, (None,)),
    partial(range, 1),
    partial(iter, range(1)),
    partial(slice, None),
    partial(getattr, [], "append"),
    partial(MethodType, len, []),
    partial(float, "0.5"),
    partial(int, "65536"),
)

# Never looked at: what has to stay alive so that its place stays taken. A list would leave free what it grows out of.
_kept: deque[object] = deque()


def fill_free_chunks(sizes: Sequence[int] = SIZES) -> None:
    """Take every free chunk of the heap but its end for good, those of these sizes."""
    keep(take_free_chunks(sizes))


def take_free_chunks(sizes: Sequence[int]) -> deque[object]:
    """Take every free chunk of the heap but its end, those of these sizes, for as long as the result is kept."""
    taken: deque[object] = deque()
    for size in sizes:
        take_chunks(partial(bytes, size - OBJECT_HEADER), size, taken)
    take_chunks(object, SMALLEST, taken)
    return taken


def take_chunks(make: Callable[[], object], size: int, taken: deque[object]) -> None:
    """Take every free chunk of a size; makes nothing else, which would leave new ones.

    The last of the large ones lie at the end of the heap, and are let go of again.
    """
    adjacent = last = 0
    while adjacent < ADJACENT:
        filling = make()
        adjacent = adjacent + 1 if 0 < id(filling) - last <= size + SMALLEST else 0
        last = id(filling)
        taken.append(filling)
    if size > LARGEST:
        for _ in range(ADJACENT):
            taken.pop()


def use_up_free_lists() -> None:
    """Take what the interpreter keeps of its last objects for its next ones: it lies anywhere.

    Of each kind until one comes from the end of the heap. Numbers last, because asking where something lies makes some.
    """
    end = id(bytes(SIZES[0]))
    for size in range(1, LONGEST_TUPLE):
        use_up(partial(tuple, [None] * size), end)
    for make in KINDS:
        use_up(make, end)


def use_up(make: Callable[[], object], end: int) -> None:
    """Take objects of a kind until one lies beyond an address."""
    while id(one := make()) < end:
        keep(one)


def keep(one: object) -> None:
    """Keep something alive for good."""
    _kept.append(one)


def leave_room() -> None:
    """Make the heap end in free memory, so that a request does not ask the host for more piece by piece."""
    bytes(ROOM)
