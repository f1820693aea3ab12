"""Who may ask: keys from the Secret Store, compared in constant time.

A secret may hold several keys separated by white space, so that a key can be replaced without a gap. Without any key
nothing but health is answered.
"""

from collections.abc import Callable
from enum import IntEnum
from hmac import compare_digest
from typing import Final, NamedTuple

from edge.messages import Refusal, Request

KEY_HEADER: Final = "statsig-api-key"
CLIENT_SECRET: Final = "client_key"  # noqa: S105  # the name of an item, not its value
SERVER_SECRET: Final = "server_secret"  # noqa: S105  # the name of an item, not its value


class Access(IntEnum):
    """How much a key opens; a higher one includes the lower."""

    NONE = 0
    CLIENT = 1
    SERVER = 2


class Keys(NamedTuple):
    """The keys that open this service."""

    client: tuple[bytes, ...] = ()
    server: tuple[bytes, ...] = ()


def read_keys(find_secret: Callable[[str], bytes | None]) -> Keys:
    """Read both secrets."""
    client, server = find_secret(CLIENT_SECRET), find_secret(SERVER_SECRET)
    return Keys(tuple((client or b"").split()), tuple((server or b"").split()))


def find_access(keys: Keys, presented: bytes) -> Access:
    """Return what a key opens, in a time that does not depend on how near it comes to one of ours."""
    access = Access.NONE
    for level, known in ((Access.CLIENT, keys.client), (Access.SERVER, keys.server)):
        for key in known:
            if compare_digest(key, presented):
                access = level
    return access


def require_access(keys: Keys, request: Request) -> Access:
    """Return what the request's key opens; raises a 401 refusal when that is nothing."""
    presented = request.find_header(KEY_HEADER)
    if not presented:
        raise Refusal(401, "unauthorized", f"send a key in the header {KEY_HEADER}")
    access = find_access(keys, presented.encode("latin-1"))
    if access is Access.NONE:
        raise Refusal(401, "unauthorized", f"the key in the header {KEY_HEADER} is not known here")
    return access


def require_server_access(access: Access, what: str) -> None:
    """Raise a 403 refusal unless the key is a server secret."""
    if access < Access.SERVER:
        raise Refusal(403, "forbidden", f"{what} needs a server secret; a client key does not open it")
