"""What a store holds of a spec before a publication: what is in use, and what was before."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from publisher.publication.marks import decode_mark
from publisher.stores.port import Head, Item, Store
from publisher.stores.together import find_all
from specstore.frame import InvalidEntry
from specstore.keys import manifest_key, page_prefix, retired_key, version_prefix
from specstore.manifest import Manifest, decode_manifest
from specstore.plan import decode_retired


class Before(NamedTuple):
    """What the store holds of a spec before a publication."""

    raw: Head | None
    manifest_item: Item | None
    manifest: Manifest | None  # None also when it cannot be read
    retired: Mapping[str, int]
    listed: frozenset[str]  # keys of pages


def look_around(store: Store, spec_key: str) -> Before:
    """Find out what is there."""
    manifest = store.find(manifest_key(spec_key))
    return Before(
        raw=store.look(spec_key),
        manifest_item=manifest,
        manifest=None if manifest is None else read_manifest(manifest),
        retired=read_retired(store, spec_key),
        listed=frozenset(store.list_keys(page_prefix(spec_key))),
    )


def read_manifest(item: Item) -> Manifest | None:
    """Decode a manifest; None when it cannot be."""
    try:
        return decode_manifest(item.value)
    except InvalidEntry:
        return None


def read_retired(store: Store, spec_key: str) -> Mapping[str, int]:
    """Read what is retired; nothing when that cannot be read, so that it begins anew."""
    item = store.find(retired_key(spec_key))
    try:
        return {} if item is None else decode_retired(item.value)
    except InvalidEntry:
        return {}


def find_newest(store: Store, spec_key: str, before: Before) -> int:
    """Return the time of the spec that is in use."""
    return max(before.manifest.time if before.manifest else 0, find_raw_time(store, spec_key, before.raw))


def find_raw_time(store: Store, spec_key: str, raw: Head | None) -> int:
    """Return the time of the raw spec: from its mark, or for one that somebody else wrote from itself."""
    mark = None if raw is None else decode_mark(raw.metadata)
    if mark is not None:
        return mark.time
    item = None if raw is None else store.find(spec_key)
    try:
        document = {} if item is None else json.loads(item.value)
    except (ValueError, RecursionError):
        return 0
    found = document.get("time") if isinstance(document, dict) else 0
    return found if isinstance(found, int) else 0


def list_left(store: Store, spec_key: str) -> frozenset[int]:
    """Return the times of the specs that were in use before; what cannot be read is left out."""
    items = find_all(store, store.list_keys(version_prefix(spec_key)))
    manifests = (read_manifest(item) for item in items if item is not None)
    return frozenset(one.time for one in manifests if one is not None)
