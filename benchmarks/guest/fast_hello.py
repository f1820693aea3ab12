"""The smallest component with what the build does for the service: how near the floor a component in Python can be."""

import gc
import sys
from types import CodeType

from edge.cold.compiling import compile_all, forget_compiled
from edge.cold.gathering import Gathered

IS_BUILDING = sys.platform == "wasi"
if IS_BUILDING:
    compile_all(Gathered())

from componentize_py_types import Ok
from wit_world.imports import async_io, http_req, http_resp

from benchmarks.guest.hello import HttpIncoming
from edge.cold.last_step import do_last
from edge.cold.order import close_heap, order_heap
from edge.cold.plain_runtime import use_plain_runtime
from edge.host.scripting import answering, make_handle

KINDS = {"Response.new": http_resp.Response, "new": async_io.Pollable}
ROUNDS = 30


def answer(caller: CodeType, _arguments: list[object]) -> object:
    """Answer the calls that a reply takes."""
    kind = KINDS.get(caller.co_qualname)
    return Ok(None if kind is None else make_handle(kind))


def serve_once() -> None:
    """Reply to nobody."""
    with answering(answer):
        HttpIncoming().handle(make_handle(http_req.Request), make_handle(async_io.Pollable))


def warm_up() -> None:
    """Reply often enough for all code to be specialized."""
    for _ in range(ROUNDS):
        serve_once()


def finish() -> None:
    """Put the heap in order."""
    forget_compiled()
    warm_up()
    order_heap(warm_up)
    close_heap()
    gc.freeze()


if IS_BUILDING:
    use_plain_runtime()
    do_last(finish)
