"""See that what was written is there: an entry counts as published when it was read back as it was written.

Stores may be behind for a while (Cloudflare's for a minute), so what is not there yet is asked for again, with growing
pauses, 80 seconds in all.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from publisher.exit_codes import Conflict
from publisher.stores.port import Store, StoreProblem
from publisher.stores.together import AT_ONCE
from specstore.limits import Write

READING_TRIES: Final = 13
READING_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0


def read_all_back(store: Store, entries: Iterable[Write]) -> None:
    """Read entries back, several at once; raises StoreProblem naming one that is not as it was written."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda entry: read_back(store, entry), entries):
            pass


def read_back(store: Store, entry: Write, over: str | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
    """Read an entry back until it is as it was written; stores may be behind. `over` is the generation it replaced.

    Raises Conflict when it is neither what was written nor what was there before, and StoreProblem when it stays away.
    """
    found = None
    for number in range(READING_TRIES):
        found = store.find(entry.key)
        if found is not None and found.value == entry.value and entry.metadata in (None, found.metadata):
            return
        if over is not None and found is not None and found.generation != over:
            raise Conflict(f"somebody else has written {entry.key} over yours: see with gatelet status what is there")
        sleep(min(LONGEST_PAUSE, READING_PAUSE * 2**number))
    what = "nothing is there" if found is None else f"{len(found.value)} bytes are there that were not written now"
    raise StoreProblem(
        f"{entry.key} was written, but reading it back, {what}; what comes after it was not written. Push again"
    )
