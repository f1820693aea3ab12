"""Put the heap in order around what was rehearsed: the measures that know nothing of what is rehearsed.

The list comes before the last warm-up, because what listing leaves behind would lie where requests allocate.
"""

import gc
from collections.abc import Callable

from edge.cold.choice import is_chosen
from edge.cold.listing import list_objects
from edge.cold.packing import fill_free_chunks, leave_room, use_up_free_lists


def order_heap(warm_up: Callable[[], None]) -> None:
    """Put in order what lies in the heap when everything is warm, and warm up once more."""
    gc.collect()
    if is_chosen("listing"):
        list_objects()
    if is_chosen("packing"):
        fill_free_chunks()
        warm_up()


def close_heap() -> None:
    """Leave nothing free but the end of the heap, the last thing of all: whatever follows leaves gaps again.

    The collection empties the interpreter's own lists of free objects as well, which lie anywhere.
    """
    if is_chosen("packing"):
        gc.collect()
        fill_free_chunks()
        use_up_free_lists()
        leave_room()
