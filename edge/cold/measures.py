"""The measures one after another, each of which a build may leave out: `make build WITHOUT=packing,listing`.

Their order matters: what rehearses comes before what puts in order what it left, and once more after it, because copied
code is cold. `docs/cold-request.md` has the figure that each one buys.
"""

import gc
from collections.abc import Callable
from typing import Final

from edge.cold.guards import require_untouched
from edge.cold.heap import fill_free_chunks, gather_code, list_objects
from edge.cold.plain_runtime import use_plain_runtime
from edge.cold.rehearsal import rehearse
from edge.sandbox import Sandbox

try:
    from edge.cold.left_out import LEFT_OUT
except ImportError:  # built with everything
    LEFT_OUT: frozenset[str] = frozenset()  # type: ignore[no-redef]

MEASURES: Final = ("plain_runtime", "rehearsal", "gathering", "packing", "listing", "freezing")


def prepare(rehearse_bindings: Callable[[], None], sandbox: Sandbox, left_out: frozenset[str] = LEFT_OUT) -> None:
    """Apply the measures that the build does not leave out; raises when the sandbox that will serve was touched."""
    chosen = [one for one in MEASURES if one not in left_out]

    def warm_up() -> None:
        rehearse()
        rehearse_bindings()

    def run_once() -> None:
        rehearse(1, 0)
        rehearse_bindings()

    if "plain_runtime" in chosen:
        use_plain_runtime()
    if "rehearsal" in chosen:
        warm_up()
        order_heap(chosen, warm_up, run_once)
    require_untouched(sandbox)
    if "freezing" in chosen:
        gc.freeze()


def order_heap(chosen: list[str], warm_up: Callable[[], None], run_once: Callable[[], None]) -> None:
    """Put the heap in order around what was rehearsed."""
    gc.collect()
    if "gathering" in chosen:
        fill_free_chunks()
        gather_code(run_once)
        warm_up()
    gc.collect()
    if "listing" in chosen:
        list_objects()
    if "packing" in chosen:
        fill_free_chunks()
        warm_up()
