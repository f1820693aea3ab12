"""Do something as the last thing before the snapshot, behind what the builder itself does there.

When the entry module has been imported, componentize-py imports the bindings and asks them for everything it needs, in
hundreds of look-ups. These leave gaps in a heap that was put in order before. What it asks for last is the function
`random.seed`, so a step can be had done by whoever is asked for it.
"""

import random
from collections.abc import Callable
from typing import Final

LAST_ASKED: Final = "seed"


def do_last(step: Callable[[], None]) -> None:
    """Have a step done when the builder asks for `random.seed`; an exception ends the build."""
    names = vars(random)
    seed = names.pop(LAST_ASKED)

    def find(name: str) -> object:
        if name != LAST_ASKED:
            raise AttributeError(f"module 'random' has no attribute {name!r}")
        del names["__getattr__"]
        names[LAST_ASKED] = seed
        step()
        return seed

    names["__getattr__"] = find
