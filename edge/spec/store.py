"""A spec's entries in the store: what is asked for together, and what came back.

A look asks for the raw value, the manifest and the overrides at once and waits for all three; their bodies stay unread,
and their generations unasked, until somebody needs one. What goes wrong with one of them is part of the look, because
the others may still answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol
from zlib import crc32

from edge.ports import LARGEST_VALUE, Entry, PendingEntry, Platform, StoreFault, ValueTooLarge
from edge.spec.held_entry import Found
from specstore.keys import list_index_key, manifest_key, overrides_key, page_key, shard_key

KV: Final = "kv"
CONFIG_STORE: Final = "config"
NO_KEY: Final = "the setting spec_key is empty: put the key that Statsig writes into the Config Store"


@dataclass(slots=True)
class Look:
    """What one look at a spec's entries came to."""

    raw: Found
    manifest: Found
    overrides: Found


class SpecStore(Protocol):
    """Where the entries of one spec are."""

    source: str

    @property
    def missing(self) -> str:
        """Say that there is no raw value."""

    def look(self) -> Look:
        """Ask for all entries at once."""

    def find_raw(self) -> Entry:
        """Look the raw value up once more; raises StoreFault."""

    def fetch_pages(self, digests: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Read pages, asked for together; raises StoreFault when one is missing."""

    def find_lists(self) -> Found:
        """Look the index of the ID lists up."""

    def read_shard(self, edition: str, number: int) -> bytes:
        """Read a shard of an ID list; raises StoreFault."""


class KvSpecStore:
    """A spec in the KV store."""

    __slots__ = ("_key", "_platform", "_store")

    source = KV

    def __init__(self, platform: Platform, store: str, key: str) -> None:
        self._platform = platform
        self._store = store
        self._key = key

    @property
    def missing(self) -> str:
        """Say that there is no raw value."""
        return f"the KV store {self._store} has no key {self._key}"

    def look(self) -> Look:
        """Ask for all entries at once."""
        key = self._key
        if not key:
            nothing = Found(fault=NO_KEY)
            return Look(nothing, nothing, nothing)
        try:
            manifest, overrides = self._begin(manifest_key(key)), self._begin(overrides_key(key))
        except StoreFault as problem:
            nothing = Found(fault=str(problem))
            return Look(nothing, nothing, nothing)
        return Look(settle(partial(self._lookup, key)), settle(manifest.wait), settle(overrides.wait))

    def find_raw(self) -> Entry:
        """Look the raw value up once more; raises StoreFault."""
        entry = self._lookup(self._key)
        if entry is None:
            raise StoreFault(self.missing)
        return entry

    def fetch_pages(self, digests: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Read pages, one at least, asked for together; raises StoreFault when one is missing."""
        *earlier, last = digests
        pending = [(digest, self._begin(page_key(self._key, digest))) for digest in earlier]
        last_page = read_page(last, self._lookup(page_key(self._key, last)))
        pages = {digest: read_page(digest, one.wait()) for digest, one in pending}
        pages[last] = last_page
        return pages

    def find_lists(self) -> Found:
        """Look the index of the ID lists up."""
        return settle(lambda: self._lookup(list_index_key(self._key)))

    def read_shard(self, edition: str, number: int) -> bytes:
        """Read a shard of an ID list; raises StoreFault."""
        entry = self._lookup(shard_key(self._key, edition, number))
        if entry is None:
            raise StoreFault(f"shard {number} of the edition {edition} is missing")
        return entry.read()

    def _begin(self, key: str) -> PendingEntry:
        return self._platform.begin_lookup(self._store, key)

    def _lookup(self, key: str) -> Entry | None:
        return self._platform.lookup(self._store, key)


def read_page(digest: bytes, entry: Entry | None) -> bytes:
    """Read a page; raises StoreFault, also when it is missing."""
    if entry is None:
        raise StoreFault(f"the page {digest.hex()} is missing")
    return entry.read()


def settle(find: Callable[[], Entry | None]) -> Found:
    """Return what a look-up came to."""
    try:
        return Found(find())
    except StoreFault as problem:
        return Found(fault=str(problem))


class ConfigSpecStore:
    """A small spec in an item of the Config Store, its overrides in another; nothing is paged there."""

    __slots__ = ("_find", "_item")

    source = CONFIG_STORE

    def __init__(self, find_setting: Callable[[str], str | None], item: str) -> None:
        self._find = find_setting
        self._item = item

    @property
    def missing(self) -> str:
        """Say that there is no such item."""
        return f"the Config Store has no item {self._item}"

    def look(self) -> Look:
        """Ask for both items."""
        return Look(self._find_item(self._item), Found(), self._find_item(f"{self._item}.overrides"))

    def find_raw(self) -> Entry:
        """Look the item up once more; raises StoreFault."""
        entry = self._find_item(self._item).entry
        if entry is None:
            raise StoreFault(self.missing)
        return entry

    def fetch_pages(self, digests: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Raise StoreFault: there are no pages."""
        raise StoreFault(f"the Config Store holds no pages, and {len(digests)} were asked for")

    def find_lists(self) -> Found:
        """Find no ID lists: they do not fit into the Config Store."""
        return Found()

    def read_shard(self, edition: str, number: int) -> bytes:
        """Raise StoreFault: there are no shards."""
        raise StoreFault(f"the Config Store holds no shards, and {number} of {edition} was asked for")

    def _find_item(self, item: str) -> Found:
        text = self._find(item)
        return Found(None if text is None else ItemEntry(text.encode()))


class ItemEntry:
    """An item of the Config Store; its checksum stands for its generation."""

    __slots__ = ("_value", "generation")

    def __init__(self, value: bytes) -> None:
        self._value = value
        self.generation = crc32(value)

    def metadata(self) -> str | None:
        """Return nothing: items have none."""
        return None

    def read(self, limit: int = LARGEST_VALUE) -> bytes:
        """Return the item."""
        if len(self._value) > limit:
            raise ValueTooLarge(f"the item is longer than {limit} bytes")
        return self._value
