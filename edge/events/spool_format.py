"""How stored events lie in the KV store.

    gatelet-events/TIME-COUNT-BYTES-ID    one batch: a CBOR envelope around its JSON
    gatelet-events/…-ID@PROJECT           one of another project than the setting `spec_key` names
    gatelet-events-aside/…                a batch that cannot be sent, its envelope beside the reason
    gatelet-events-lease                  who drains, until when, how much was stored when last counted, and whether
                                          the endpoint was failing then

The key says what a listing has to tell: keys in order are batches in the order of their time (milliseconds, 13 digits),
and counting events or bytes needs no value to be read. The content of a batch is one byte string in the envelope, so
the CBOR decoder, which is Python in the component, has a handful of items to decode however many events there are.

The lease is JSON, which is decoded in C: each sandbox at a failing endpoint reads it, and measured in the component
that took 0.35 million instructions as CBOR.
"""

from collections.abc import Iterable, Mapping
from json import loads
from typing import Final, NamedTuple

import cbor2

from edge.events.batch import Batch
from edge.messages import Header, encode_json

PREFIX: Final = "gatelet-events/"
ASIDE_PREFIX: Final = "gatelet-events-aside/"
LEASE_KEY: Final = "gatelet-events-lease"
VERSION: Final = 1


class InvalidEnvelope(Exception):
    """A stored value is not what we write there; the text says what is wrong."""


class StoredKey(NamedTuple):
    """What the key of a stored batch says."""

    key: str
    born_ms: int
    event_count: int
    size: int
    project: str = ""


class Lease(NamedTuple):
    """Who drains until when, what was stored when it was last counted, and how long the endpoint counts as failing."""

    holder: str = ""
    until_ms: int = 0
    batches: int = 0
    size: int = 0
    failing_until_ms: int = 0


def name_batch(batch: Batch, size: int) -> str:
    """Return the key for a batch whose envelope has this size."""
    project = f"@{batch.project}" if batch.project else ""
    return f"{PREFIX}{batch.born_ms:013d}-{batch.event_count}-{size}-{batch.id}{project}"


def name_aside(key: str) -> str:
    """Return the key under which a stored batch is set aside."""
    return ASIDE_PREFIX + key.removeprefix(PREFIX)


def parse_key(key: str) -> StoredKey | None:
    """Read the key of a stored batch; None when it is another key."""
    parts = key.removeprefix(PREFIX).split("-", 3)
    if (
        not key.startswith(PREFIX)
        or len(parts) != 4
        or not all(part.isascii() and part.isdigit() for part in parts[:3])
    ):
        return None
    born_ms, event_count, size = map(int, parts[:3])
    return StoredKey(key, born_ms, event_count, size, parts[3].partition("@")[2])


def parse_keys(keys: Iterable[str]) -> list[StoredKey]:
    """Read the keys of a listing, the oldest batch first."""
    return sorted((found for key in keys if (found := parse_key(key)) is not None), key=lambda found: found.born_ms)


def encode_envelope(batch: Batch) -> bytes:
    """Return the value stored for a batch."""
    envelope: dict[str, object] = {
        "version": VERSION,
        "id": batch.id,
        "count": batch.event_count,
        "born_ms": batch.born_ms,
        "content": batch.content,
    }
    if batch.is_sealed:
        envelope |= {"sealed": True, "encoding": batch.encoding, "headers": [list(header) for header in batch.headers]}
    return cbor2.dumps(envelope)


def encode_aside(envelope: bytes, reason: str) -> bytes:
    """Return the value stored for a batch that is set aside: what was stored, and why nobody can send it."""
    return cbor2.dumps({"version": VERSION, "reason": reason, "envelope": envelope})


def decode_envelope(value: bytes) -> Batch:
    """Read a stored batch; raises InvalidEnvelope."""
    envelope = decode_map(value)
    if envelope.get("version") != VERSION:
        raise InvalidEnvelope(f"the version is {envelope.get('version')!r}, not {VERSION}")
    is_sealed = envelope.get("sealed") is True
    batch_id, content = envelope.get("id"), envelope.get("content")
    count, born_ms, encoding = envelope.get("count"), envelope.get("born_ms"), envelope.get("encoding", "")
    if not isinstance(batch_id, str) or not isinstance(content, bytes) or not isinstance(encoding, str):
        raise InvalidEnvelope("id, content or encoding is missing or of another type")
    if not isinstance(count, int) or not isinstance(born_ms, int):
        raise InvalidEnvelope("count or born_ms is missing or of another type")
    headers = read_headers(envelope.get("headers", []))
    return Batch(batch_id, content, count, born_ms, is_sealed, encoding, headers)


def decode_map(value: bytes) -> Mapping[object, object]:
    """Decode a CBOR map; raises InvalidEnvelope."""
    try:
        decoded = cbor2.loads(value)
    except (cbor2.CBORDecodeError, ValueError, RecursionError) as problem:
        raise InvalidEnvelope(f"not CBOR: {type(problem).__name__}") from problem
    if not isinstance(decoded, dict):
        raise InvalidEnvelope("not a CBOR map")
    return decoded


def read_headers(value: object) -> tuple[Header, ...]:
    """Read the headers of a sealed batch; raises InvalidEnvelope."""
    if not isinstance(value, list):
        raise InvalidEnvelope("headers is not a list")
    headers = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise InvalidEnvelope("a header is not a pair")
        name, text = pair
        if not isinstance(name, str) or not isinstance(text, bytes):
            raise InvalidEnvelope("a header is not a name with bytes")
        headers.append((name, text))
    return tuple(headers)


def encode_lease(lease: Lease) -> bytes:
    """Return the value of the lease."""
    return encode_json(lease._asdict())


def decode_lease(value: bytes) -> Lease:
    """Read the lease; one that cannot be read has expired."""
    try:
        found = loads(value)
    except (ValueError, RecursionError):
        return Lease()
    if not isinstance(found, dict):
        return Lease()
    holder = found.get("holder")
    numbers = [found.get(name) for name in Lease._fields[1:]]
    return Lease(
        holder if isinstance(holder, str) else "", *(number if isinstance(number, int) else 0 for number in numbers)
    )
