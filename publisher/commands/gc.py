"""`gatelet gc`: take away what is out of use."""

from typing import Annotated

import typer

from publisher.console import Output
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import load_profile
from publisher.publication.collect import KEPT_VERSIONS, Thrift, collect
from publisher.store_options import Api, At, Patience, SpecKey, StoreKind, Wait, choose
from publisher.stores.calls import PATIENCE_SECONDS
from publisher.stores.opening import opened
from specstore.plan import GRACE_MS


def run(
    store: StoreKind = None,
    keep: Annotated[int, typer.Option(min=0, help="How many earlier versions to keep for a rollback.")] = KEPT_VERSIONS,
    grace: Annotated[
        float, typer.Option(metavar="HOURS", min=0, help="How long something stays after it was seen out of use.")
    ] = GRACE_MS / 3_600_000,
    at: At = "",
    spec_key: SpecKey = "",
    wait: Wait = 0.0,
    patience: Patience = PATIENCE_SECONDS,
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Delete pages, ID lists and versions that have been out of use for a day: gatelet gc fastly.

    What is out of use is noted first and deleted by a later run, when the grace period is over: readers may still hold
    an old manifest. Run it once a day.

    Examples:
      gatelet gc fastly --keep 5

      gatelet gc dir --at published --spec-key statsig-abc --grace 0
    """
    place = choose(load_profile(profile, config), store, at=at, api=api, spec_key=spec_key)
    output = Output(as_json)
    with opened(place.store, patience) as target:
        thrift = Thrift(keep, int(grace * 3_600_000))
        found = collect(target, place.spec_key, thrift, wait_seconds=wait, output=output)
    output.print_result(
        {"store": target.kind, "spec_key": place.spec_key, **found.as_json()},
        f"{found.deleted} entries deleted; {found.retired} out of use wait for their grace period to end; "
        f"{found.versions} earlier versions kept",
    )
