"""Put the heap in order around what was rehearsed: the measures that know nothing of what is rehearsed.

Copied code is cold and has to be warmed up again. The list comes before the last warm-up, because what listing leaves
behind would lie where requests allocate.
"""

import gc
from collections.abc import Callable, Container, Iterable

from edge.cold.choice import is_chosen
from edge.cold.gathering import choose_functions, gather_code
from edge.cold.listing import list_objects
from edge.cold.packing import fill_free_chunks, leave_room, use_up_free_lists


def order_heap(warm_up: Callable[[], None], runs: Iterable[Callable[[], object]], left: Container[str]) -> None:
    """Put in order what the runs use, but for modules in `left`; the most frequent run comes first."""
    gc.collect()
    if is_chosen("gathering"):
        chosen = choose_functions(runs, left)
        fill_free_chunks()  # what choosing left behind would take the copies in, here and there
        use_up_free_lists()
        gather_code(chosen)
        warm_up()
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
