"""Batches: the events of one `log_event` request, encoded once and never opened again unless they must be cut.

Events of our own are kept as JSON values with commas between them, so that batches become one body by joining bytes.
A client's events are *sealed*: the body as it came, with the headers that belong to it. Every batch has an ID that
stays with it through retries, the store and the drain, so that a repeat can be recognised.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from json import loads
from typing import Final
from zlib import crc32

from edge.messages import JSON_HEADER, Header, encode_json

SDK_TYPE: Final = "gatelet"
SDK_VERSION: Final = "0.1.0"
# Measured on 100 events, 47.6 KB: level 1 makes 2.7 KB of them for 5.2 M fuel, level 6 makes 2.2 KB for 11.3 M.
GZIP_LEVEL: Final = 1
BATCH_HEADER: Final = "x-gatelet-batches"
# What is the same in every request, written once: a fresh sandbox sends one batch, and all of this is its cost.
_METADATA: Final = f'],"statsigMetadata":{{"sdkType":"{SDK_TYPE}","sdkVersion":"{SDK_VERSION}","sessionID":'.encode()
_SAME_HEADERS: Final[tuple[Header, ...]] = (
    JSON_HEADER,
    ("statsig-sdk-type", SDK_TYPE.encode()),
    ("statsig-sdk-version", SDK_VERSION.encode()),
)


@dataclass(slots=True)
class Batch:
    """Some events that travel together."""

    id: str
    content: bytes  # JSON values with commas between them; of a sealed batch the whole body
    event_count: int
    born_ms: int
    is_sealed: bool = False
    encoding: str = ""  # of a sealed body
    headers: tuple[Header, ...] = ()  # of a sealed body
    project: str = ""  # the key of the spec that was asked; empty for the one of the setting `spec_key`

    @property
    def can_split(self) -> bool:
        """Tell whether there is something to cut."""
        return not self.is_sealed and self.event_count > 1


@dataclass(slots=True)
class Content:
    """What a request carries: its body, and the headers that say how to read it. The same at every try."""

    body: bytes
    headers: tuple[Header, ...] = ()


@dataclass(slots=True)
class Post:
    """One request to the events endpoint."""

    headers: tuple[Header, ...]
    body: bytes


def split_batch(batch: Batch) -> tuple[Batch, Batch]:
    """Cut a batch of several events into halves."""
    events = loads(b"[" + batch.content + b"]")
    middle = len(events) // 2
    first, second = events[:middle], events[middle:]
    return take_half(batch, 1, first), take_half(batch, 2, second)


def take_half(batch: Batch, part: int, events: Sequence[object]) -> Batch:
    """Return the batch with a part of its events."""
    return replace(batch, id=f"{batch.id}.{part}", content=encode_json(events)[1:-1], event_count=len(events))


def encode_post(batches: Sequence[Batch], key: bytes, session: str, now_ms: int, tries: int, gzip_from: int) -> Post:
    """Return the request that carries some batches, or one sealed batch; a body of `gzip_from` bytes is compressed."""
    return make_post(batches, encode_content(batches, session, gzip_from), key, session, now_ms, tries)


def make_post(batches: Sequence[Batch], content: Content, key: bytes, session: str, now_ms: int, tries: int) -> Post:
    """Return the request that carries some batches whose content is encoded already."""
    first = batches[0]
    count, names = first.event_count, f"{first.id}={first.event_count}"
    for batch in batches[1:]:
        count += batch.event_count
        names += f", {batch.id}={batch.event_count}"
    return Post((*post_headers(key, session, count, now_ms, tries, names), *content.headers), content.body)


def encode_content(batches: Sequence[Batch], session: str, gzip_from: int) -> Content:
    """Return the content of a request; our own is compressed from this length on."""
    first = batches[0]
    if first.is_sealed:
        encoding: tuple[Header, ...] = (("content-encoding", first.encoding.encode()),) if first.encoding else ()
        return Content(first.content, (*first.headers, *encoding))
    body = encode_body(batches, session)
    if len(body) < gzip_from:
        return Content(body)
    return Content(gzip.compress(body, GZIP_LEVEL, mtime=0), (("content-encoding", b"gzip"),))


def encode_body(batches: Sequence[Batch], session: str) -> bytes:
    """Return the body of a log_event request."""
    return wrap_events(b",".join(batch.content for batch in batches), session)


def wrap_events(events: bytes, session: str) -> bytes:
    """Return the body around events that are JSON values with commas between them."""
    return b"".join((b'{"events":[', events, _METADATA, encode_json(session), b"}}"))


def post_headers(key: bytes, session: str, count: int, now_ms: int, tries: int, names: str) -> tuple[Header, ...]:
    """Return the headers that Statsig's own SDKs send, and the IDs of the batches."""
    return (
        *_SAME_HEADERS,
        ("statsig-api-key", key),
        ("statsig-server-session-id", session.encode()),
        ("statsig-client-time", b"%d" % now_ms),
        ("statsig-event-count", b"%d" % count),
        ("statsig-retry-count", b"%d" % tries),
        (BATCH_HEADER, names.encode()),
    )


def backoff_ms(batch_id: str, tries: int, base_ms: int) -> int:
    """Return the wait before the next try: doubling, and spread by half so that many sandboxes do not come at once.

    The spread comes from the batch's ID: random numbers would be the same in every sandbox, which start from one
    snapshot of the interpreter.
    """
    spread = crc32(f"{batch_id}/{tries}".encode()) % 1000 / 1000
    whole: int = base_ms << max(0, tries - 1)
    return int(whole * (0.5 + spread))
