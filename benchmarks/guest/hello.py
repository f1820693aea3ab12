"""The entry module of the smallest component in Python: a constant reply, without headers. What it takes, all take."""

from wit_world import exports
from wit_world.imports import async_io, http_body, http_req, http_resp

BODY = b'{"hello":"world"}'


class HttpIncoming(exports.HttpIncoming):
    """What the host calls once per sandbox."""

    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None:  # noqa: ARG002  # the bindings' form
        """Reply."""
        with request:
            content = http_body.new()
            http_body.write(content, BODY)
            http_resp.send_downstream(http_resp.Response.new(), content)
