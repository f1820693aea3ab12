"""How a store stands: what it holds of a spec, how old that is, how large, and who wrote it."""

import json
from typing import NamedTuple

from publisher.publication.before import read_manifest
from publisher.publication.lease import decode_holder, now_ms
from publisher.publication.marks import ALONE, decode_mark
from publisher.stores.port import Head, Item, Store
from specstore.forced import decode_overrides
from specstore.frame import InvalidEntry
from specstore.idlists import decode_index
from specstore.keys import (
    lease_key,
    list_index_key,
    manifest_key,
    overrides_key,
    page_key,
    page_prefix,
    version_prefix,
)
from specstore.manifest import Manifest, answers_for

type Json = dict[str, object]


class Standing(NamedTuple):
    """What a store holds; `answers` is what a service there answers from: pages, raw or nothing."""

    store: str
    spec_key: str
    answers: str
    raw: Json | None
    manifest: Json | None
    lists: Json | None
    overrides: Json | None
    versions: int
    writer: str | None
    troubles: tuple[str, ...]


def find_standing(store: Store, spec_key: str) -> Standing:
    """Find out how a store stands; raises StoreProblem."""
    item = store.find(manifest_key(spec_key))
    manifest = None if item is None else read_manifest(item)
    raw = store.look(spec_key)
    listed = frozenset(store.list_keys(page_prefix(spec_key)))
    missing = 0 if manifest is None else count_missing(spec_key, manifest, listed)
    about = (
        describe_raw(store, spec_key, raw),
        describe_manifest(item, manifest, len(listed), missing),
        describe_lists(store, spec_key),
        describe_overrides(store, spec_key),
    )
    troubles = tuple(str(one["fault"]) for one in about if one is not None and "fault" in one)
    return Standing(
        store.kind,
        spec_key,
        find_answering(manifest, raw, missing),
        *about,
        sum(1 for _ in store.list_keys(version_prefix(spec_key))),
        find_writer(store, spec_key),
        troubles,
    )


def count_missing(spec_key: str, manifest: Manifest, listed: frozenset[str]) -> int:
    """Count the pages that a manifest names and that are not there."""
    return len({page_key(spec_key, digest) for digest in manifest.list_pages()} - listed)


def find_answering(manifest: Manifest | None, raw: Head | None, missing: int) -> str:
    """Say what a service answers from."""
    generation = int(raw.generation) if raw is not None and raw.generation.isdigit() else 0
    seen = None if raw is None else generation
    if manifest is not None and not missing and answers_for(manifest, seen, None if raw is None else raw.metadata):
        return "pages"
    return "nothing" if raw is None else "raw"


def describe_mark(metadata: str | None, size: int | None) -> Json:
    """Say who wrote an entry and when, as far as its metadata tell."""
    mark = decode_mark(metadata)
    if mark is None:
        return {"size": size, "by": None}
    return {"size": size, "by": mark.by, "written_ms": mark.at, "age_ms": max(0, now_ms() - mark.at)}


def describe_raw(store: Store, spec_key: str, raw: Head | None) -> Json | None:
    """Describe the raw spec; one that somebody else wrote is read for its time."""
    if raw is None:
        return None
    mark = decode_mark(raw.metadata)
    found = describe_mark(raw.metadata, raw.size)
    if mark is not None:
        return {**found, "time": mark.time, "is_alone": (raw.metadata or "").startswith(ALONE)}
    item = store.find(spec_key)
    try:
        document = json.loads(b"" if item is None else item.value)
        return {**found, "time": int(document["time"]), "is_alone": True}
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        return {**found, "fault": f"the raw spec is not a config spec: {problem}"}


def describe_manifest(item: Item | None, manifest: Manifest | None, pages: int, missing: int) -> Json | None:
    """Describe the manifest and its pages."""
    if item is None:
        return None
    found = describe_mark(item.metadata, len(item.value))
    if manifest is None:
        return {**found, "fault": "the manifest cannot be read: push again"}
    needed = len(set(manifest.list_pages()))
    about: Json = {"time": manifest.time, "pages": needed, "other_pages": pages - needed + missing}
    about |= {"specs": dict(manifest.counts), "follows": manifest.generation}
    fault = {"fault": f"{missing} of {needed} pages are missing: push again"} if missing else {}
    return {**found, **about, **fault}


def describe_lists(store: Store, spec_key: str) -> Json | None:
    """Describe the ID lists."""
    item = store.find(list_index_key(spec_key))
    if item is None:
        return None
    found = describe_mark(item.metadata, len(item.value))
    try:
        lists = decode_index(item.value)
    except InvalidEntry as problem:
        return {**found, "fault": f"the index of ID lists cannot be read: {problem}"}
    return {**found, "members": {name: one.members for name, one in lists.items()}}


def describe_overrides(store: Store, spec_key: str) -> Json | None:
    """Describe the overrides."""
    item = store.find(overrides_key(spec_key))
    if item is None:
        return None
    found = describe_mark(item.metadata, len(item.value))
    try:
        forced = decode_overrides(item.value)
    except InvalidEntry as problem:
        return {**found, "fault": f"the overrides are not understood: {problem}"}
    return {**found, "settings": len(forced.settings), "note": forced.note}


def find_writer(store: Store, spec_key: str) -> str | None:
    """Say who is writing at the moment."""
    item = store.find(lease_key(spec_key))
    holder = None if item is None else decode_holder(item.value)
    return None if holder is None or holder.is_gone(now_ms()) else holder.describe(now_ms())
