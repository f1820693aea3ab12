"""Publish a spec to a store, so that at every moment a reader finds one whole spec or the other.

The order: pages that are not there yet (their key is their content), the shards of ID lists and their index, then what
switches: the raw spec, marked as ours, and the manifest. Everything is read back before what relies on it is written.
A break at any point leaves something that readers can serve, and the next run goes on from what it finds: pages and
raw spec that are there are not written again.

Two writers are kept apart by a lease; the raw spec and the manifest are written over the generations that were seen at
the beginning, so that nothing is mixed when the lease could not help. A shard of a list is overwritten in place, so its
digest is taken back before that, and a run that breaks off leaves no digest of what is not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from publisher.console import Output
from publisher.exit_codes import Conflict, Unusable
from publisher.publication.before import Before, find_newest, list_left, look_around
from publisher.publication.lease import Lease, leased
from publisher.publication.marks import ALONE, decode_mark, digest_value, encode_mark, make_mark
from publisher.publication.reading_back import read_all_back, read_back
from publisher.publication.wanted import Wanted, check_limits
from publisher.stores.port import Item, Store, split_batches
from specstore.cut import DIGEST_BYTES, digest_page
from specstore.frame import LIST_DIGESTS, InvalidEntry, seal
from specstore.keys import digests_key, manifest_key, version_key
from specstore.limits import Write
from specstore.manifest import OUR_METADATA, Manifest, encode_manifest
from specstore.plan import decode_digests, find_present, plan_lists, plan_publication


class Published(NamedTuple):
    """What came of a publication: how many entries of each kind were written, and their bytes."""

    spec_key: str
    time: int
    written: Mapping[str, int]
    size: int
    traffic: Mapping[str, int]
    was_rolled_back: bool = False  # so that only ID lists were written

    def as_json(self) -> dict[str, object]:
        """Return the report for machines."""
        return {**self._asdict(), "written": dict(self.written), "traffic": dict(self.traffic)}


class Rules(NamedTuple):
    """How a publication is to be carried out."""

    allow_older: bool = False
    keeps_rollback: bool = False  # not to publish again what somebody went back from
    wait_seconds: float = 0.0  # for somebody else's lease
    doing: str = "push"


USUAL: Final = Rules()
QUIET: Final = Output(as_json=True)


def publish(store: Store, wanted: Wanted, rules: Rules = USUAL, output: Output = QUIET) -> Published:
    """Publish; raises Unusable before anything is written, Conflict when somebody else does, StoreProblem."""
    check_limits(wanted, store)
    with leased(store, wanted.spec_key, rules.doing, wait_seconds=rules.wait_seconds) as lease:
        before = look_around(store, wanted.spec_key)
        newest = find_newest(store, wanted.spec_key, before)
        if not rules.allow_older:
            check_time(wanted, newest)
        run = _Run(store, lease, wanted, before, output)
        if rules.keeps_rollback and newest < wanted.time in list_left(store, wanted.spec_key):
            return run.update_lists()
        return run.run()


def switch_leased(store: Store, lease: Lease, wanted: Wanted, before: Before, manifest: Manifest) -> Published:
    """Switch to a manifest whose pages are all there; raises Conflict, StoreProblem."""
    return _Run(store, lease, wanted, before, QUIET).switch(manifest)


def check_time(wanted: Wanted, newest: int) -> None:
    """Raise Conflict when the store has a newer spec."""
    if newest > wanted.time:
        raise Conflict(
            f"the store has a newer spec: its time is {newest}, that of yours {wanted.time}. Pull again; or, if the "
            "older one is what you want, give --allow-older"
        )


@dataclass(slots=True)
class _Run:
    """One publication; counts what it writes."""

    store: Store
    lease: Lease
    wanted: Wanted
    before: Before
    output: Output
    written: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def run(self) -> Published:
        if self.wanted.has_pages:
            generation = self._find_followed()
            present = find_present(self.wanted.spec_key, self.before.listed, self.before.retired)
            plan = plan_publication(self.wanted.spec_key, self.wanted.cut, generation=generation, present=present)
            self._write_all("pages", plan.pages)
            self._write_lists()
            return self.switch(plan.manifest)
        self._write_lists()
        self._write_raw()
        return self._report()

    def switch(self, manifest: Manifest) -> Published:
        self._write_raw()
        self._write_manifest(manifest)
        return self._report()

    def update_lists(self) -> Published:
        self._write_lists()
        return self._report()._replace(was_rolled_back=True)

    def _report(self) -> Published:
        written = {name: count for name, count in self.written.items() if count}
        return Published(self.wanted.spec_key, self.wanted.time, written, self.size, self.store.traffic.as_json())

    def _find_followed(self) -> int | None:
        """Return the generation that the manifest follows: that of a raw spec that somebody else writes; else None."""
        raw = self.before.raw
        if self.wanted.has_raw or raw is None or (raw.metadata or "").startswith(OUR_METADATA):
            return None
        item = self.store.find(self.wanted.spec_key)
        if item is None or item.value != self.wanted.raw:
            raise Unusable(
                f"the raw spec under {self.wanted.spec_key} is somebody else's and not the one you push, so readers "
                "would not use its pages: push the raw spec too (--layout both), or push exactly what is there"
            )
        if not item.generation.isdigit():
            raise Unusable(
                f"pages follow a raw spec of somebody else by its generation, and {self.store.kind} has none: push the "
                "raw spec too (--layout both)"
            )
        return int(item.generation)

    def _write_raw(self) -> None:
        wanted, raw = self.wanted, self.before.raw
        if not wanted.has_raw:
            return
        begin = OUR_METADATA if wanted.has_pages else ALONE
        mark = None if raw is None else decode_mark(raw.metadata)
        is_same_kind = raw is not None and (raw.metadata or "").startswith(begin)
        if is_same_kind and mark is not None and mark.digest == digest_value(wanted.raw):
            return
        metadata = encode_mark(make_mark(wanted.raw, wanted.time), begin)
        self._switch("raw", Write(wanted.spec_key, wanted.raw, metadata), None if raw is None else raw.generation)

    def _write_manifest(self, manifest: Manifest) -> None:
        item, spec_key = self.before.manifest_item, self.wanted.spec_key
        value = encode_manifest(manifest)
        if item is not None and item.value == value:
            return
        if item is not None and self.before.manifest is not None:
            self._count("version", record := record_version(spec_key, item))
            self.store.write(record)
        entry = Write(manifest_key(spec_key), value, encode_mark(make_mark(value, manifest.time)))
        self._switch("manifest", entry, None if item is None else item.generation)

    def _switch(self, name: str, entry: Write, generation: str | None) -> None:
        """Write an entry over the generation that was seen, and read it back."""
        self.lease.hold()
        if not self.store.replace(entry, generation):
            raise Conflict(
                f"somebody else has written {entry.key} meanwhile. What was in use stays in use; see with gatelet "
                "status what is there, then push again"
            )
        self._count(name, entry)
        read_back(self.store, entry, generation)

    def _write_lists(self) -> None:
        wanted = self.wanted
        if wanted.lists is None:
            return
        known = dict(self._read_digests())
        *writes, index = plan_lists(wanted.spec_key, wanted.lists, known)
        shards = [one for one in writes if not one.key.endswith("/digests")]
        self._write_all("digests", list(self._take_back(known, shards)))
        self._write_all("shards", shards)
        self._write_all("digests", [one for one in writes if one.key.endswith("/digests")])
        there = self.store.find(index.key)
        if there is None or there.value != index.value:
            metadata = encode_mark(make_mark(index.value, wanted.time))
            self._switch("index", index._replace(metadata=metadata), None if there is None else there.generation)

    def _read_digests(self) -> Iterator[tuple[str, bytes]]:
        """Yield the digests of the editions that are there; one that is retired may be half collected."""
        for name, found in (self.wanted.lists or {}).items():
            edition = found.about.name_edition(name)
            item = self.store.find(digests_key(self.wanted.spec_key, edition))
            if item is None or f"list/{edition}" in self.before.retired:
                continue
            try:
                yield edition, decode_digests(item.value)
            except InvalidEntry:
                continue

    def _take_back(self, known: Mapping[str, bytes], shards: Sequence[Write]) -> Iterator[Write]:
        """Yield digests without those of the shards that will be overwritten."""
        changed = {one.key for one in shards}
        for edition, digests in known.items():
            key = digests_key(self.wanted.spec_key, edition)
            folder = key.removesuffix("digests")
            kept = b"".join(
                bytes(DIGEST_BYTES) if f"{folder}{number:04x}" in changed else digests[start : start + DIGEST_BYTES]
                for number, start in enumerate(range(0, len(digests), DIGEST_BYTES))
            )
            if kept != digests:
                yield Write(key, seal(LIST_DIGESTS, kept))

    def _write_all(self, name: str, entries: Sequence[Write]) -> None:
        """Write entries in batches, and read each batch back."""
        for batch in split_batches(entries, self.store.limits):
            self.lease.hold()
            self.store.write_batch(batch)
            read_all_back(self.store, self.output.track(batch, f"reading {name} back", len(batch)))
            self._count(name, *batch)

    def _count(self, name: str, *entries: Write) -> None:
        self.written[name] = self.written.get(name, 0) + len(entries)
        self.size += sum(len(entry.value) for entry in entries)


def record_version(spec_key: str, manifest: Item) -> Write:
    """Return the entry that keeps a manifest that is about to be replaced."""
    mark = decode_mark(manifest.metadata)
    key = version_key(spec_key, 0 if mark is None else mark.at, digest_page(manifest.value))
    return Write(key, manifest.value, manifest.metadata)
