"""Take away what has been out of use for the grace period: pages, ID lists in shards, earlier versions.

In use are the manifest that is there and the newest of those that were there before, which a rollback can go back to.
What else there is gets noted as retired and goes when it has been so for the grace period (`specstore.plan`); versions
beyond those that are kept go when they were published longer ago than that. The lease keeps a publication from needing
a page that is being deleted.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import Final, NamedTuple

from publisher.console import Output
from publisher.exit_codes import Conflict, Failed
from publisher.publication.history import Version, list_versions
from publisher.publication.lease import Lease, leased, now_ms
from publisher.publication.publish import QUIET
from publisher.stores.port import Store
from publisher.stores.together import AT_ONCE
from specstore.frame import InvalidEntry
from specstore.idlists import IdList, decode_index
from specstore.keys import list_index_key, page_prefix, retired_key, shard_prefix
from specstore.limits import Write
from specstore.plan import GRACE_MS, Collection, decode_retired, encode_retired, plan_collection

KEPT_VERSIONS: Final = 10
PER_RENEWAL: Final = 64


class Collected(NamedTuple):
    """What was taken away, what waits for its grace period to end, how many versions there are to go back to."""

    deleted: int
    retired: int
    versions: int

    def as_json(self) -> dict[str, object]:
        """Return the report for machines."""
        return dict(self._asdict())


class Thrift(NamedTuple):
    """What is kept."""

    versions: int = KEPT_VERSIONS
    grace_ms: int = GRACE_MS


USUAL: Final = Thrift()


def collect(
    store: Store, spec_key: str, thrift: Thrift = USUAL, *, wait_seconds: float = 0.0, output: Output = QUIET
) -> Collected:
    """Take away what is out of use; raises Conflict, Failed, StoreProblem."""
    with leased(store, spec_key, "gc", wait_seconds=wait_seconds) as lease:
        versions = list_versions(store, spec_key)
        kept, left = split_versions(versions, thrift)
        item = store.find(retired_key(spec_key))
        plan = plan_collection(
            spec_key,
            (*store.list_keys(page_prefix(spec_key)), *store.list_keys(shard_prefix(spec_key))),
            {} if item is None else read_retired(item.value),
            manifests=[one.manifest for one in kept],
            lists=read_lists(store, spec_key),
            now_ms=now_ms(),
            grace_ms=thrift.grace_ms,
        )
        gone = (*plan.delete, *(one.key for one in left))
        delete(store, lease, gone, output)
        write_retired(store, spec_key, plan, None if item is None else item.generation)
        return Collected(len(gone), len(plan.retired), sum(1 for one in kept if one.key))


def split_versions(versions: Sequence[Version], thrift: Thrift) -> tuple[list[Version], list[Version]]:
    """Split versions into those that stay and those that go."""
    current = [one for one in versions if not one.key]
    earlier = [one for one in versions if one.key]
    old = [one for one in earlier[thrift.versions :] if now_ms() - one.mark.at >= thrift.grace_ms]
    return [*current, *(one for one in earlier if one not in old)], old


def read_retired(value: bytes) -> dict[str, int]:
    """Read what is retired; raises Failed."""
    try:
        return decode_retired(value)
    except InvalidEntry as problem:
        raise Failed(f"what is retired cannot be read, so nothing was collected: {problem}") from problem


def read_lists(store: Store, spec_key: str) -> dict[str, IdList]:
    """Read the index of ID lists; raises Failed, because without it every list would look out of use."""
    item = store.find(list_index_key(spec_key))
    try:
        return {} if item is None else decode_index(item.value)
    except InvalidEntry as problem:
        raise Failed(f"the index of ID lists cannot be read, so nothing was collected: {problem}") from problem


def delete(store: Store, lease: Lease, keys: Sequence[str], output: Output) -> None:
    """Delete entries, several at once: stores have no way to name many."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for some in output.track(tuple(batched(keys, PER_RENEWAL)), "deleting"):
            lease.hold()
            list(pool.map(store.remove, some))


def write_retired(store: Store, spec_key: str, plan: Collection, generation: str | None) -> None:
    """Write what is retired now, if that is anything new; raises Conflict."""
    value = encode_retired(plan.retired)
    if generation is None and not plan.retired:
        return
    if not store.replace(Write(retired_key(spec_key), value), generation):
        raise Conflict("somebody else has collected meanwhile: see with gatelet status what is there")
