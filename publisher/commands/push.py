"""`gatelet push`: publish a spec with its ID lists."""

from pathlib import Path
from typing import Annotated

import typer

from publisher.console import Output, show_size, show_time
from publisher.exit_codes import Unusable
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import load_profile
from publisher.publication.publish import Published, Rules, publish
from publisher.publication.wanted import Layout, prepare
from publisher.sources.pulled import read_pulled
from publisher.store_options import Api, At, Patience, SpecKey, StoreKind, Wait, choose
from publisher.stores.calls import PATIENCE_SECONDS
from publisher.stores.opening import opened
from publisher.stores.port import Store


def run(
    store: StoreKind = None,
    spec: Annotated[
        Path | None, typer.Argument(help="A spec file, or a folder that pull wrote; the profile's when left out.")
    ] = None,
    at: At = "",
    spec_key: SpecKey = "",
    canary: Annotated[
        str, typer.Option(metavar="KEY", help="Publish under this key, beside the live spec, which stays as it is.")
    ] = "",
    layout: Annotated[Layout, typer.Option(help="The raw spec, pages, or both.")] = Layout.BOTH,
    allow_older: Annotated[
        bool, typer.Option("--allow-older", help="Publish although the store has a newer spec.")
    ] = False,
    wait: Wait = 0.0,
    patience: Patience = PATIENCE_SECONDS,
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Publish a spec: gatelet push fastly --at KV_STORE_ID --spec-key statsig-abc.

    Only what is not there yet is written, everything is read back, and the manifest comes last, so readers have one
    whole spec at every moment. A push that broke off is simply made again. Nothing is written when a limit of the store
    is exceeded, when the store has a newer spec, or while somebody else writes (exit code 4).

    The token is read from FASTLY_API_TOKEN or CLOUDFLARE_API_TOKEN, or from where the profile says.

    Examples:
      gatelet push dir spec.json --at published --spec-key statsig-abc

      gatelet push fastly --canary statsig-abc-next

      gatelet push redis spec.json --at redis://127.0.0.1:6379/0 --spec-key statsig-abc --json
    """
    chosen = load_profile(profile, config)
    place = choose(chosen, store, at=at, api=api, spec_key=spec_key)
    if canary == place.spec_key:
        raise Unusable(f"--canary {canary} is the key of the live spec: give another one")
    wanted = prepare(read_pulled(spec or chosen.find_spec()), canary or place.spec_key, layout)
    output = Output(as_json)
    with opened(place.store, patience) as target:
        warn_unguarded(output, target)
        found = publish(target, wanted, Rules(allow_older=allow_older, wait_seconds=wait), output)
        output.print_result({"store": target.kind, **found.as_json()}, describe(target.kind, found))


def warn_unguarded(output: Output, store: Store) -> None:
    """Say what a store without generations cannot do."""
    if not store.is_guarded:
        output.note(
            f"{store.kind} has no generations: somebody who writes at the same moment is noticed only when the entry "
            "is read back"
        )


def describe(kind: str, found: Published) -> str:
    """Say what came of a publication."""
    if not found.written:
        return f"{found.spec_key} is in {kind} already, as it is here: nothing was written"
    parts = ", ".join(f"{name} {count}" for name, count in found.written.items())
    traffic = found.traffic
    again = f", {traffic['retried']} of them again" if traffic["retried"] else ""
    return (
        f"{found.spec_key} is published to {kind}, time {show_time(found.time)}: wrote {parts}; "
        f"{show_size(found.size)} in {traffic['requests']} requests{again}, all read back"
    )
