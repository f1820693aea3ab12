"""Replies for pages of other origins, as browsers ask for them.

Any origin is allowed unless the setting names some: what guards an answer is the key, and browsers never add that
one by themselves. Only browsers send `origin`, so requests without it cost no header.
"""

from typing import Final

from edge.messages import Header
from edge.sandbox import Sandbox

ALLOWED_HEADERS: Final = (
    "content-type, statsig-api-key, statsig-client-time, statsig-event-count, statsig-retry-count, "
    "statsig-sdk-type, statsig-sdk-version, statsig-server-session-id, authorization, x-api-key, if-none-match"
)
EXPOSED_HEADERS: Final = b"etag, retry-after, x-statsig-region, x-gatelet-spec, server-timing"
ANY_ORIGIN: Final = "*"


def share_with_origin(origin: str | None, sandbox: Sandbox) -> tuple[Header, ...]:
    """Return the headers that let a page of this origin read the reply."""
    if not origin:
        return ()
    allowed = sandbox.client_settings.cors_origins.split()
    exposed: Header = ("access-control-expose-headers", EXPOSED_HEADERS)
    if ANY_ORIGIN in allowed:
        return ("access-control-allow-origin", b"*"), exposed
    if origin not in allowed:
        return (("vary", b"origin"),)
    return ("access-control-allow-origin", origin.encode("latin-1")), exposed, ("vary", b"origin")


def preflight_headers(origin: str | None, sandbox: Sandbox) -> tuple[Header, ...]:
    """Return what a page may send."""
    if not origin:
        return ()
    extra = sandbox.client_settings.cors_headers
    headers = f"{ALLOWED_HEADERS}, {extra}" if extra else ALLOWED_HEADERS
    return (
        ("access-control-allow-methods", b"GET, POST, OPTIONS"),
        ("access-control-allow-headers", headers.encode("ascii", "ignore")),
        ("access-control-max-age", b"86400"),
    )
