"""From a request to its reply: find the route, let it answer, add what every reply carries.

Refusals become JSON errors here. Anything else that goes wrong is not caught here: the host's guard answers it.
"""

from collections.abc import Mapping
from typing import Final

from edge.callers.cors import preflight_headers, share_with_origin
from edge.callers.keys import NOBODY, Access, require_caller
from edge.callers.rates import require_rate
from edge.calls import Call, Route
from edge.journal import Answered
from edge.messages import JSON_HEADER, Header, Refusal, Reply, Request, encode_json
from edge.routes.events import CLIENT_EVENTS
from edge.routes.table import Place, find_place
from edge.sandbox import Sandbox

NO_STORE: Final[Header] = ("cache-control", b"no-store")
# `details` beside `message`, because GET /gate promises that name, and `errorDetails` for OpenFeature.
APOLOGY: Final = Reply(
    500,
    encode_json(
        {
            "error": "internal",
            "message": "something went wrong here, not in the request",
            "details": "the service's log says what",
            "errorDetails": "the service's log says what",
        }
    ),
    (JSON_HEADER, NO_STORE),
)


def answer(sandbox: Sandbox, request: Request) -> Reply:
    """Answer a request, with the headers that every reply carries."""
    started = sandbox.platform.ticks()
    sandbox.requests += 1
    sandbox.route, sandbox.instant_ms = "", None
    try:
        reply = answer_at_place(sandbox, request)
    except Refusal as refusal:
        reply = refusal.to_reply()
    took_ms = (sandbox.platform.ticks() - started) * 1000
    sandbox.answered = Answered(request.method, sandbox.route, reply.status, took_ms)
    body = b"" if request.method == "HEAD" else reply.body
    shared = share_with_origin(request.find_header("origin"), sandbox)
    headers = (*reply.headers, *shared, NO_STORE, sandbox.spec_header(), timing_header(sandbox, took_ms))
    return Reply(reply.status, body, headers, reply.events, reply.made_from, reply.ahead)


def answer_at_place(sandbox: Sandbox, request: Request) -> Reply:
    """Answer by the route of a path and method; raises a refusal when there is none."""
    place = find_place(request.path) or find_alias(sandbox, request.path)
    if place is None:
        raise Refusal(404, "not_found", f"there is nothing at {request.path[:200]}")
    if request.method == "OPTIONS":
        allow: Header = ("allow", allowed_methods(place.methods))
        return Reply(204, b"", (*preflight_headers(request.find_header("origin"), sandbox), allow))
    route = place.methods.get("GET" if request.method == "HEAD" else request.method)
    if route is None:
        allow = ("allow", allowed_methods(place.methods))
        raise Refusal(405, "method_not_allowed", f"{request.path[:200]} takes {allow[1].decode()}", (allow,))
    sandbox.route = route.path
    return call_route(sandbox, request, route, place.parameter)


def find_alias(sandbox: Sandbox, path: str) -> Place | None:
    """Find the events route under the other paths that the setting gives it: blockers know its own."""
    aliases = sandbox.client_settings.events_paths.split()
    return Place({CLIENT_EVENTS.method: CLIENT_EVENTS}) if path in aliases else None


def call_route(sandbox: Sandbox, request: Request, route: Route, parameter: str) -> Reply:
    """Check the caller's key and call the route; refusals take the shape that its audience reads."""
    try:
        caller = NOBODY
        if route.access is not Access.NONE:
            caller = require_caller(sandbox.keys, request, route.access, route.places, parameter)
            require_rate(sandbox, request, caller)
        return route.handler(Call(sandbox, request, caller, parameter))
    except Refusal as refusal:
        if route.refuse is None:
            raise
        return route.refuse(refusal, parameter)


def allowed_methods(methods: Mapping[str, Route]) -> bytes:
    """Return the value of an Allow header."""
    implied = ["HEAD", "OPTIONS"] if "GET" in methods else ["OPTIONS"]
    return ", ".join([*methods, *implied]).encode("ascii")


def timing_header(sandbox: Sandbox, took_ms: float) -> Header:
    """Return how long the reply took, and the how-manieth of its sandbox it is.

    In whole milliseconds: finer ones would tell an entity that a client key may not see from one that is not there.
    """
    return "server-timing", b'total;dur=%d, sandbox;desc="request %d"' % (took_ms, sandbox.requests)
