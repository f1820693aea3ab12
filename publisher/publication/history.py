"""What was published before, and the way back to it.

A publication keeps the manifest that it replaces under a key of its own (`specstore.keys.version_key`). Its pages stay
as long as it is kept (`publisher.publication.collect`), so going back writes no pages: the raw spec is put together
from them again, in the v2 form, and the manifest is written once more. The one that is left is kept in turn, so a
rollback can be rolled back. ID lists and overrides are left as they are.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from publisher.exit_codes import Failed, Unusable
from publisher.publication.before import look_around, read_manifest
from publisher.publication.lease import leased
from publisher.publication.marks import Mark, decode_mark
from publisher.publication.publish import Published, switch_leased
from publisher.publication.wanted import Layout, check_limits, prepare
from publisher.sources.pulled import Pulled
from publisher.stores.port import Item, Store
from publisher.stores.together import find_all
from specstore.cut import digest_page
from specstore.frame import InvalidEntry
from specstore.keys import manifest_key, page_key, page_prefix, version_prefix
from specstore.manifest import Manifest, start_project
from specstore.pages import decode_page, read_whole

SHORT: Final = 8


class Version(NamedTuple):
    """A manifest that is or was in use; `key` is empty for the one in use."""

    key: str
    name: str  # by which a person names it
    manifest: Manifest
    mark: Mark
    missing: int = 0  # of its pages

    def as_json(self) -> dict[str, object]:
        """Return it for machines."""
        return {
            "version": self.name,
            "is_current": not self.key,
            "time": self.manifest.time,
            "published_ms": self.mark.at,
            "by": self.mark.by,
            "specs": dict(self.manifest.counts),
            "missing_pages": self.missing,
        }


def list_versions(store: Store, spec_key: str) -> list[Version]:
    """List the version in use and the earlier ones, the newest first; what cannot be read is left out."""
    listed = frozenset(store.list_keys(page_prefix(spec_key)))
    keys = sorted(store.list_keys(version_prefix(spec_key)), reverse=True)
    items = find_all(store, [manifest_key(spec_key), *keys])
    found = (read_version(spec_key, key, item, listed) for key, item in zip(["", *keys], items, strict=True))
    return [one for one in found if one is not None]


def read_version(spec_key: str, key: str, item: Item | None, listed: Iterable[str]) -> Version | None:
    """Read one version; None when it is gone or cannot be read."""
    manifest = None if item is None else read_manifest(item)
    if item is None or manifest is None:
        return None
    needed = {page_key(spec_key, digest) for digest in manifest.list_pages()}
    name = digest_page(item.value).hex()[:SHORT]
    return Version(key, name, manifest, decode_mark(item.metadata) or Mark(), len(needed - frozenset(listed)))


def choose_version(versions: list[Version], name: str) -> Version:
    """Return the version of a name, or the newest earlier one; raises Unusable."""
    earlier = [one for one in versions if one.key]
    current = next((one.name for one in versions if not one.key), "")
    if not name:
        earlier = [one for one in earlier if one.name != current]
        if not earlier:
            raise Unusable("nothing was published before what is in use now, so there is nothing to go back to")
        return earlier[0]
    found = [one for one in earlier if one.name.startswith(name)]
    if len({one.name for one in found}) != 1:
        raise Unusable(f"{name} is the name of {'no' if not found else 'more than one'} earlier version: see versions")
    return found[0]


def roll_back(store: Store, spec_key: str, name: str, wait_seconds: float) -> tuple[Version, Published]:
    """Go back to an earlier version; raises Unusable, Conflict, StoreProblem."""
    with leased(store, spec_key, "rollback", wait_seconds=wait_seconds) as lease:
        chosen = choose_version(list_versions(store, spec_key), name)
        if chosen.missing:
            raise Failed(f"{chosen.missing} pages of {chosen.name} are gone: pull that spec again and push it")
        before = look_around(store, spec_key)
        document = join_pages(read_pages(store, spec_key, chosen.manifest), chosen.manifest)
        layout = Layout.BOTH if before.raw is not None else Layout.PAGED
        wanted = prepare(Pulled(encode_document(document), origin=chosen.name), spec_key, layout)
        check_limits(wanted, store)
        return chosen, switch_leased(store, lease, wanted, before, replace(chosen.manifest, generation=None))


def read_pages(store: Store, spec_key: str, manifest: Manifest) -> list[bytes]:
    """Read the pages of a manifest; raises Failed."""
    keys = list(dict.fromkeys(page_key(spec_key, digest) for digest in manifest.list_pages()))
    items = find_all(store, keys)
    if missing := [key for key, item in zip(keys, items, strict=True) if item is None]:
        raise Failed(f"{missing[0]} is gone: pull that spec again and push it")
    return [item.value for item in items if item is not None]


def join_pages(pages: Iterable[bytes], manifest: Manifest) -> Mapping[str, object]:
    """Put a spec together from all its pages; raises Failed."""
    project = start_project(manifest)
    try:
        for page in pages:
            project.grow(read_whole(decode_page(page)))
    except InvalidEntry as problem:
        raise Failed(f"a page of that version is damaged ({problem}): pull that spec again and push it") from problem
    return project.document


def encode_document(document: Mapping[str, object]) -> bytes:
    """Write a spec as a raw value."""
    return json.dumps(document, separators=(",", ":")).encode()
