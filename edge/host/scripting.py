"""Answer the calls of the bindings from a script, while a component is built and there is no host yet.

The bindings call one function of the runtime with a number, which the build chooses; what is called is told by the
function that calls.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any, Final

from edge.cold.plain_runtime import Finalizer

RUNTIME: Final = "componentize_py_runtime"

type Answer = Callable[[CodeType, list[Any]], object]  # of the code that calls and its arguments


@contextmanager
def answering(answer: Answer) -> Iterator[None]:
    """Answer the runtime's calls meanwhile."""
    runtime = sys.modules[RUNTIME]
    earlier: Callable[..., object] = runtime.call_import

    def call(_function: int, arguments: list[Any]) -> object:
        return answer(sys._getframe(1).f_code, arguments)  # noqa: SLF001  # the only place that says who calls

    runtime.call_import = call  # type: ignore[attr-defined]
    try:
        yield
    finally:
        runtime.call_import = earlier  # type: ignore[attr-defined]


def make_handle[Kind](kind: type[Kind], number: int = 0) -> Kind:
    """Make an object as the runtime does for a handle."""
    made = kind.__new__(kind)
    made.__dict__.update(handle=number, finalizer=Finalizer(None, lambda _kind, _handle: None, 0, 0))
    return made
