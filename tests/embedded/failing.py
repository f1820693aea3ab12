"""Host functions that fail at every moment there is: `python -m tests.embedded.failing` serves with them.

Sandbox n fails at its call n modulo the number of moments, by a `Planned` failure that names the request it was
serving, so that whoever sees one can tell whose it is. Every second of them is no `Exception`, as Ctrl-C is none.
"""

import os
from collections.abc import Callable

from devhost.embedded import sandbox as embedded
from devhost.embedded.__main__ import main

MANY_MOMENTS = 100  # more than a check has, so some sandboxes do not fail

_mark = embedded.Sandbox.mark


class Planned(Exception):
    """A failure on purpose."""


class PlannedInterrupt(BaseException):
    """A failure on purpose that is no `Exception`."""


def failing_at(moments: int) -> Callable[[embedded.Sandbox, str], None]:
    """Return a `Sandbox.mark` that fails at each of so many calls in turn, in no sandbox whose turn is 0."""

    def mark_or_fail(self: embedded.Sandbox, function: str) -> None:
        _mark(self, function)
        if len(self.trace) == self.number % moments:
            kind = PlannedInterrupt if self.number % 2 else Planned
            raise kind(f"under {self.exchange.request.uri} end")

    return mark_or_fail


if __name__ == "__main__":
    embedded.Sandbox.mark = failing_at(MANY_MOMENTS)  # type: ignore[assignment, method-assign]  # what this module is for
    os._exit(main())
