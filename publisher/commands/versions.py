"""`gatelet versions`: what was published, and can be used again."""

from publisher.console import Output, make_table, show_age
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import load_profile
from publisher.publication.history import Version, list_versions
from publisher.publication.lease import now_ms
from publisher.store_options import Api, At, Patience, SpecKey, StoreKind, choose
from publisher.stores.calls import PATIENCE_SECONDS
from publisher.stores.opening import opened

HEADINGS = ("version", "published", "by", "time of the spec", "gates", "configs", "layers", "")


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
    """List what was published, the newest first: gatelet versions fastly.

    Examples:
      gatelet versions dir --at published --spec-key statsig-abc

      gatelet versions fastly --json
    """
    place = choose(load_profile(profile, config), store, at=at, api=api, spec_key=spec_key)
    with opened(place.store, patience) as target:
        versions = list_versions(target, place.spec_key)
    shown = make_table(HEADINGS, map(make_row, versions), numbers=HEADINGS[4:7])
    nothing = f"no pages of {place.spec_key} were published to {target.kind}"
    Output(as_json).print_result([one.as_json() for one in versions], shown if versions else nothing)


def make_row(version: Version) -> tuple[object, ...]:
    """Return the row of a version."""
    age = f"{show_age(now_ms() - version.mark.at)} ago" if version.mark.at else "unknown"
    state = "" if version.key else "in use"
    if version.missing:
        state = f"{version.missing} pages are missing"
    return (version.name, age, version.mark.by or "?", version.manifest.time, *version.manifest.counts.values(), state)
