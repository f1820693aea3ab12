"""What must not be in a snapshot, looked for at the end of the build: a guard that raises ends it.

Every sandbox starts as a copy of the snapshot, so what a rehearsed request left behind would meet a real one.
"""

import gc

from edge.cold.made_up import CLIENT, SECRET, SPEC_KEY
from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox

RELEASED = (MemoryPlatform, Sandbox)


class RehearsalLeft(Exception):
    """Something of the rehearsal is still there; the message names it."""


def require_nothing_left() -> None:
    """Raise RehearsalLeft when something rehearsed is left; the sandbox that serves is made afterwards.

    `isinstance` would ask every type there is for its `__class__`, which takes places in the method cache.
    """
    gc.collect()
    for one in gc.get_objects():
        if issubclass(type(one), RELEASED):
            raise RehearsalLeft(f"a {type(one).__name__} of the rehearsal is still held")
        if issubclass(type(one), dict) and is_held(one):
            raise RehearsalLeft("a value of the rehearsal is still held")


def is_held(values: dict[object, object]) -> bool:
    """Tell whether a mapping other than a module's holds a key or the name of the rehearsal's spec."""
    if "__name__" in values:
        return False
    return any(type(value) is str and value in (CLIENT, SECRET, SPEC_KEY) for value in values.values())
