"""Is everything there, readable, fresh and allowed? From the profile to the service, in the order of a spec's way."""

import json
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any, Final

from publisher.console import show_age, show_time
from publisher.doctor.diagnosis import Diagnosis, attempt, error, good, skipped, warning
from publisher.doctor.fastly_links import examine_fastly
from publisher.exit_codes import Trouble
from publisher.profiles.profile import FastlyStore, Profile, Source, Store
from publisher.publication.standing import Standing, find_standing
from publisher.sources.choosing import pull
from publisher.sources.fetching import Fetcher
from publisher.sources.statsig import read_time
from publisher.stores.opening import opened

CONSOLE_KEY: Final = "statsig-"
SOURCE_ADVICE: Final = {
    "statsig": "look at the server secret and at the addresses in the profile's source; gatelet pull tries it again",
    "redis": "look at redis_url in the profile's source, and whether an SDK or the proxy writes there",
    "file": "look at path in the profile's source",
}


def examine(profile: Profile, fetcher: Fetcher, patience_s: float) -> Iterator[Diagnosis]:
    """Look at everything that a profile names."""
    yield from examine_profile(profile)
    newest = yield from examine_source(profile.source, fetcher)
    for place in profile.stores.values():
        held, is_open = None, True
        if isinstance(place, FastlyStore):
            is_taken = yield from examine_fastly(place, profile.spec_key, patience_s)
            is_open = is_taken and bool(place.kv_store_id)
        if is_open and profile.spec_key:
            held = yield from examine_store(place, profile.spec_key, newest, patience_s)
        if isinstance(place, FastlyStore):
            yield from examine_health(place, fetcher, held)


def examine_profile(profile: Profile) -> Iterator[Diagnosis]:
    """Look at the profile itself."""
    if profile.origin is None:
        yield error("profile", "there is no gatelet.toml here", "gatelet init writes one")
    else:
        yield good("profile", f"{profile.name} in {profile.origin}")
    if not profile.spec_key:
        advice = "put spec_key into the profile: statsig- and your project ID, as the console shows it"
        yield error("key of the spec", "the profile has none", advice)
    elif not profile.spec_key.startswith(CONSOLE_KEY):
        advice = f"keys of the console begin with {CONSOLE_KEY}; nothing to do if only gatelet writes this one"
        yield warning("key of the spec", profile.spec_key, advice)
    else:
        yield good("key of the spec", profile.spec_key)
    if not profile.stores:
        yield error("stores", "the profile has none", "gatelet init writes one")


def examine_source(source: Source, fetcher: Fetcher) -> Generator[Diagnosis, None, int | None]:
    """Look whether a spec can be pulled; returns its time."""
    what = f"source ({source.kind})"
    try:
        pulled = pull(fetcher, replace(source, lists=False))
        newest = read_time(json.loads(pulled.spec))
    except Trouble as trouble:
        yield error(what, str(trouble), SOURCE_ADVICE[source.kind])
        return None
    except ValueError as problem:
        yield error(what, f"it is not JSON: {problem}", SOURCE_ADVICE[source.kind])
        return None
    yield good(what, f"a spec of {describe_time(newest)}")
    return newest


def examine_store(
    place: Store, spec_key: str, newest: int | None, patience_s: float
) -> Generator[Diagnosis, None, int | None]:
    """Look at what a store holds; returns the time of the spec that answers."""
    what = f"spec in {place.kind}"
    try:
        with opened(place, patience_s) as store:
            standing = find_standing(store, spec_key)
    except Trouble as trouble:
        yield error(what, str(trouble), "look at the store's place and token in the profile")
        return None
    for trouble_ in standing.troubles:
        yield error(what, trouble_, f"gatelet push {place.kind}")
    held = find_held(standing)
    if standing.answers == "nothing":
        yield error(what, f"there is nothing under {spec_key}", f"gatelet pull, then gatelet push {place.kind}")
    elif newest is not None and held < newest:
        seen = f"{describe_time(held)}; {show_age(newest - held)} behind the source"
        yield warning(what, seen, f"gatelet pull, then gatelet push {place.kind}; or keep gatelet sync running")
    elif standing.answers == "raw" and standing.manifest is not None:
        seen = "the pages do not belong to the raw spec, so the raw spec answers"
        yield warning(what, seen, f"gatelet push {place.kind}")
    else:
        yield good(what, f"{standing.answers} of {describe_time(held)}")
    return held


def find_held(standing: Standing) -> int:
    """Return the time of the spec that answers from a store."""
    answering = standing.manifest if standing.answers == "pages" else standing.raw
    found = (answering or {}).get("time")
    return found if isinstance(found, int) else 0


def examine_health(place: FastlyStore, fetcher: Fetcher, held: int | None) -> Iterator[Diagnosis]:
    """Ask the service itself."""
    if not place.service_url:
        advice = "put the service's address into service_url of the profile"
        yield skipped("the service's /healthz", "the profile does not say where the service answers", advice)
        return
    url = f"{place.service_url.rstrip('/')}/healthz"
    yield from attempt(
        "the service's /healthz",
        "look whether the service is deployed, and service_url in the profile",
        lambda: examine_answer(fetcher, url, held),
    )


def examine_answer(fetcher: Fetcher, url: str, held: int | None) -> Iterator[Diagnosis]:
    """Look at what /healthz says."""
    what = "the service's /healthz"
    reply = fetcher.fetch("/healthz", "GET", url, allowed=(503,))
    try:
        health: Any = json.loads(reply.content)
        spec: Any = health["spec"]
        source, fault, answered = spec["source"], spec["fault"], int(spec.get("time") or 0)
        faults = [str(one) for one in health.get("settings_faults", [])]
    except (ValueError, KeyError, TypeError):
        yield error(what, "it is not gatelet that answers there", "look at service_url in the profile")
        return
    if reply.status != 200 or source == "none":
        yield error(what, f"{reply.status}: {fault or 'there is no spec'}", "docs/operating.md says what each means")
    elif fault:
        yield warning(what, f"{source} answers: {fault}", "docs/operating.md says what each means")
    elif held is not None and answered < held:
        seen = f"it answers from a spec of {describe_time(answered)}, the store has a newer one"
        yield warning(what, seen, "wait a minute: sandboxes ask every ten seconds, stores take a while")
    else:
        yield good(what, f"{source} answers, a spec of {describe_time(answered)}")
    for one in faults:
        yield warning(what, f"setting {one}", "give it a value that docs/settings.md allows")


def describe_time(milliseconds: int) -> str:
    """Say when a spec was made, and how long ago."""
    if not milliseconds:
        return "an unknown time"
    return f"{show_time(milliseconds)}, {show_age(time.time_ns() // 1_000_000 - milliseconds)} old"
