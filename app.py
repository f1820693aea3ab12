"""The component's entry module: exports `fastly:compute/http-incoming`."""

import sys
from typing import Final

from edge.cold.compiling import compile_all
from edge.cold.gathering import load_gathered

# All of this only makes a fresh sandbox quicker (docs/cold-request.md); `make fuel` counts what it costs.
IS_BUILDING = sys.platform == "wasi"  # the snapshot that every sandbox starts from is taken after the import
if IS_BUILDING:
    compile_all(load_gathered())  # before the first import of what it compiles

from wit_world import exports
from wit_world.imports import async_io, http_req

from edge.cold.measures import prepare
from edge.host.incoming import handle_requests
from edge.host.platform import FastlyPlatform
from edge.host.rehearsal import serve_through_bindings
from edge.sandbox import Sandbox

# Gates may refer to each other 300 deep, each step a few Python calls, which passes Python's default of 1,000. Python
# calls do not use the stack of the component: measured, a chain of 400 gates is refused in words and not by a trap.
sys.setrecursionlimit(3_000)


# What serves, made when everything else is done. It holds nothing from outside until the first request.
SERVING: Final[list[tuple[FastlyPlatform, Sandbox]]] = []


class HttpIncoming(exports.HttpIncoming):
    """What the host calls once per sandbox."""

    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None:
        """Serve the sandbox's requests."""
        ((platform, sandbox),) = SERVING
        handle_requests(platform, sandbox, request, body)


def begin() -> None:
    """Make what serves."""
    platform = FastlyPlatform()
    SERVING.append((platform, Sandbox(platform)))


if IS_BUILDING:
    prepare(serve_through_bindings, begin)
else:
    begin()
