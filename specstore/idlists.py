"""ID lists in the store: sorted shards, so that asking for one unit reads one small entry.

Statsig's lists hold the first 8 characters of the base64 SHA-256 of each unit ID, which are 6 bytes. A shard is the
sorted bytes of those members whose first two bytes point to it. An edition is one way to cut a list: its file ID,
creation time and number of shards; when one of these changes, all shards get new keys, and readers who hold the old
index still find the old shards. Within an edition a shard is overwritten in place when its members change: a list
grows all the time, and a unit lies in one shard only, so no reader can see a mixture that matters.

The index is an entry of its own, so that lists work beside either layout of the spec, and cost nothing where no
condition asks for one.
"""

from __future__ import annotations

from binascii import a2b_base64
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from hashlib import sha256
from json import JSONEncoder, loads
from typing import TYPE_CHECKING, Final, NamedTuple

from specstore.frame import LIST_INDEX, LIST_SHARD, InvalidEntry, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

MEMBER_BYTES: Final = 6
MEMBER_TEXT: Final = 8
SHARD_TARGET: Final = 8 * 1024
MOST_SHARDS: Final = 1 << 16

_encode = JSONEncoder(separators=(",", ":"), sort_keys=True).encode


class IdList(NamedTuple):
    """What the index says of one list."""

    file_id: str  # Statsig's; another one means that the list was written anew
    creation_time: int  # of that file, in milliseconds since 1970
    size: int  # bytes of that file that were read so far
    members: int
    shards: int  # a power of two

    def name_edition(self, name: str) -> str:
        """Return what the keys of this list's shards have in common."""
        identity = _encode([name, self.file_id, self.creation_time, self.shards])
        return sha256(identity.encode("ascii")).hexdigest()[:32]

    def find_shard(self, member: bytes) -> int:
        """Return the number of the shard that a member lies in."""
        return (member[0] << 8 | member[1]) * self.shards >> 16


class CutList(NamedTuple):
    """A list in shards: what the index says of it, and the entries of its shards by number."""

    about: IdList
    shards: tuple[bytes, ...]


def find_member(unit_hash: object) -> bytes | None:
    """Return the bytes of a unit's hash, 8 characters of base64; None for what no list can hold."""
    if not isinstance(unit_hash, str) or len(unit_hash) != MEMBER_TEXT:
        return None
    try:
        member = a2b_base64(unit_hash, strict_mode=True)
    except ValueError:
        return None
    return member if len(member) == MEMBER_BYTES else None


def holds(shard: bytes, member: bytes) -> bool:
    """Tell whether the sorted members of a shard hold one."""
    start = MEMBER_BYTES * bisect_left(
        range(len(shard) // MEMBER_BYTES),
        member,
        key=lambda index: shard[index * MEMBER_BYTES : (index + 1) * MEMBER_BYTES],
    )
    return shard[start : start + MEMBER_BYTES] == member


def decode_shard(entry: bytes) -> bytes:
    """Return the sorted members of a shard; raises InvalidEntry."""
    members, end = unseal(LIST_SHARD, entry)
    if len(members) % MEMBER_BYTES or end < len(entry):
        raise InvalidEntry(f"shard: its members have {MEMBER_BYTES} bytes each")
    return members


def decode_index(entry: bytes) -> dict[str, IdList]:
    """Read the value of the index's key, {list name: list}; raises InvalidEntry."""
    index, _ = unseal(LIST_INDEX, entry)
    try:
        lists = loads(index)
    except (ValueError, RecursionError) as problem:
        raise InvalidEntry(f"lists: not JSON: {problem}") from None
    if not isinstance(lists, dict):
        raise InvalidEntry("lists: must be an object")
    return {name: decode_list(f"lists.{name}", one) for name, one in lists.items()}


def decode_list(path: str, fields: object) -> IdList:
    """Read one list of the index; raises InvalidEntry."""
    if not isinstance(fields, dict):
        raise InvalidEntry(f"{path}: must be an object")
    if not isinstance(fields.get("file_id"), str):
        raise InvalidEntry(f"{path}.file_id: must be a text")
    for name in ("creation_time", "size", "members", "shards"):
        if type(fields.get(name)) is not int:
            raise InvalidEntry(f"{path}.{name}: must be an integer")
    about = IdList(**{name: fields[name] for name in IdList._fields})
    if not (1 <= about.shards <= MOST_SHARDS) or about.shards & (about.shards - 1):
        raise InvalidEntry(f"{path}.shards: {about.shards} is no power of two up to {MOST_SHARDS}")
    return about


def encode_index(lists: Mapping[str, IdList]) -> bytes:
    """Write the value of the index's key."""
    return seal(LIST_INDEX, _encode({name: one._asdict() for name, one in lists.items()}).encode("ascii"))


def cut_list(members: AbstractSet[bytes], *, file_id: str, creation_time: int, size: int) -> CutList:
    """Cut a list into shards of about 8 KB; the same members give the same bytes."""
    wanted = max(0, len(members) * MEMBER_BYTES - 1) // SHARD_TARGET
    about = IdList(file_id, creation_time, size, len(members), min(MOST_SHARDS, 1 << wanted.bit_length()))
    placed: list[list[bytes]] = [[] for _ in range(about.shards)]
    for member in sorted(members):
        placed[about.find_shard(member)].append(member)
    return CutList(about, tuple(seal(LIST_SHARD, b"".join(some)) for some in placed))


def read_lines(lines: Iterable[str], members: AbstractSet[bytes] = frozenset()) -> frozenset[bytes]:
    """Apply the lines of a list's file, `+HASH` and `-HASH`; a line that is neither holds nothing anyone asks for."""
    changed = set(members)
    for line in map(str.strip, lines):
        member = find_member(line[1:])
        if member is not None and line[0] == "+":
            changed.add(member)
        elif member is not None and line[0] == "-":
            changed.discard(member)
    return frozenset(changed)
