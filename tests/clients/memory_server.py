"""The service's routes over stores in memory, behind HTTP: for clients that must see a store change."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edge.memory import MemoryPlatform
from edge.messages import BodyTooLarge, Reply, Request
from edge.sandbox import Sandbox
from edge.service import answer


class WallPlatform(MemoryPlatform):
    """Stores in memory, and the machine's own clock."""

    def now_ms(self) -> int:
        """Return the time."""
        return int(time.time() * 1000)


class Handler(BaseHTTPRequestHandler):
    """Answers as a host would, one request at a time."""

    protocol_version = "HTTP/1.1"
    server: "MemoryServer"

    def do_GET(self) -> None:
        """Answer a request without a body."""
        self._send(self.server.answer(self._read(b"")))

    def do_POST(self) -> None:
        """Answer a request with a body."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._send(self.server.answer(self._read(body)))

    def _read(self, body: bytes) -> Request:
        path, _, query = self.path.partition("?")

        def read_body(limit: int) -> bytes:
            if len(body) > limit:
                raise BodyTooLarge
            return body

        return Request(self.command, path, query, self.headers.get, read_body, lambda: None, self.server.url)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value.decode("latin-1"))
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


class MemoryServer(ThreadingHTTPServer):
    """One sandbox for all requests; `seen` lists them."""

    daemon_threads = True

    def __init__(self, platform: MemoryPlatform) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.seen: list[tuple[str, str, int]] = []
        self._sandbox = Sandbox(platform)
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Reply:
        """Answer a request and do what follows."""
        with self._lock:
            reply = answer(self._sandbox, request)
            self._sandbox.after_reply(reply)
            self.seen.append((request.method, request.path, reply.status))
        return reply


@contextmanager
def serving(platform: MemoryPlatform) -> Iterator[MemoryServer]:
    """Serve for as long as the block takes."""
    with MemoryServer(platform) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
