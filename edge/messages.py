"""Requests and replies as values, and the way to refuse a request.

A route takes a `Request` and returns a `Reply`; it neither reads nor writes the wire, so the same routes can sit behind
any host. A refusal is raised where the fault is found and becomes `{"error", "message"}` in one place (`service`).
Both are small classes with slots because a fresh sandbox makes and reads them on the way to its first reply: reading a
field of a named tuple looks the name up in the class every time (docs/decisions/values.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.json_text import make_writer

type Header = tuple[str, bytes]
type Event = Mapping[str, object]
type FindEvents = Callable[[], Sequence[Event]]

JSON_HEADER: Header = ("content-type", b"application/json")


class BodyTooLarge(Exception):
    """The body of a request is longer than we read."""


def find_nothing() -> None:
    """Return None: what a request without a connection knows of its client."""


def find_no_events() -> tuple[Event, ...]:
    """Return what most replies expose."""
    return ()


@dataclass(slots=True)
class Request:
    """One HTTP request; headers and body are only fetched when a route asks for them."""

    method: str
    path: str
    query: str
    find_header: Callable[[str], str | None]
    read_body: Callable[[int], bytes]  # takes the limit; raises BodyTooLarge
    find_client_ip: Callable[[], str | None] = find_nothing
    uri: str = ""  # as the client asked, with scheme and host as far as known


@dataclass(slots=True)
class Reply:
    """One HTTP reply, and what makes its exposure events once it has gone: no client waits for that.

    Nor for what is done `ahead` for the next one, or for letting go of `made_from`, what it holds for nothing else.
    """

    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON_HEADER,)
    events: FindEvents = find_no_events
    made_from: object = None
    ahead: Callable[[], None] = find_nothing


class Refusal(Exception):
    """A request we do not serve, with the reply that says so."""

    def __init__(self, status: int, error: str, message: str, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.headers = headers

    def to_reply(self) -> Reply:
        """Return the JSON error."""
        body = encode_json({"error": self.error, "message": self.message})
        return Reply(self.status, body, (JSON_HEADER, *self.headers))


def refuse_input(message: str) -> Refusal:
    """Return the refusal of a request that is itself at fault."""
    return Refusal(400, "bad_request", message)


_list_pieces: Final = make_writer(True)


def encode_json(value: object) -> bytes:
    """Encode a JSON value compactly."""
    return "".join(_list_pieces(value, 0)).encode("ascii")


def json_reply(status: int, value: object, events: FindEvents = find_no_events) -> Reply:
    """Return a reply with a JSON body."""
    return Reply(status, encode_json(value), (JSON_HEADER,), events)
