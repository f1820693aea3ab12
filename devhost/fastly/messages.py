"""Bodies, headers and messages, as the guest and both ends of the host hold them.

A body is a queue of pieces and, when it comes from elsewhere, a source of further ones. Streaming bodies take their
pieces from a queue that the guest fills while the other side reads.
"""

import queue
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from devhost.fastly.values import Case, Err, Resource

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
BAD_VALUE = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")
LONGEST_NAME = (1 << 16) - 1
# One read of a connection, and the pieces in which a content arrives that breaks off. What lies in memory is not cut
# up: Viceroy 0.22 gives a guest as much of a KV value as it asks for in one read (`Body::read` of viceroy-lib).
LARGEST_READ = 16 * 1024

type Header = tuple[str, bytes]


class Pollable(Resource):
    """Something that can be waited for; bodies and everything pending share this resource type."""

    def is_ready(self) -> bool:
        """Say whether waiting would end at once."""
        return self.wait(0)

    def wait(self, _seconds: float | None) -> bool:
        """Wait until it is ready, or for so long; say whether it is."""
        return True


class Body(Pollable):
    """The content of a message; `release` gives back what a source holds when nobody reads it to the end."""

    def __init__(
        self,
        content: bytes = b"",
        source: Iterator[bytes] | None = None,
        release: Callable[[], None] | None = None,
    ) -> None:
        self._pieces = deque([content] if content else [])
        self._source = source
        self._release = release
        self._feed: Feed | None = None

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer than asked when that is quicker; none at the end."""
        while not self._pieces:
            piece = next(self._source, None) if self._source else None
            if piece is None:
                return b""
            if piece:
                self._pieces.append(piece)
        piece = self._pieces.popleft()
        if len(piece) > size:
            self._pieces.appendleft(piece[size:])
        return piece[:size]

    def write(self, content: bytes) -> None:
        """Add bytes at the end."""
        if self._feed is not None:
            self._feed.put(content)
        elif content:
            self._pieces.append(content)

    def write_front(self, content: bytes) -> None:
        """Add bytes before the beginning."""
        if self._feed is not None:
            raise Err("unsupported")
        if content:
            self._pieces.appendleft(content)

    def append(self, other: "Body") -> None:
        """Add another body at the end."""
        for piece in other.pieces():
            self.write(piece)

    def pieces(self) -> Iterator[bytes]:
        """Read to the end."""
        while piece := self.read(1 << 20):
            yield piece

    def known_length(self) -> int | None:
        """Return the length, unless more may come."""
        return None if self._source or self._feed else sum(map(len, self._pieces))

    def begin_streaming(self) -> "Body":
        """Let the guest go on writing, and return what the other side reads."""
        if self._source is not None:
            raise Err("unsupported")
        self._feed = Feed(self._pieces)
        self._pieces = deque()
        return Body(source=iter(self._feed))

    def close(self) -> None:
        """End a body; a streaming one well."""
        if self._feed is not None:
            self._feed.end()
        if self._release is not None:
            self._release()

    def drop(self) -> None:
        """End a body; a streaming one badly, unless it ended well before."""
        if self._feed is not None:
            self._feed.end(BrokenBody())
        if self._release is not None:
            self._release()


class BrokenBody(Exception):
    """A body that ended before it was complete."""


def broken_content(content: bytes, cut_at: int) -> Iterator[bytes]:
    """Give the beginning of a content, then break."""
    for start in range(0, cut_at, LARGEST_READ):
        yield content[start : min(start + LARGEST_READ, cut_at)]
    raise Err("http-incomplete")


class Feed:
    """The pieces of a streaming body on their way from one thread to another."""

    def __init__(self, first: Iterable[bytes]) -> None:
        self._queue: queue.SimpleQueue[bytes | BrokenBody | None] = queue.SimpleQueue()
        self._ended = False
        for piece in first:
            self._queue.put(piece)

    def put(self, piece: bytes) -> None:
        """Hand over a piece."""
        self._queue.put(piece)

    def end(self, problem: BrokenBody | None = None) -> None:
        """Say that no more comes, and why."""
        if not self._ended:
            self._ended = True
            self._queue.put(problem)

    def __iter__(self) -> Iterator[bytes]:
        while (piece := self._queue.get()) is not None:
            if isinstance(piece, BrokenBody):
                raise piece
            yield piece


def page(items: Iterable[bytes], max_len: int, cursor: int) -> tuple[bytes, int | None]:
    """Return items that fit, each with a NUL after it, and where to go on; raises `Err` when not even one fits."""
    filled = bytearray()
    for position, item in enumerate(islice(items, cursor, None), cursor):
        if len(filled) + len(item) + 1 > max_len:
            if position == cursor:
                raise Err(Case("buffer-len", len(item) + 1))
            return bytes(filled), position
        filled += item + b"\0"
    return bytes(filled), None


def fitting[Text: str | bytes](text: Text, max_len: int) -> Text:
    """Return a text unless the guest made no room for it."""
    length = len(text.encode() if isinstance(text, str) else text)
    if length > max_len:
        raise Err(Case("buffer-len", length))
    return text


class Message(Resource):
    """What requests and responses have in common: headers, in the order they came."""

    def __init__(self, headers: Iterable[Header] = ()) -> None:
        self.headers = [(name.lower(), value) for name, value in headers]
        self.version = "http11"
        self.manual_framing = False

    def find(self, name: str) -> bytes | None:
        """Return the first value of a header."""
        return next((value for found, value in self.headers if found == name), None)

    def replace(self, name: str, values: Iterable[bytes]) -> None:
        """Set all values of a header."""
        self.headers = [(found, value) for found, value in self.headers if found != name]
        self.headers += [(name, value) for value in values]

    def get_header_names(self, max_len: int, cursor: int) -> tuple[str, int | None]:
        """List the names, each once."""
        names, following = page((name.encode() for name in dict(self.headers)), max_len, cursor)
        return names.decode(), following

    def get_header_value(self, name: str, max_len: int) -> bytes | None:
        """Return the first value of a header."""
        if len(name) > LONGEST_NAME:
            raise Err("invalid-argument")
        value = self.find(name.lower())
        return None if value is None else fitting(value, max_len)

    def get_header_values(self, name: str, max_len: int, cursor: int) -> tuple[bytes, int | None]:
        """List the values of a header."""
        wanted = check_name(name)
        return page((value for found, value in self.headers if found == wanted), max_len, cursor)

    def set_header_values(self, name: str, values: bytes) -> None:
        """Set all values of a header, each with a NUL after it."""
        self.replace(check_name(name), [check_value(value) for value in values.split(b"\0")[:-1]])

    def insert_header(self, name: str, value: bytes) -> None:
        """Set the only value of a header."""
        self.replace(check_name(name), [check_value(value)])

    def append_header(self, name: str, value: bytes) -> None:
        """Add a value of a header."""
        self.headers.append((check_name(name), check_value(value)))

    def remove_header(self, name: str) -> None:
        """Remove all values of a header, of which there must be one."""
        wanted = check_name(name)
        if self.find(wanted) is None:
            raise Err("invalid-argument")
        self.replace(wanted, ())

    def get_version(self) -> str:
        """Return the version of HTTP."""
        return self.version

    def set_version(self, version: str) -> None:
        """Set the version of HTTP."""
        self.version = version

    def set_framing_headers_mode(self, mode: str) -> None:
        """Choose who writes Content-Length and Transfer-Encoding."""
        self.manual_framing = mode == "manually-from-headers"


def check_name(name: str) -> str:
    """Return a header's name in lower case."""
    if len(name) > LONGEST_NAME:
        raise Err("invalid-argument")
    if not TOKEN.fullmatch(name):
        raise Err("generic-error")
    return name.lower()


def check_value(value: bytes) -> bytes:
    """Return a header's value if it may stand there."""
    if BAD_VALUE.search(value):
        raise Err("generic-error")
    return value


class Request(Message):
    """A request from a client or to a backend."""

    def __init__(
        self,
        method: str = "GET",
        uri: str = "/",
        headers: Iterable[Header] = (),
        client: tuple[str, int] | None = None,
        number: int = 0,
    ) -> None:
        super().__init__(headers)
        self.method = method
        self.uri = uri
        self.client = client
        self.number = number
        self.original_names = tuple(dict(self.headers))

    def get_method(self, max_len: int) -> str:
        """Return the method."""
        return fitting(self.method, max_len)

    def set_method(self, method: str) -> None:
        """Set the method."""
        if not TOKEN.fullmatch(method):
            raise Err("generic-error")
        self.method = method

    def get_uri(self, max_len: int) -> str:
        """Return the URI."""
        return fitting(self.uri, max_len)

    def set_uri(self, uri: str) -> None:
        """Set the URI."""
        if not re.fullmatch(r"[!-~]+", uri):
            raise Err("generic-error")
        self.uri = uri

    def set_cache_override(self, _override: Case) -> None:
        """Do nothing: a local host caches nothing."""

    def set_auto_decompress_response(self, _encodings: frozenset[str]) -> None:
        """Do nothing: local backends are asked for nothing compressed."""


class Response(Message):
    """A response of ours or of a backend."""

    def __init__(
        self, status: int = 200, headers: Iterable[Header] = (), remote: tuple[str, int] | None = None
    ) -> None:
        super().__init__(headers)
        self.status = status
        self.remote = remote

    def get_status(self) -> int:
        """Return the status."""
        return self.status

    def set_status(self, status: int) -> None:
        """Set the status."""
        if not 100 <= status <= 999:
            raise Err("invalid-argument")
        self.status = status

    def set_http_keepalive_mode(self, mode: str) -> None:
        """Keep the default: there is no other one locally."""
        if mode != "automatic":
            raise Err("generic-error")

    def get_remote_ip_addr(self) -> Case | None:
        """Return the address of the backend."""
        return None if self.remote is None else ip_case(self.remote[0])

    def get_remote_port(self) -> int | None:
        """Return the port of the backend."""
        return None if self.remote is None else self.remote[1]


def ip_case(address: str) -> Case:
    """Return an IPv4 address as the WIT has it; this host knows no others."""
    return Case("ipv4", tuple(int(part) for part in address.split(".")))
