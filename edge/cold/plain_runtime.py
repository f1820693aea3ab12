"""Take away what the runtime of the component does at the start of every sandbox and for every handle.

Measured in a fresh sandbox: copying the environment into `os.environ` costs 280,000 instructions before the first line
of ours runs, because that mapping encodes each text and calls the C library; as a plain dictionary it costs next to
nothing. Nothing here reads the environment. A `weakref.finalize` for each handle keeps a registry and an exit hook for
it; ours only drops the handle. Seeding `random` asks the host ten times for 256 random bytes; its functions are those
of a generator without a state here, which asks when one of them is called. The runtime takes these names when the entry
module has been imported, so this has to be called by then; without the call everything works as well, only slower.
"""

import os
import random
import weakref
from collections.abc import Callable

type Drop = Callable[[int, int], object]


class Finalizer:
    """Drops a handle when its object goes, unless the handle was given away; stands in for `weakref.finalize`."""

    __slots__ = ("_drop", "_handle", "_kind")

    def __init__(self, _owner: object, drop: Drop, kind: int, handle: int) -> None:
        self._drop: Drop | None = drop
        self._kind = kind
        self._handle = handle

    def detach(self) -> tuple[None, Drop | None, tuple[int, int], None]:
        """Leave the handle to the caller; returns what the runtime takes apart: the function and its arguments."""
        drop, self._drop = self._drop, None
        return None, drop, (self._kind, self._handle), None

    def __del__(self) -> None:
        """Drop the handle."""
        if self._drop is not None:
            self._drop(self._kind, self._handle)


def use_plain_runtime() -> None:
    """Put the plain environment, the plain finalizer and the generator without a seed where the runtime finds them."""
    os.environ = {}  # type: ignore[assignment]  # noqa: B003  # a plain dictionary is the point
    weakref.finalize = Finalizer  # type: ignore[assignment,misc]
    use_stateless_random()


def use_stateless_random() -> None:
    """Let the functions of `random` ask the host: there is nothing to seed then, and nothing that a snapshot holds."""
    stateless, seeded = random.SystemRandom(), random.Random
    for name, function in list(vars(random).items()):
        if isinstance(getattr(function, "__self__", None), seeded):
            setattr(random, name, getattr(stateless, name))
