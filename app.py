"""The component's entry module: exports `fastly:compute/http-incoming`."""

import sys
from typing import Final

from edge.cold.compiling import compile_all

# All of this only makes a fresh sandbox quicker (docs/cold-request.md); `make fuel` counts what it costs.
IS_BUILDING = sys.platform == "wasi"  # the snapshot that every sandbox starts from is taken after the import
if IS_BUILDING:
    compile_all()  # before the first import of what it compiles

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


class HttpIncoming(exports.HttpIncoming):
    """What the host calls once per sandbox."""

    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None:
        """Serve the sandbox's requests."""
        handle_requests(PLATFORM, SANDBOX, request, body)


if IS_BUILDING:
    prepare(serve_through_bindings)

# They hold nothing from outside until the first request. Made last: what every request writes to lies together then.
PLATFORM: Final = FastlyPlatform()
SANDBOX: Final = Sandbox(PLATFORM)
