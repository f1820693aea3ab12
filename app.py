"""The component's entry module: exports `fastly:compute/http-incoming`."""

from wit_world import exports
from wit_world.imports import async_io, http_req

from edge.host.incoming import handle_requests


class HttpIncoming(exports.HttpIncoming):
    """What the host calls once per sandbox."""

    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None:
        """Serve the sandbox's requests."""
        handle_requests(request, body)
