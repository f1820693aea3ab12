"""`gatelet status`: what the stores hold."""

from typing import Any

from publisher.console import Output, make_table, show_age, show_size, show_time
from publisher.exit_codes import Unusable
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import Profile, load_profile
from publisher.publication.standing import Standing, find_standing
from publisher.store_options import Api, At, Kind, Patience, Place, SpecKey, StoreKind, choose
from publisher.stores.calls import PATIENCE_SECONDS
from publisher.stores.opening import opened


def run(
    store: StoreKind = None,
    at: At = "",
    spec_key: SpecKey = "",
    patience: Patience = PATIENCE_SECONDS,
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what each store holds, how old and large it is, and who wrote it: gatelet status.

    Without the name of a store, all stores of the profile are asked.

    Examples:
      gatelet status

      gatelet status fastly --spec-key statsig-abc-next --json
    """
    places = list_places(load_profile(profile, config), store, at=at, api=api, spec_key=spec_key)
    found = []
    for place in places:
        with opened(place.store, patience) as target:
            found.append(find_standing(target, place.spec_key))
    Output(as_json).print_result([one._asdict() for one in found], *(make_table((), rows(one)) for one in found))


def list_places(profile: Profile, kind: Kind | None, *, at: str, api: str, spec_key: str) -> list[Place]:
    """List the stores to ask; raises Unusable."""
    if kind is not None or len(profile.stores) < 2:
        return [choose(profile, kind, at=at, api=api, spec_key=spec_key)]
    if at or api:
        raise Unusable("--at and --api are for one store: name it")
    return [choose(profile, Kind(one), spec_key=spec_key) for one in profile.stores]


def rows(found: Standing) -> list[tuple[str, str]]:
    """Return what a person wants to know, a line each."""
    lines = [
        (found.store, found.spec_key),
        ("  answers from", found.answers),
        ("  raw spec", describe(found.raw)),
        ("  manifest", describe(found.manifest)),
        ("  ID lists", describe(found.lists)),
        ("  overrides", describe(found.overrides)),
        ("  earlier versions", str(found.versions)),
    ]
    if found.writer:
        lines.append(("  writing now", found.writer))
    return [*lines, *(("  trouble", fault) for fault in found.troubles)]


def describe(about: dict[str, Any] | None) -> str:
    """Say in one line what is known of an entry."""
    if about is None:
        return "none"
    parts = [f"time {show_time(about['time'])}"] if "time" in about else []
    parts += [show_size(about["size"])] if about["size"] is not None else []
    parts += [f"{about['pages']} pages, {about['other_pages']} others"] if "pages" in about else []
    parts += [f"{name} {count:,}" for name, count in about.get("members", {}).items()]
    parts += [f"{about['settings']} forced"] if "settings" in about else []
    parts += [about["note"]] if about.get("note") else []
    written = f"written {show_age(about['age_ms'])} ago by {about['by']}" if about["by"] else "not written by gatelet"
    return "; ".join([*parts, written])
