"""The HTTP interfaces: bodies, requests, responses, the client's side, and waiting.

`Exchange` is one request of a client and the reply it waits for. A sandbox answers the exchange it holds and may then
take another one; who gets which is decided in `sandbox.py`.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from devhost.fastly.backends import Backend, PendingResponse, send_request
from devhost.fastly.faults import Faults
from devhost.fastly.messages import Body, Message, Pollable, Request, Response, fitting, ip_case, page
from devhost.fastly.values import Case, Err, Interface, Resource

SELECT_PAUSE = 0.001
EARLY_HINTS = 103
LAST_INFORMATIONAL = 199


class Exchange:
    """A client's request, and the reply it gets."""

    def __init__(self, request: Request, body: Body) -> None:
        self.request = request
        self.body = body
        self._reply: tuple[Response, Body] | None = None
        self._answered = threading.Event()

    @property
    def is_answered(self) -> bool:
        """Say whether a reply was given."""
        return self._answered.is_set()

    def answer(self, response: Response, body: Body) -> None:
        """Give the reply; it reaches the client at once."""
        self._reply = response, body
        self._answered.set()

    def wait(self, seconds: float | None = None) -> tuple[Response, Body]:
        """Wait for the reply; raises `TimeoutError` when none came."""
        if not self._answered.wait(seconds) or self._reply is None:
            raise TimeoutError("the guest gave no reply")
        return self._reply


class Dispatcher(Protocol):
    """Who hands exchanges to sandboxes."""

    def dispatch(self, exchange: Exchange) -> None:
        """Hand over an exchange."""

    def withdraw(self, pending: "PendingRequest") -> None:
        """Hand nothing more to one that waits; what it has got by then it keeps."""


class PendingRequest(Pollable):
    """A sandbox's wait for a further request."""

    def __init__(self, seconds: float, dispatcher: Dispatcher) -> None:
        self._deadline = time.monotonic() + seconds
        self._dispatcher = dispatcher
        self._settled = threading.Event()
        self._exchange: Exchange | None = None

    def settle(self, exchange: Exchange | None) -> None:
        """End the wait, with an exchange or without."""
        self._exchange = exchange
        self._settled.set()

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is settled or late."""
        left = max(0.0, self._deadline - time.monotonic())
        return self._settled.wait(left if seconds is None else min(left, seconds)) or time.monotonic() >= self._deadline

    def take(self) -> Exchange | None:
        """Wait and return the exchange, after which none can be given any more."""
        self.wait(None)
        self._dispatcher.withdraw(self)
        exchange, self._exchange = self._exchange, None
        return exchange

    def drop(self) -> None:
        """Stop waiting; an exchange that came meanwhile goes to another sandbox."""
        self._dispatcher.withdraw(self)
        if self._exchange is not None:
            self._dispatcher.dispatch(self._exchange)


class Downstream(Protocol):
    """What the HTTP interfaces need of their sandbox."""

    exchange: Exchange

    def wait_for_request(self, seconds: float | None) -> PendingRequest:
        """Begin to wait for a further request."""


class AsyncIo(Interface):
    """`fastly:compute/async-io`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"pollable": Pollable}

    def pollable_new_ready(self) -> Pollable:
        """Return something that is ready."""
        return Pollable()

    def select(self, handles: list[Pollable]) -> int:
        """Wait until one is ready and say which."""
        if not handles:
            raise ValueError("`select` needs something to wait for")
        chosen = wait_for_any(handles, None)
        return 0 if chosen is None else chosen

    def select_with_timeout(self, handles: list[Pollable], timeout_ms: int) -> int | None:
        """Wait until one is ready and say which, or None when it takes too long."""
        return wait_for_any(handles, timeout_ms / 1000)


def wait_for_any(handles: list[Pollable], seconds: float | None) -> int | None:
    """Return the index of the first that is ready in time."""
    if len(handles) == 1:
        return 0 if handles[0].wait(seconds) else None
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        for index, handle in enumerate(handles):
            if handle.is_ready():
                return index
        if deadline is not None and time.monotonic() >= deadline:
            return None
        time.sleep(SELECT_PAUSE)


class HttpBody(Interface):
    """`fastly:compute/http-body`."""

    def new(self) -> Body:
        """Return an empty body."""
        return Body()

    def append(self, target: Body, source: Body) -> None:
        """Add a body at the end of another."""
        target.append(source)

    def read(self, body: Body, size: int) -> bytes:
        """Read the next bytes."""
        return body.read(size)

    def write(self, body: Body, content: bytes) -> int:
        """Add bytes at the end and say how many."""
        body.write(content)
        return len(content)

    def write_front(self, body: Body, content: bytes) -> None:
        """Add bytes before the beginning."""
        body.write_front(content)

    def close(self, body: Body) -> None:
        """End a body."""
        body.close()

    def get_known_length(self, body: Body) -> int | None:
        """Return the length, unless more may come."""
        return body.known_length()


class HttpReq(Interface):
    """`fastly:compute/http-req`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"request": Request}

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def request_new(self) -> Request:
        """Return a request to be filled."""
        return Request()

    def send_async(self, request: Request, body: Body, backend: Backend) -> PendingResponse:
        """Begin to send a request."""
        prepared = backend.target.prepared
        at_once = prepared is not None and not prepared.late
        return PendingResponse(lambda: send_request(request, body, backend, self._faults), at_once=at_once)

    def send_async_streaming(self, request: Request, body: Body, backend: Backend) -> PendingResponse:
        """Begin to send a request whose body is still written."""
        return self.send_async(request, body.begin_streaming(), backend)

    def send(self, request: Request, body: Body, backend: Backend) -> tuple[Response, Body]:
        """Send a request and wait for the response."""
        return self.send_async(request, body, backend).result()

    def await_response(self, pending: PendingResponse) -> tuple[Response, Body]:
        """Wait for a response."""
        return pending.result()

    def close(self, _request: Request) -> None:
        """Forget a request."""

    # A local host caches nothing.
    send_uncached = send
    send_async_uncached = send_async
    send_async_uncached_streaming = send_async_streaming


class HttpResp(Interface):
    """`fastly:compute/http-resp`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"response": Response}

    def __init__(self, downstream: Downstream) -> None:
        self._downstream = downstream

    def response_new(self) -> Response:
        """Return a response to be filled."""
        return Response()

    def send_downstream(self, response: Response, body: Body) -> None:
        """Reply to the client."""
        self._reply(response, body)

    def send_downstream_streaming(self, response: Response, body: Body) -> None:
        """Reply to the client with a body that is still written."""
        self._reply(response, body.begin_streaming())

    def _reply(self, response: Response, body: Body) -> None:
        if self._downstream.exchange.is_answered:
            raise Err("generic-error")
        if response.status == EARLY_HINTS:
            return  # taken, as by Viceroy, but no client here gets it
        if response.status <= LAST_INFORMATIONAL:
            raise Err("invalid-argument")
        self._downstream.exchange.answer(response, body)

    def close(self, _response: Response) -> None:
        """Forget a response."""


class HttpDownstream(Interface):
    """`fastly:compute/http-downstream`."""

    def __init__(self, downstream: Downstream) -> None:
        self._downstream = downstream

    def next_request(self, options: Mapping[str, Any]) -> PendingRequest:
        """Begin to wait for a further request."""
        timeout = options["timeout-ms"]
        return self._downstream.wait_for_request(None if timeout is None else timeout / 1000)

    def await_request(self, pending: PendingRequest) -> tuple[Request, Body] | None:
        """Return the further request, or None when none came."""
        if not self._downstream.exchange.is_answered:
            pending.drop()
            raise Err("unsupported")
        exchange = pending.take()
        if exchange is None:
            return None
        self._downstream.exchange = exchange
        return exchange.request, exchange.body

    def downstream_client_ip_addr(self, request: Request) -> Case | None:
        """Return the client's address."""
        return None if request.client is None else ip_case(request.client[0])

    def downstream_server_ip_addr(self, request: Request) -> Case | None:
        """Return the address that the client connected to."""
        return None if request.client is None else ip_case("127.0.0.1")

    def downstream_client_request_id(self, request: Request, max_len: int) -> str:
        """Return the number of the request."""
        return fitting(f"{request.number:032x}", max_len)

    def downstream_original_header_names(self, request: Request, max_len: int, cursor: int) -> tuple[str, int | None]:
        """List the names of the headers that the client sent."""
        names, following = page((name.encode() for name in request.original_names), max_len, cursor)
        return names.decode(), following

    def downstream_original_header_count(self, request: Request) -> int:
        """Count the headers that the client sent."""
        return len(request.original_names)

    def downstream_client_ddos_detected(self, _request: Request) -> bool:
        """Say what Viceroy says."""
        return False

    def downstream_tls_ja3_md5(self, _request: Message) -> None:
        """Say that the connection is not encrypted."""

    def _absent(self, _request: Request, _max_len: int) -> None:
        """Say that the connection is not encrypted."""

    downstream_tls_cipher_openssl_name = _absent
    downstream_tls_protocol = _absent
    downstream_tls_client_hello = _absent
    downstream_tls_raw_client_certificate = _absent
    downstream_tls_client_servername = _absent
    downstream_tls_ja4 = _absent
