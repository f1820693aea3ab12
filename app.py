"""The component's entry module: exports `fastly:compute/http-incoming`."""

import gc
import sys

from wit_world import exports
from wit_world.imports import async_io, http_req

from edge.cold.plain_runtime import use_plain_runtime
from edge.cold.rehearsal import rehearse
from edge.host.incoming import handle_requests
from edge.host.rehearsal import rehearse_bindings

# Gates may refer to each other 300 deep, each step a few Python calls, which passes Python's default of 1,000. Python
# calls do not use the stack of the component: measured, a chain of 400 gates is refused in words and not by a trap.
sys.setrecursionlimit(3_000)

# All of it only makes a fresh sandbox quicker; `make fuel` counts what it costs.
if sys.platform == "wasi":  # while the component is built, whose snapshot every sandbox starts from
    use_plain_runtime()
    rehearse()
    rehearse_bindings()
    # What the snapshot holds stays: a collection during a request would walk all of it, 1.1 M instructions and some
    # 900 page faults, for nothing. What requests leave behind is still collected.
    gc.collect()
    gc.freeze()


class HttpIncoming(exports.HttpIncoming):
    """What the host calls once per sandbox."""

    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None:
        """Serve the sandbox's requests."""
        handle_requests(request, body)
