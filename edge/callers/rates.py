"""How many requests one key may make, when the setting `key_rate_limit` asks for that.

A server secret is counted by itself. A client key is public, so it is counted together with the address that asks: else
one client could shut out all others. The counter gets fingerprints, never a key or an address.
"""

from typing import Final

from edge.callers.keys import Access, Caller
from edge.messages import Refusal, Request
from edge.sandbox import Sandbox
from edge.spec.projects import fingerprint

RETRY_AFTER: Final = (("retry-after", b"60"),)  # how long Fastly's shortest penalty lasts


def require_rate(sandbox: Sandbox, request: Request, caller: Caller) -> None:
    """Count a request; raises a 429 refusal when the caller makes too many."""
    limit = sandbox.settings.key_rate_limit
    if limit and sandbox.platform.is_over_rate(name_caller(request, caller), limit):
        raise Refusal(429, "too_many_requests", f"more than {limit} requests a second; wait a minute", RETRY_AFTER)


def name_caller(request: Request, caller: Caller) -> str:
    """Return what a caller is counted by."""
    if caller.access is Access.SERVER:
        return fingerprint(caller.key)
    return fingerprint(f"{caller.key} {request.find_client_ip() or ''}")
