"""The first line of every entry that is ours: what it is, and whether all of it is there.

`gatelet-page/1 8c7e7bd2 16384` and a line feed: the kind of entry and the version of its format, the CRC-32 of what
follows, its length in bytes. A raw spec begins with a brace, so one kind is never taken for another. CRC-32, because
a reader checks every page it reads: in the component SHA-256 of 16 KB costs 3.5 million instructions.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

PAGE: Final = b"gatelet-page/1"
MANIFEST: Final = b"gatelet-manifest/1"
LIST_INDEX: Final = b"gatelet-lists/1"
LIST_SHARD: Final = b"gatelet-shard/1"

_LONGEST_LINE: Final = 64


class InvalidEntry(ValueError):
    """An entry that is not what its key promises; the text says what is wrong with it, and where."""


def seal(kind: bytes, content: bytes) -> bytes:
    """Put the first line before the content of an entry."""
    return b"%b %08x %d\n%b" % (kind, crc32(content), len(content), content)


def unseal(kind: bytes, entry: bytes) -> bytes:
    """Return the content of an entry; raises InvalidEntry when it is another kind, cut short or damaged."""
    what = kind.decode()
    end = entry.find(b"\n", 0, _LONGEST_LINE)
    fields = entry[:end].split(b" ") if end >= 0 else []
    if len(fields) != 3 or fields[0] != kind:
        raise InvalidEntry(f"{what}: the entry does not begin with that")
    content = entry[end + 1 :]
    if fields[2] != b"%d" % len(content):
        raise InvalidEntry(f"{what}: {len(content)} bytes where {fields[2].decode(errors='replace')} are promised")
    if fields[1] != b"%08x" % crc32(content):
        raise InvalidEntry(f"{what}: the content is damaged, its CRC-32 is another one")
    return content
