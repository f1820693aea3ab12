"""`gatelet rollback`: use what was published before."""

from typing import Annotated

import typer

from publisher.console import Output, show_time
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import load_profile
from publisher.publication.history import roll_back
from publisher.store_options import Api, At, Patience, SpecKey, StoreKind, Wait, choose
from publisher.stores.calls import PATIENCE_SECONDS
from publisher.stores.opening import opened


def run(
    store: StoreKind = None,
    to: Annotated[
        str, typer.Option(metavar="VERSION", help="As versions names it; the one before when left out.")
    ] = "",
    at: At = "",
    spec_key: SpecKey = "",
    wait: Wait = 0.0,
    patience: Patience = PATIENCE_SECONDS,
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Use what was published before: gatelet rollback fastly --to 3f2a91c0.

    Pages are still there, so this takes seconds. New sandboxes use the earlier spec at once; one that holds the newer
    spec keeps it until it ends. A push ends it, and so does a sync that pulls a newer spec than the one that was left;
    that one itself no sync publishes again. To shut one gate at once, use gatelet override.

    Examples:
      gatelet rollback fastly

      gatelet rollback redis --to 3f2a91c0 --wait 60
    """
    place = choose(load_profile(profile, config), store, at=at, api=api, spec_key=spec_key)
    with opened(place.store, patience) as target:
        version, found = roll_back(target, place.spec_key, to, wait)
        output = Output(as_json)
        output.print_result(
            {"store": target.kind, "version": version.name, **found.as_json()},
            f"{place.spec_key} in {target.kind} is {version.name} again, time {show_time(version.manifest.time)}",
        )
