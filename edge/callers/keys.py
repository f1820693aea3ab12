"""Who may ask: keys from the Secret Store, compared in constant time.

A secret may hold several keys separated by white space, so that a key can be replaced without a gap. Without any key
nothing but health is answered. Where a key may stand depends on the route: Statsig's browser client has it in the query
only, so that its requests need no preflight, and OpenFeature clients use headers of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from hmac import compare_digest
from typing import Final

from edge.input.reading import parse_query
from edge.messages import Refusal, Request

KEY_HEADER: Final = "statsig-api-key"
CLIENT_SECRET: Final = "client_key"  # noqa: S105  # the name of an item, not its value
SERVER_SECRET: Final = "server_secret"  # noqa: S105  # the name of an item, not its value
STATSIG_KEY_SECRET: Final = "statsig_key"  # noqa: S105  # the name of an item, not its value

CLIENT_PREFIX: Final = b"client-"  # of the client keys that Statsig's console makes

type FindSecret = Callable[[str], bytes | None]
type EventsKeys = Mapping[str, bytes]  # the keys that Statsig knows us by, by project; empty is that of `spec_key`


class Access(IntEnum):
    """How much a key opens; a higher one includes the lower."""

    NONE = 0
    CLIENT = 1
    SERVER = 2


class KeyPlace(Enum):
    """Where a request may carry its key; the text is for messages."""

    HEADER = f"the header {KEY_HEADER}"
    QUERY = "the query parameter k"
    PATH = "the path"
    API_KEY = "the header x-api-key"
    BEARER = "the header authorization, after Bearer"


@dataclass(slots=True)
class Caller:
    """Who asks."""

    access: Access = Access.NONE
    key: str = ""


NOBODY: Final = Caller()


class Keys:
    """The keys that open this service; each of the two secrets is read when its keys first count."""

    __slots__ = ("_client", "_find_secret", "_server")

    def __init__(self, find_secret: FindSecret) -> None:
        self._find_secret = find_secret
        self._client: tuple[bytes, ...] | None = None
        self._server: tuple[bytes, ...] | None = None

    @property
    def client(self) -> tuple[bytes, ...]:
        """Return the keys that may be public."""
        if self._client is None:
            self._client = split_keys(self._find_secret(CLIENT_SECRET))
        return self._client

    @property
    def server(self) -> tuple[bytes, ...]:
        """Return the keys that open everything."""
        if self._server is None:
            self._server = split_keys(self._find_secret(SERVER_SECRET))
        return self._server


def split_keys(secret: bytes | None) -> tuple[bytes, ...]:
    """Return the keys that a secret holds."""
    return tuple((secret or b"").split())


def read_events_keys(find_secret: FindSecret) -> EventsKeys:
    """Read the keys that events are sent with: one alone, and `spec key=one` for each further project."""
    pairs = (text.rpartition(b"=") for text in (find_secret(STATSIG_KEY_SECRET) or b"").split())
    return {project.decode("utf-8", "replace"): key for project, _, key in pairs}


def find_access(keys: Keys, presented: bytes) -> Access:
    """Return what a key opens, in a time that does not depend on how near it comes to one of ours.

    Statsig's client keys begin alike, so the secret that probably holds the key is read first, and the other one only
    when it does not: reading one takes a fresh sandbox three calls of the host.
    """
    if presented.startswith(CLIENT_PREFIX) and holds_key(keys.client, presented):
        return Access.CLIENT
    if holds_key(keys.server, presented):
        return Access.SERVER
    return Access.CLIENT if holds_key(keys.client, presented) else Access.NONE


def holds_key(known: Sequence[bytes], presented: bytes) -> bool:
    """Tell whether a key is one of these; all of them are compared."""
    return any([compare_digest(key, presented) for key in known])  # noqa: C419  # a generator would stop at the first


def require_caller(
    keys: Keys, request: Request, needed: Access, places: tuple[KeyPlace, ...], parameter: str = ""
) -> Caller:
    """Return who asks; raises a 401 refusal for nobody we know, 403 for a client key where it does not do."""
    presented = [key for place in places if (key := find_key(request, place, parameter))]
    if not presented:
        raise Refusal(401, "unauthorized", f"send a key in {describe_places(places)}")
    caller = find_caller(keys, presented)
    if caller is NOBODY:
        raise Refusal(401, "unauthorized", f"the key in {describe_places(places)} is not known here")
    if caller.access < needed:
        raise Refusal(403, "forbidden", "this needs a server secret; a client key does not open it")
    return caller


def find_caller(keys: Keys, presented: Sequence[str]) -> Caller:
    """Return who the first key belongs to that is known here."""
    for key in presented:
        access = find_access(keys, key.encode("utf-8", "replace"))
        if access is not Access.NONE:
            return Caller(access, key)
    return NOBODY


def find_key(request: Request, place: KeyPlace, parameter: str) -> str:
    """Return the key that stands at a place, or an empty text."""
    find = request.find_header
    match place:
        case KeyPlace.HEADER:
            return find(KEY_HEADER) or ""
        case KeyPlace.API_KEY:
            return find("x-api-key") or ""
        case KeyPlace.BEARER:
            scheme, _, token = (find("authorization") or "").partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
        case KeyPlace.QUERY:
            return parse_query(request.query).get("k", "") if request.query else ""
        case KeyPlace.PATH:
            return parameter.removesuffix(".json").removesuffix(".js")


def describe_places(places: tuple[KeyPlace, ...]) -> str:
    """Say where a key may stand."""
    return " or ".join(place.value for place in places)
