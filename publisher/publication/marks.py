"""What our metadata say of an entry: that it is ours, when it was written, by whom, of which spec.

The metadata begin with `gatelet/1`, by which readers know a raw spec that belongs to a manifest which leads
(docs/spec-format.md); a JSON object follows. With it, whether a raw spec has to be written again is known without
reading it.
"""

import json
from hashlib import sha256
from typing import NamedTuple

from publisher.publication.lease import name_user, now_ms
from specstore.manifest import OUR_METADATA

ALONE = "gatelet-raw/1"  # a raw spec without pages: no manifest may answer beside it


class Mark(NamedTuple):
    """What metadata say; an entry that somebody else wrote has none."""

    at: int = 0  # milliseconds since 1970
    by: str = ""
    time: int = 0  # of the spec
    digest: str = ""  # SHA-256 of the value, the first 32 hexadecimal digits


def make_mark(value: bytes, spec_time: int) -> Mark:
    """Say that this process writes a value now."""
    return Mark(now_ms(), name_user(), spec_time, digest_value(value))


def digest_value(value: bytes) -> str:
    """Return what tells one value from another."""
    return sha256(value).hexdigest()[:32]


def encode_mark(mark: Mark, begin: str = OUR_METADATA) -> str:
    """Write metadata; all of it is ASCII, as a header needs it."""
    return f"{begin} {json.dumps(mark._asdict(), separators=(',', ':'))}"


def decode_mark(metadata: str | None) -> Mark | None:
    """Read metadata; None for those of somebody else."""
    begin, _, text = (metadata or "").partition(" ")
    if begin not in (OUR_METADATA, ALONE):
        return None
    try:
        fields = json.loads(text or "{}")
        return Mark(
            int(fields.get("at", 0)),
            str(fields.get("by", "")),
            int(fields.get("time", 0)),
            str(fields.get("digest", "")),
        )
    except (ValueError, TypeError, AttributeError):
        return Mark()
