"""The first line of every entry that is ours: what it is, and whether all of it is there.

    gatelet-page/1 8c7e7bd2 1410 32768

and a line feed: the kind of the entry and the version of its format, the CRC-32 of its head, the length of the head,
the length of everything after the line. A raw spec begins with a brace, so one is never taken for the other.

Only the head is under this CRC, because checking costs: in the component CRC-32 takes 30 instructions a byte, and
SHA-256 220. What follows the head is found by it and guards itself: a record by the CRC in its entity's line, a digest
by being the key of what it names.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

PAGE: Final = b"gatelet-page/1"
MANIFEST: Final = b"gatelet-manifest/1"
LIST_INDEX: Final = b"gatelet-lists/1"
LIST_SHARD: Final = b"gatelet-shard/1"
LIST_DIGESTS: Final = b"gatelet-digests/1"

_LONGEST_LINE: Final = 80


class InvalidEntry(ValueError):
    """An entry that is not what its key promises; the text says what is wrong with it, and where."""


def seal(kind: bytes, head: bytes, rest: bytes = b"") -> bytes:
    """Put the first line before the content of an entry."""
    return b"%b %08x %d %d\n%b%b" % (kind, crc32(head), len(head), len(head) + len(rest), head, rest)


def unseal(kind: bytes, entry: bytes) -> tuple[bytes, int]:
    """Return the head of an entry, and where its rest begins: no copy of that is made.

    Raises InvalidEntry when the entry is another kind, cut short or damaged.
    """
    end = entry.find(b"\n", 0, _LONGEST_LINE)
    fields = entry[:end].split(b" ") if end >= 0 else []
    if len(fields) != 4 or fields[0] != kind:
        raise InvalidEntry(f"{kind.decode()}: the entry does not begin with that")
    try:
        checksum, size, total = int(fields[1], 16), int(fields[2]), int(fields[3])
    except ValueError:
        raise InvalidEntry(f"{kind.decode()}: the first line holds no numbers") from None
    start = end + 1
    if len(entry) - start != total or not 0 <= size <= total:
        raise InvalidEntry(f"{kind.decode()}: {len(entry) - start} bytes where {total} are promised")
    head = entry[start : start + size]
    if crc32(head) != checksum:
        raise InvalidEntry(f"{kind.decode()}: the head is damaged, its CRC-32 is another one")
    return head, start + size
