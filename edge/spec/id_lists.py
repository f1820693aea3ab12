"""ID lists as evaluation asks for them: one small shard for each list and unit, read when a condition needs it.

Which unit is asked about is known only while evaluating, so this is the one reading that happens then. What goes wrong
must not look like an answer: a list that is not there, or a shard that cannot be read, holds nobody and is noted, and
the reason of the evaluation says so. The index and the shards are kept in the sandbox, within a bound, and asked for
again after the sync interval; what cannot be asked for again stays in use, and that is noted too.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Final, NamedTuple

from edge.ports import StoreFault
from edge.spec.cache import Limits
from edge.spec.held_entry import HeldEntry, take_entry
from edge.spec.store import SpecStore
from specstore.frame import InvalidEntry
from specstore.idlists import IdList, decode_index, decode_shard, find_member, holds

MOST_SHARD_BYTES: Final = 2_000_000
RETRY_MS: Final = 1_000  # after a look at the index that found something wrong

MISSING: Final = "IdListMissing"
UNREADABLE: Final = "IdListUnreadable"
STALE: Final = "IdListStale"

type Index = Mapping[str, IdList]
type Place = tuple[str, int]  # an edition, the number of a shard in it


class HeldShard(NamedTuple):
    """The members of a shard, and when they were read."""

    members: bytes
    read_ms: int


class ListCache:
    """What a sandbox holds of the ID lists of one spec."""

    __slots__ = ("_bytes", "_checked_ms", "_limits", "_shards", "_store", "index")

    def __init__(self, store: SpecStore, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self.index: HeldEntry[Index] = HeldEntry()
        self._checked_ms: int | None = None
        self._shards: dict[Place, HeldShard] = {}
        self._bytes = 0

    def find_index(self, now_ms: int) -> HeldEntry[Index]:
        """Return the index, asked for again when it is time to."""
        if self._checked_ms is None or not 0 <= now_ms - self._checked_ms < self._find_interval():
            self.index = take_entry(self.index, self._store.find_lists(), "ID lists", decode_index)
            self._checked_ms = now_ms
        return self.index

    def _find_interval(self) -> int:
        interval_ms = self._limits.sync_interval_ms
        return min(RETRY_MS, interval_ms) if self.index.fault else interval_ms

    def find_shard(self, place: Place, now_ms: int) -> tuple[bytes | None, str]:
        """Return the members of a shard and what is wrong with them; None when they could not be read at all."""
        held = self._shards.get(place)
        if held is not None and 0 <= now_ms - held.read_ms < self._limits.sync_interval_ms:
            return held.members, ""
        try:
            members = decode_shard(self._store.read_shard(*place))
        except (StoreFault, InvalidEntry):
            return (None, UNREADABLE) if held is None else (held.members, STALE)
        self._keep(place, HeldShard(members, now_ms))
        return members, ""

    def _keep(self, place: Place, shard: HeldShard) -> None:
        """Keep a shard; when they become too many, all others go."""
        if self._bytes > MOST_SHARD_BYTES:
            self._shards, self._bytes = {}, 0
        self._bytes += len(shard.members)
        self._shards[place] = shard


class IdLists(Mapping[str, Container[str]]):
    """The ID lists as one request sees them; `faults` says what was wrong with those asked so far, by list."""

    def __init__(self, cache: ListCache, now_ms: int) -> None:
        self._cache = cache
        self._now_ms = now_ms
        self._found: dict[Place, tuple[bytes | None, str]] = {}  # a shard that fails is asked for once a request
        self.faults: dict[str, str] = {}

    def __getitem__(self, name: str) -> Container[str]:
        """Return a list, also one that is not there: asking it notes that."""
        return Members(lambda unit_hash: self.has_member(name, unit_hash))

    def __iter__(self) -> Iterator[str]:
        return iter(self._cache.find_index(self._now_ms).value or ())

    def __len__(self) -> int:
        return len(self._cache.find_index(self._now_ms).value or ())

    def has_member(self, name: str, unit_hash: object) -> bool:
        """Tell whether a list holds a unit's hash, noting what is wrong."""
        index = self._cache.find_index(self._now_ms)
        about = None if index.value is None else index.value.get(name)
        if about is None:
            self.faults[name] = MISSING if index.is_known and not index.fault else UNREADABLE
            return False
        member = find_member(unit_hash)
        if member is None:
            return False
        place = about.name_edition(name), about.find_shard(member)
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = self._cache.find_shard(place, self._now_ms)
        members, fault = found
        if fault or index.fault:
            self.faults[name] = fault or STALE
        return members is not None and holds(members, member)

    def find_index(self) -> Index | None:
        """Return what is known of each list; None when that cannot be read."""
        return self._cache.find_index(self._now_ms).value

    def read_members(self, name: str, about: IdList) -> bytes:
        """Return the sorted members of a list, 6 bytes each; raises StoreFault when a shard cannot be read."""
        parts = []
        for number in range(about.shards):
            members, fault = self._cache.find_shard((about.name_edition(name), number), self._now_ms)
            if members is None:
                raise StoreFault(f"the ID list has a shard that cannot be read: {fault}")
            parts.append(members)
        return b"".join(parts)

    def describe_faults(self) -> str:
        """Say what was wrong, as the end of a reason: `:IdListMissing(name)` for each list."""
        return "".join(f":{fault}({name})" for name, fault in self.faults.items())


class Members(Container[str]):
    """The members of one list."""

    __slots__ = ("_has",)

    def __init__(self, has: Callable[[object], bool]) -> None:
        self._has = has

    def __contains__(self, unit_hash: object) -> bool:
        return self._has(unit_hash)
