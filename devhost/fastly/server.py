"""Serve a host over HTTP on this machine.

A thread for each connection reads requests, hands them to the host and writes the replies; sandboxes run on threads of
their own. A client that goes away ends its connection only.
"""

import socket
import socketserver
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from threading import Condition, Thread
from typing import Any, Self

from devhost.fastly.backends import outgoing_headers
from devhost.fastly.hosting import Host
from devhost.fastly.http import Exchange
from devhost.fastly.messages import Body, BrokenBody, Header, Request, Response
from devhost.fastly.values import Err

IDLE_SECONDS = 60.0
LONGEST_LINE = 1 << 16
LARGEST_BODY = 64 << 20
LAST_WRITES_SECONDS = 1.0
BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class BadRequest(Exception):
    """A request that is no HTTP."""


class Connection(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: "Server"

    def handle_one_request(self) -> None:
        """Read a request, have it answered, and write the reply."""
        try:
            self.raw_requestline = self.rfile.readline(LONGEST_LINE + 1)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            exchange = Exchange(self.read_request(), Body(self.read_body()))
            with self.server.answering():
                self.server.host.dispatch(exchange)
                self.write_reply(*exchange.wait())
        except BadRequest as problem:
            self.close_connection = True
            self.send_error(HTTPStatus.BAD_REQUEST, str(problem))
        except (OSError, Err, BrokenBody):  # the client went away, or a body that it was to get broke
            self.close_connection = True

    def read_request(self) -> Request:
        """Return the request as the guest sees it: with the whole URI, named by the Host header."""
        headers = [(name, value.encode("latin-1", "replace")) for name, value in self.headers.items()]
        host = self.headers.get("host")
        if not host:
            raise BadRequest("the request names no host")
        uri = f"http://{host}{self.path}" if self.path.startswith("/") else self.path
        return Request(self.command, uri, headers, self.client_address, self.server.next_number())

    def read_body(self) -> bytes:
        """Read the whole body."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return b"".join(self.read_chunks())
        length = self.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > LARGEST_BODY:
            raise BadRequest("the length of the body is no length")
        return self.read_exactly(int(length))

    def read_chunks(self) -> Iterator[bytes]:
        """Read the chunks of a body whose length was not known."""
        total = 0
        while size := self.read_chunk_size():
            total += size
            if total > LARGEST_BODY:
                raise BadRequest("the body is too large")
            yield self.read_exactly(size)
            self.rfile.readline(LONGEST_LINE)
        while self.rfile.readline(LONGEST_LINE) not in (b"\r\n", b"\n", b""):
            pass

    def read_chunk_size(self) -> int:
        """Read the line before a chunk."""
        line = self.rfile.readline(LONGEST_LINE).split(b";")[0].strip()
        try:
            return int(line, 16)
        except ValueError as problem:
            raise BadRequest("the size of a chunk is no number") from problem

    def read_exactly(self, size: int) -> bytes:
        """Read so many bytes; a client that sends fewer went away."""
        content = self.rfile.read(size)
        if len(content) != size:
            raise ConnectionError("the client went away")
        return content

    def write_reply(self, response: Response, body: Body) -> None:
        """Write a reply."""
        has_body = self.command != "HEAD" and response.status not in BODILESS
        length = body.known_length()
        self.wfile.write(make_head(response, length, has_body=has_body, closing=self.close_connection))
        if not has_body:
            return
        for piece in body.pieces():
            self.wfile.write(piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
        if length is None:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: the service writes its own log."""


def make_head(response: Response, length: int | None, *, has_body: bool, closing: bool) -> bytes:
    """Write the status line and the headers of a reply."""
    phrase = HTTPStatus(response.status).phrase if response.status in list(HTTPStatus) else ""
    headers: list[Header] = outgoing_headers(response)
    if length is None and has_body:
        headers.append(("transfer-encoding", b"chunked"))
    elif length is not None and response.status not in BODILESS:
        headers.append(("content-length", str(length).encode()))
    if response.find("date") is None:
        headers.append(("date", formatdate(usegmt=True).encode()))
    if closing:
        headers.append(("connection", b"close"))
    lines = [f"HTTP/1.1 {response.status} {phrase}".encode()]
    lines += [name.encode() + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", b""])


class Server(socketserver.ThreadingTCPServer):
    """Listens for clients of a host until it is closed."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], host: Host[Any]) -> None:
        super().__init__(address, Connection)
        self.host = host
        self._numbers = iter(range(1 << 62))
        self._answering = 0
        self._answered = Condition()
        Thread(target=self.serve_forever, args=(0.05,), name="listener", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        port: int = self.server_address[1]
        return port

    def next_number(self) -> int:
        """Return a number for a request."""
        return next(self._numbers)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request as being answered."""
        with self._answered:
            self._answering += 1
        try:
            yield
        finally:
            with self._answered:
                self._answering -= 1
                self._answered.notify_all()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a client; replies are small and wait for nothing."""
        client, address = super().get_request()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client, address

    def handle_error(self, _request: object, client_address: object) -> None:
        """Say which client met a bug of the server."""
        print(f"gatelet: serving {client_address} failed: {sys.exception()!r}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Stop listening, end the host, and let what it answered reach the clients."""
        self.shutdown()
        self.server_close()
        self.host.close()
        with self._answered:
            self._answered.wait_for(lambda: self._answering == 0, LAST_WRITES_SECONDS)
