"""Which stored batches are sent together: neighbours in time of one project, few enough for one request.

What a client handed over goes alone, because its body stays as it came.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from edge.events.batch import Batch
from edge.events.spool_format import StoredKey

BATCHES_PER_POST: Final = 32


class Stored(NamedTuple):
    """A stored batch with its key."""

    key: str
    batch: Batch


def put_together(found: Sequence[Stored]) -> list[list[Stored]]:
    """Return what goes into one request each: our own events together, a client's body alone."""
    own = [stored for stored in found if not stored.batch.is_sealed]
    sealed = [[stored] for stored in found if stored.batch.is_sealed]
    return [*sealed, own] if own else sealed


def iterate_groups(keys: Sequence[StoredKey], most_bytes: int) -> Iterator[list[StoredKey]]:
    """Yield groups of neighbours of one project that are small enough to be sent together."""
    group: list[StoredKey] = []
    size = 0
    for key in sorted(keys, key=lambda key: key.project):  # stable: the oldest stay first
        is_other = bool(group) and key.project != group[0].project
        if is_other or (group and (len(group) >= BATCHES_PER_POST or size + key.size > most_bytes)):
            yield group
            group, size = [], 0
        group.append(key)
        size += key.size
    if group:
        yield group
