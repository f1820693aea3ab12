"""From a request to its reply: find the route, let it answer, add what every reply carries.

Refusals become JSON errors here. Anything else that goes wrong is not caught here: the host's guard answers it.
"""

from collections.abc import Mapping
from typing import Final

from edge.messages import JSON_HEADER, Header, Refusal, Reply, Request, encode_json
from edge.routes import ROUTES, Route
from edge.sandbox import Sandbox

ALLOWED_HEADERS: Final = (
    b"content-type, statsig-api-key, statsig-client-time, statsig-event-count, statsig-retry-count, "
    b"statsig-sdk-type, statsig-sdk-version, statsig-server-session-id, authorization, x-api-key, if-none-match"
)
EXPOSED_HEADERS: Final = b"etag, retry-after, x-statsig-region, x-gatelet-spec, server-timing"
# Any origin: what guards an answer is the key in a header, and browsers never add that one by themselves.
COMMON_HEADERS: Final[tuple[Header, ...]] = (
    ("access-control-allow-origin", b"*"),
    ("access-control-expose-headers", EXPOSED_HEADERS),
    ("cache-control", b"no-store"),
)
PREFLIGHT_HEADERS: Final[tuple[Header, ...]] = (
    ("access-control-allow-methods", b"GET, POST, OPTIONS"),
    ("access-control-allow-headers", ALLOWED_HEADERS),
    ("access-control-max-age", b"86400"),
)
# `details` beside `message`, because GET /gate promises that name.
APOLOGY: Final = Reply(
    500,
    encode_json(
        {
            "error": "internal",
            "message": "something went wrong here, not in the request",
            "details": "the service's log says what",
        }
    ),
    (JSON_HEADER, *COMMON_HEADERS),
)


def answer(sandbox: Sandbox, request: Request) -> Reply:
    """Answer a request, with the headers that every reply carries."""
    started = sandbox.platform.ticks()
    sandbox.requests += 1
    try:
        reply = route_request(sandbox, request)
    except Refusal as refusal:
        reply = refusal.to_reply()
    body = b"" if request.method == "HEAD" else reply.body
    timing = timing_header(sandbox, started)
    headers = (*reply.headers, *COMMON_HEADERS, sandbox.spec_header(), timing)
    return reply._replace(body=body, headers=headers)


def route_request(sandbox: Sandbox, request: Request) -> Reply:
    """Call the route of a path and method; raises a refusal when there is none."""
    methods = ROUTES.get(request.path)
    if methods is None:
        raise Refusal(404, "not_found", f"there is nothing at {request.path[:200]}")
    if request.method == "OPTIONS":
        return Reply(204, b"", (*PREFLIGHT_HEADERS, ("allow", allowed_methods(methods))))
    route = methods.get("GET" if request.method == "HEAD" else request.method)
    if route is None:
        allow: Header = ("allow", allowed_methods(methods))
        raise Refusal(405, "method_not_allowed", f"{request.path} takes {allow[1].decode()}", (allow,))
    return route(sandbox, request)


def allowed_methods(methods: Mapping[str, Route]) -> bytes:
    """Return the value of an Allow header."""
    implied = ["HEAD", "OPTIONS"] if "GET" in methods else ["OPTIONS"]
    return ", ".join([*methods, *implied]).encode("ascii")


def timing_header(sandbox: Sandbox, started: float) -> Header:
    """Return how long the reply took, and the how-manieth of its sandbox it is."""
    milliseconds = (sandbox.platform.ticks() - started) * 1000
    return "server-timing", b'total;dur=%.2f, sandbox;desc="request %d"' % (milliseconds, sandbox.requests)
