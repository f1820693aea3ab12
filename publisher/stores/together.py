"""Several entries of a store at once: no store has a way to ask for many by their keys."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from publisher.stores.port import Item, Store

AT_ONCE: Final = 8


def find_all(store: Store, keys: Iterable[str]) -> list[Item | None]:
    """Return the entry of each key, None for one that is not there; raises StoreProblem."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(store.find, keys))
