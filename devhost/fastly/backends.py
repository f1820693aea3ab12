"""Backends: real HTTP to the addresses of the manifest.

A request is sent on a thread of its own, which goes on when the guest has ended: what the guest did not wait for is
delivered all the same, as on Fastly.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

from devhost.fastly.faults import Faults
from devhost.fastly.messages import (
    LARGEST_READ,
    Body,
    BrokenBody,
    Header,
    Message,
    Pollable,
    Request,
    Response,
    broken_content,
    fitting,
)
from devhost.fastly.values import Err, Interface, Resource

FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "host"})
CONNECT_SECONDS = 15.0


class Delivered(NamedTuple):
    """A request that a backend in this process got."""

    method: str
    uri: str
    headers: tuple[Header, ...]
    content: bytes


def accept(_delivered: Delivered) -> tuple[int, bytes]:
    """Answer as Statsig does when it takes events."""
    return 202, b'{"success":true}'


@dataclass(slots=True)
class Prepared:
    """What a backend in this process answers, and what it got.

    It answers before the guest goes on, without a thread, unless it is to be `late`.
    """

    answer: Callable[[Delivered], tuple[int, bytes]] = accept
    late: bool = False
    received: list[Delivered] = field(default_factory=list)

    def take(self, request: Request, body: Body) -> tuple[Response, bytes]:
        """Keep a request and answer it."""
        delivered = Delivered(request.method, request.uri, tuple(request.headers), b"".join(body.pieces()))
        self.received.append(delivered)
        status, content = self.answer(delivered)
        return Response(status), content


@dataclass(frozen=True, slots=True)
class BackendTarget:
    """A backend of the manifest, or one that a test prepared."""

    url: str
    override_host: str | None = None
    health: str = "unknown"
    first_byte_ms: int | None = None
    prepared: Prepared | None = None

    @property
    def is_tls(self) -> bool:
        """Say whether it speaks TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if self.is_tls else 80)


class Backend(Resource):
    """A backend that the guest opened."""

    def __init__(self, name: str, target: BackendTarget) -> None:
        self.name = name
        self.target = target

    def clone(self) -> "Backend":
        """Return another handle."""
        return Backend(self.name, self.target)

    def get_name(self) -> str:
        """Return the name in the manifest."""
        return self.name

    def is_healthy(self) -> str:
        """Return the health that the manifest states."""
        return self.target.health

    def is_dynamic(self) -> bool:
        """Say that it stands in the manifest."""
        return False

    def get_host(self, max_len: int) -> str:
        """Return the host."""
        return fitting(self.target.address[0], max_len)

    def get_port(self) -> int:
        """Return the port."""
        return self.target.address[1]

    def is_tls(self) -> bool:
        """Say whether it speaks TLS."""
        return self.target.is_tls

    def get_override_host(self, max_len: int) -> bytes | None:
        """Return the host that requests name in place of their own."""
        host = self.target.override_host
        return None if host is None else fitting(host.encode(), max_len)


class Backends(Interface):
    """`fastly:compute/backend`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"backend": Backend}

    def __init__(self, targets: Mapping[str, BackendTarget]) -> None:
        self._targets = targets

    def backend_open(self, name: str) -> Backend:
        """Open a backend of the manifest."""
        if name not in self._targets:
            raise Err("not-found")
        return Backend(name, self._targets[name])


class PendingResponse(Pollable):
    """A request on its way to a backend."""

    def __init__(self, send: Callable[[], tuple[Response, Body]], *, at_once: bool = False) -> None:
        self._done = threading.Event()
        self._abandoned = False
        self._outcome: tuple[Response, Body] | Err = Err("generic-error")
        if at_once:
            self._run(send)
        else:
            threading.Thread(target=self._run, args=(send,), name="to a backend", daemon=True).start()

    def _run(self, send: Callable[[], tuple[Response, Body]]) -> None:
        try:
            self._outcome = send()
        except Err as problem:
            self._outcome = problem
        finally:
            self._done.set()
            if self._abandoned:
                self._release()

    def wait(self, seconds: float | None) -> bool:
        """Wait for the response."""
        return self._done.wait(seconds)

    def result(self) -> tuple[Response, Body]:
        """Wait for the response and return it."""
        self._done.wait()
        if isinstance(self._outcome, Err):
            payload = self._outcome.payload
            raise Err(payload if isinstance(payload, dict) else {"detail": None, "error": payload})
        return self._outcome

    def drop(self) -> None:
        """Let the response go unread, now or when it comes."""
        self._abandoned = True
        if self._done.is_set():
            self._release()

    def _release(self) -> None:
        if not isinstance(self._outcome, Err):
            self._outcome[1].drop()


def send_request(request: Request, body: Body, backend: Backend, faults: Faults) -> tuple[Response, Body]:
    """Send a request and return the response, its body still to be read; raises `Err` as Viceroy reports it."""
    seconds = faults.seconds("send", backend.name)
    if seconds:
        time.sleep(seconds)
    faults.check("send", backend.name)
    status = faults.status(backend.name)
    if status is not None:
        return Response(status), Body()
    if backend.target.prepared is not None:
        prepared, content = backend.target.prepared.take(request, body)
        cut_at = faults.cut("send", backend.name)
        return prepared, Body(content) if cut_at is None else Body(source=broken_content(content, cut_at))
    host, port = backend.target.address
    kind = http.client.HTTPSConnection if backend.target.is_tls else http.client.HTTPConnection
    timeout = backend.target.first_byte_ms / 1000 if backend.target.first_byte_ms else None
    connection = kind(host, port, timeout=timeout)
    try:
        write_request(connection, request, body, backend.target)
        answer = connection.getresponse()
    except http.client.RemoteDisconnected as problem:
        connection.close()
        raise Err("http-incomplete") from problem
    except http.client.HTTPException as problem:
        connection.close()
        raise Err("http-invalid") from problem
    except (OSError, BrokenBody) as problem:
        connection.close()
        raise Err("generic-error") from problem
    headers = [(name, value.encode("latin-1")) for name, value in answer.getheaders()]
    response = Response(answer.status, headers, (host, port))
    source = read_answer(connection, answer, faults.cut("send", backend.name))

    def release() -> None:
        answer.close()
        connection.close()

    return response, Body(source=source, release=release)


def write_request(connection: http.client.HTTPConnection, request: Request, body: Body, target: BackendTarget) -> None:
    """Write a request as Viceroy does: its own Host, the backend's path before the request's."""
    parts = urlsplit(request.uri)
    path = urlsplit(target.url).path.rstrip("/") + "/" + parts.path.lstrip("/")
    connection.putrequest(
        request.method, path + (f"?{parts.query}" if parts.query else ""), skip_host=True, skip_accept_encoding=True
    )
    connection.putheader("host", target.override_host or host_of(request, parts.netloc, target))
    for name, value in outgoing_headers(request):
        connection.putheader(name, value)
    length = body.known_length()
    if length is None:
        connection.putheader("transfer-encoding", "chunked")
    elif length or request.method not in ("GET", "HEAD"):
        connection.putheader("content-length", str(length))
    connection.endheaders(body.pieces(), encode_chunked=length is None)


def host_of(request: Request, authority: str, target: BackendTarget) -> str:
    """Return the Host of a request: its header, else its URI, else the backend."""
    header = request.find("host")
    return (header.decode("latin-1") if header else "") or authority or target.address[0]


def outgoing_headers(message: Message) -> list[Header]:
    """Return the headers without those that frame the message, which the host writes itself."""
    return [(name, value) for name, value in message.headers if name not in FRAMING]


def read_answer(
    connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, cut_at: int | None
) -> Iterator[bytes]:
    """Read a response; raises `Err` when it ends too early, or where a fault cuts it."""
    given = 0
    try:
        while piece := answer.read1(LARGEST_READ):
            given += len(piece)
            if cut_at is not None and given > cut_at:
                yield piece[: len(piece) - (given - cut_at)]
                raise Err("http-incomplete")
            yield piece
        if answer.length:
            raise Err("http-incomplete")
    except (OSError, http.client.HTTPException) as problem:
        raise Err("http-incomplete") from problem
    finally:
        connection.close()
