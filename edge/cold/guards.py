"""What must not be in a snapshot, looked for at the end of the build: a guard that raises ends it.

Every sandbox starts as a copy of the snapshot, so what a rehearsed request left behind would meet a real one.
"""

import gc

from edge.cold.made_up import CLIENT, SECRET, SPEC_KEY
from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox

RELEASED = (MemoryPlatform,)


class RehearsalLeft(Exception):
    """Something of the rehearsal is still there; the message names it."""


def require_untouched(sandbox: Sandbox) -> None:
    """Raise RehearsalLeft unless the sandbox that will serve is as it was made, and nothing rehearsed is left."""
    fresh = Sandbox(sandbox.platform)
    names = ["requests", *(name for name in Sandbox.__slots__ if name.startswith("_") and name != "_fallback")]
    touched = [name for name in names if getattr(sandbox, name) != getattr(fresh, name)]
    if touched:
        raise RehearsalLeft(f"the sandbox that serves has been used: {', '.join(touched)}")
    gc.collect()
    for one in gc.get_objects():
        if isinstance(one, RELEASED) or (isinstance(one, Sandbox) and one not in (sandbox, fresh)):
            raise RehearsalLeft(f"a {type(one).__name__} of the rehearsal is still held")
        if isinstance(one, dict) and is_held(one):
            raise RehearsalLeft("a value of the rehearsal is still held")


def is_held(values: dict[object, object]) -> bool:
    """Tell whether a mapping other than a module's holds a key or the name of the rehearsal's spec."""
    if "__name__" in values:
        return False
    return any(type(value) is str and value in (CLIENT, SECRET, SPEC_KEY) for value in values.values())
