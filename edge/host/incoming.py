"""The component's entry: requests in, replies out, and nothing ever goes wrong for the client.

An exception that left `handle` would give the client a wasm backtrace, a handler that sends nothing an empty 200. So
everything runs inside `attempt`, the one broad guard of this service: what a route does, the sending, and what follows
the reply. A sandbox takes further requests up to its setting.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Final

from componentize_py_types import Err
from wit_world.imports import async_io, http_req, http_resp
from wit_world.imports.http_downstream import (
    NextRequestOptions,
    await_request,
    downstream_client_ip_addr,
    next_request,
)

from edge.host.addresses import write_address
from edge.host.platform import LONGEST_TEXT, FastlyPlatform, list_pollables, make_body, read_within
from edge.input.reading import split_target
from edge.messages import Reply, Request
from edge.sandbox import Sandbox
from edge.service import APOLOGY, answer
from evaluator.warm_up import warm_up

SHOWN_FRAMES: Final = 6
NEW_STATUS: Final = 200  # of a new response, says the definition of the interface

warm_up()


def handle_requests(
    platform: FastlyPlatform, sandbox: Sandbox, request: http_req.Request, body: async_io.Pollable
) -> None:
    """Serve the first request of a sandbox, which has this platform, and those that follow."""
    serve(platform, sandbox, request, body)
    while (following := attempt(sandbox, lambda: take_next(sandbox), None)) is not None:
        serve(platform, sandbox, *following)
    attempt(sandbox, sandbox.close, None)


def serve(platform: FastlyPlatform, sandbox: Sandbox, request: http_req.Request, body: async_io.Pollable) -> None:
    """Answer one request, then do what is to be done after its reply; letting go of its handles comes last."""
    platform.begin_reply()
    with request:
        reply = attempt(sandbox, lambda: answer(sandbox, read_request(request, body)), APOLOGY)
        if attempt(sandbox, lambda: send_reply(reply), False):
            attempt(sandbox, lambda: sandbox.after_reply(reply), None)
        else:
            attempt(sandbox, lambda: send_reply(APOLOGY), False)
        platform.end_reply()


def take_next(sandbox: Sandbox) -> tuple[http_req.Request, async_io.Pollable] | None:
    """Wait for a further request; None when the sandbox has had its share or none comes."""
    settings = sandbox.background
    if sandbox.requests >= settings.requests_per_sandbox:
        return None
    try:
        following = next_request(NextRequestOptions(settings.idle_wait_ms, None))
        while not sandbox.outbox.is_idle() and not await_first(sandbox, following):
            attempt(sandbox, sandbox.go_on, None)
        return await_request(following)
    except Err:  # how the host says that no request came within the wait
        return None


def await_first(sandbox: Sandbox, following: async_io.Pollable) -> bool:
    """Wait for the next request or for something on its way, whichever is first; tells whether it is the request."""
    outbox = sandbox.outbox
    pollables = [following, *list_pollables(outbox.tasks.pendings())]
    tick = outbox.next_tick()
    if tick is None:
        return async_io.select(pollables) == 0
    wait_ms = max(0, int((tick - sandbox.platform.ticks()) * 1000) + 1)
    return async_io.select_with_timeout(pollables, wait_ms) == 0


def read_request(request: http_req.Request, body: async_io.Pollable) -> Request:
    """Return our value for a request."""
    uri = request.get_uri(LONGEST_TEXT)
    path, query = split_target(uri)

    def find_header(name: str) -> str | None:
        try:
            value = request.get_header_value(name, LONGEST_TEXT)
        except Err:  # longer than any header that is meant for us
            return None
        return None if value is None else value.decode("latin-1")

    def read_body(limit: int) -> bytes:
        return read_within(body, limit)

    def find_client_ip() -> str | None:
        address = downstream_client_ip_addr(request)
        return None if address is None else write_address(address)

    method = request.get_method(LONGEST_TEXT)
    return Request(method, path, query, find_header, read_body, find_client_ip, uri)


def send_reply(reply: Reply) -> bool:
    """Send a reply; returns True, so that failing to is told apart."""
    response = http_resp.Response.new()
    if reply.status != NEW_STATUS:
        response.set_status(reply.status)
    for name, value in reply.headers:
        response.insert_header(name, value)
    http_resp.send_downstream(response, make_body(reply.body))
    return True


def attempt[T](sandbox: Sandbox, action: Callable[[], T], otherwise: T) -> T:
    """Return what the action returns; whatever it raises is logged and answered with the other value."""
    try:
        return action()
    except Exception as problem:  # noqa: BLE001  # the outermost guard: beyond it there is only a wasm backtrace
        sandbox.platform.log(f"bug: {describe_bug(problem)}")
        return otherwise


def describe_bug(problem: BaseException) -> str:
    """Say what was raised and where; not its text, which may hold something about a user."""
    kind = type(problem).__name__
    if isinstance(problem, Err):
        kind = f"Err({type(problem.value).__name__})"
    return f"{kind} at {' < '.join(list_frames(problem.__traceback__)) or 'an unknown place'}"


def list_frames(trace: TracebackType | None) -> list[str]:
    """List the places a traceback passed, the innermost first."""
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[::-1][:SHOWN_FRAMES]
