"""The smallest component with what the build does for the service: how near the floor a component in Python can be."""

import gc
import sys

from edge.cold.compiling import compile_all, forget_compiled

IS_BUILDING = sys.platform == "wasi"
if IS_BUILDING:
    compile_all()

from componentize_py_types import Ok
from wit_world.imports import async_io, http_req, http_resp

from benchmarks.guest.hello import HttpIncoming
from edge.cold.order import order_heap
from edge.cold.plain_runtime import Finalizer, use_plain_runtime

RUNTIME = "componentize_py_runtime"
KINDS = {"Response.new": http_resp.Response, "new": async_io.Pollable}
ROUNDS = 30


def make_handle[Kind](kind: type[Kind]) -> Kind:
    """Make an object as the runtime does for a handle."""
    made = kind.__new__(kind)
    made.__dict__.update(handle=0, finalizer=Finalizer(None, lambda _kind, _handle: None, 0, 0))
    return made


def answer(_function: int, _arguments: list[object]) -> object:
    """Answer the calls that a reply takes."""
    caller = sys._getframe(1).f_code.co_qualname  # noqa: SLF001  # the bindings call with a number
    return Ok(make_handle(KINDS[caller]) if caller in KINDS else None)


def serve_once() -> None:
    """Reply to nobody."""
    runtime = sys.modules[RUNTIME]
    earlier = runtime.call_import
    runtime.call_import = answer  # type: ignore[attr-defined]
    try:
        HttpIncoming().handle(make_handle(http_req.Request), make_handle(async_io.Pollable))
    finally:
        runtime.call_import = earlier  # type: ignore[attr-defined]


def warm_up() -> None:
    """Reply often enough for all code to be specialized."""
    for _ in range(ROUNDS):
        serve_once()


if IS_BUILDING:
    forget_compiled()
    use_plain_runtime()
    warm_up()
    order_heap(warm_up, [serve_once], ())
    gc.freeze()
