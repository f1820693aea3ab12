"""The component's entry module: exports `fastly:compute/http-incoming`."""

import sys

from wit_world import exports
from wit_world.imports import async_io, http_req

from edge.cold.measures import prepare
from edge.host.incoming import SANDBOX, handle_requests
from edge.host.rehearsal import rehearse_bindings

# Gates may refer to each other 300 deep, each step a few Python calls, which passes Python's default of 1,000. Python
# calls do not use the stack of the component: measured, a chain of 400 gates is refused in words and not by a trap.
sys.setrecursionlimit(3_000)

# All of it only makes a fresh sandbox quicker; `make fuel` counts what it costs.
if sys.platform == "wasi":  # while the component is built, whose snapshot every sandbox starts from
    prepare(rehearse_bindings, SANDBOX)


class HttpIncoming(exports.HttpIncoming):
    """What the host calls once per sandbox."""

    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None:
        """Serve the sandbox's requests."""
        handle_requests(request, body)
