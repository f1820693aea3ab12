from typing import Protocol

from wit_world.imports import async_io, http_req

class HttpIncoming(Protocol):
    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None: ...
