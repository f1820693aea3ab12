"""Pages written by the service itself, so that a team that only links the console's store gets the quick path too.

It happens after a reply that was answered from a new raw value without a manifest of its own, when the value is short
enough: cutting takes longer than reading, and Fastly bounds the CPU time of an execution. One sandbox tries a value
once, and a claim in the store lets one of all sandboxes try. The pages go first; the manifest is written only if
nobody has written one since it was looked at. A failure costs nothing but the quick path, and is logged.
"""

from typing import Final, NamedTuple

from edge.ports import InsertRules, Platform, StoreFault
from edge.spec.cache import HeldSpec
from edge.spec.raw import RawSpec
from edge.spec.store import KV
from specstore.cut import cut_project
from specstore.keys import claim_key
from specstore.limits import LimitExceeded, check_writes
from specstore.plan import Publication, plan_publication

CLAIM_SECONDS: Final = 60


class Place(NamedTuple):
    """Where a spec is."""

    store: str
    spec_key: str


def find_unpaged(held: HeldSpec, limit: int) -> RawSpec | None:
    """Return the raw spec that pages should be written of: the newest, short enough, without a manifest of its own."""
    spec, manifest = held.spec, held.manifest
    if not isinstance(spec, RawSpec) or held.answer.spec is not spec or held.answer.is_stale or held.source != KV:
        return None
    is_paged = manifest.value is not None and manifest.value.manifest.generation == spec.generation
    is_newest = spec.generation == held.raw_generation
    return spec if is_newest and manifest.is_known and not is_paged and spec.size <= limit else None


def write_pages(platform: Platform, place: Place, held: HeldSpec, spec: RawSpec) -> str:
    """Write a spec's pages and manifest; returns what came of it, for the log."""
    try:
        if not claim(platform, place, spec.generation):
            return "another sandbox is at it"
        plan = plan_publication(place.spec_key, cut_project(spec.load_whole()), generation=spec.generation)
        check_writes(plan.list_writes())
        seen = held.manifest.entry
        return publish(platform, place, plan, None if seen is None else seen.generation)
    except (StoreFault, LimitExceeded) as problem:
        return f"not written: {problem}"


def claim(platform: Platform, place: Place, generation: int) -> bool:
    """Tell whether nobody else writes these pages; whoever does has a minute."""
    rules = InsertRules(only_new=True, ttl_seconds=CLAIM_SECONDS)
    key = claim_key(place.spec_key, generation)
    return platform.begin_insert(place.store, key, b"%d" % generation, rules).wait()


def publish(platform: Platform, place: Place, plan: Publication, manifest_generation: int | None) -> str:
    """Write pages together, then the manifest unless it has changed meanwhile."""
    pages = [
        platform.begin_insert(place.store, page.key, page.value, InsertRules(only_new=True)) for page in plan.pages
    ]
    written = sum(one.wait() for one in pages)
    (manifest,) = plan.switch
    rules = InsertRules(only_new=manifest_generation is None, if_generation=manifest_generation)
    if not platform.begin_insert(place.store, manifest.key, manifest.value, rules).wait():
        return "not switched: someone else has written a manifest"
    return f"{written} of {len(pages)} pages written"
