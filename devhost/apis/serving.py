"""An HTTP server for APIs: each is a function from a call to a reply, None when the path is not one of its own.

`PUT /trouble` with a JSON array lets things go wrong (`devhost.apis.trouble`). Every call is noted with its size, so
that what a client needed can be counted.
"""

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from devhost.apis.trouble import Trouble, Troubles, read_troubles

HOST = "127.0.0.1"


class Call(NamedTuple):
    """A request; the path is still encoded, names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Noted(NamedTuple):
    """A call that was answered, and how many bytes its contents and those of the reply had."""

    method: str
    path: str
    status: int
    received: int
    sent: int


type Api = Callable[[Call], Reply | None]


def reply_json(status: int, document: object) -> Reply:
    """Reply with JSON."""
    return Reply(status, json.dumps(document).encode(), {"content-type": "application/json"})


class ApiServer(ThreadingHTTPServer):
    """Serves some APIs; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, *apis: Api) -> None:
        self.apis = apis
        self.troubles = Troubles()
        self.noted: list[Noted] = []
        super().__init__((HOST, port), ApiHandler)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://{HOST}:{self.server_address[1]}"

    def answer(self, call: Call) -> Reply:
        """Answer a call by the first API that knows its path."""
        if (call.method, call.path) == ("PUT", "/trouble"):
            return self._change_trouble(call)
        replies = (api(call) for api in self.apis)
        found = next((reply for reply in replies if reply is not None), None)
        return reply_json(404, {"msg": "Record not found", "detail": ""}) if found is None else found

    def _change_trouble(self, call: Call) -> Reply:
        try:
            self.troubles.set(*read_troubles(json.loads(call.body)))
        except ValueError as problem:
            return reply_json(400, {"msg": str(problem)})
        return Reply(204)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet when a client breaks off, as one does that read enough; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # only handed on


class ApiHandler(BaseHTTPRequestHandler):
    """Reads calls, lets what should go wrong go wrong, and sends replies."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise a body waits 40 ms behind its headers
    server: ApiServer

    def handle_call(self) -> None:
        """Answer one call."""
        call = self._read()
        troubles = {one.kind: one for one in self.server.troubles.meet(f"{call.method} {call.path}")}
        if "slow" in troubles:
            time.sleep(troubles["slow"].seconds)
        reply = self._answer(call, troubles)
        self.server.noted.append(Noted(call.method, call.path, reply.status, len(call.body), len(reply.body)))
        if "lost" in troubles or ("cut" in troubles and not reply.body):
            self._reset()
        else:
            self._send(reply, is_cut="cut" in troubles)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_call  # noqa: N815 - http.server's names

    def _answer(self, call: Call, troubles: Mapping[str, Trouble]) -> Reply:
        if "status" in troubles:
            trouble = troubles["status"]
            asked = {} if trouble.retry_after is None else {"retry-after": str(trouble.retry_after)}
            return Reply(trouble.status, b'{"msg": "as it was told to"}', asked)
        if "generation" in troubles and "if-generation-match" in call.headers:
            return Reply(412)
        reply = self.server.answer(call)
        if "generation" in troubles and "generation" in reply.headers:
            return reply._replace(headers={**reply.headers, "generation": "1"})
        return reply

    def _read(self) -> Call:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Call(self.command, parts.path, query, headers, self._read_body(headers))

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._read_chunks())
        wanted = int(headers.get("content-length") or 0)
        body = self.rfile.read(wanted)
        if len(body) < wanted:
            raise ConnectionError("the client broke off within a body")
        return body

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _send(self, reply: Reply, *, is_cut: bool) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if is_cut else reply.body)
        if is_cut:
            self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet: calls are noted."""


@contextmanager
def serving(*apis: Api, port: int = 0) -> Iterator[ApiServer]:
    """Serve APIs until the end of the block."""
    with ApiServer(port, *apis) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
