"""The measures one after another, each of which a build may leave out (`choice.py`).

Their order matters: what rehearses comes before what puts in order what it left, and once more after it.
`docs/cold-request.md` has the figure that each one buys.
"""

import gc
from collections.abc import Callable
from functools import partial
from typing import Final

from edge.cold.choice import is_chosen
from edge.cold.compiling import forget_compiled
from edge.cold.gathering import is_note_wanted, note_code
from edge.cold.guards import require_nothing_left
from edge.cold.last_step import do_last
from edge.cold.order import close_heap, order_heap
from edge.cold.plain_runtime import use_plain_runtime
from edge.cold.rehearsal import Serve, list_parts, rehearse

# So many objects may be new before the collector looks through them. Reading a whole spec makes half of that, and with
# Python's own 2,000 the same ones would be looked through again and again.
NEW_OBJECTS: Final = 20_000


def prepare(serve: Serve, begin: Callable[[], None] = lambda: None) -> None:
    """Apply the measures that the build does not leave out, and begin; raises when something rehearsed is left.

    Only what the builder takes up itself is prepared at once. What each request writes to lies together when whatever
    serves is made last.
    """
    if is_chosen("plain_runtime"):
        use_plain_runtime()
    do_last(partial(finish, serve, begin))


def finish(serve: Serve, begin: Callable[[], None]) -> None:
    """Apply the measures that come last, and begin."""
    forget_compiled()
    if is_chosen("rehearsal"):
        warm_up = partial(rehearse, serve)
        warm_up()
        if is_note_wanted():
            note_code(*list_parts(serve))
        order_heap(warm_up)
    require_nothing_left()
    close_heap()
    if is_chosen("freezing"):
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS)
    begin()
