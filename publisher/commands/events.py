"""`gatelet events`: what a service has stored because Statsig did not take it, and what a local sink receives."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import httpx
import typer

from edge.events.spool_format import ASIDE_PREFIX, PREFIX, parse_keys
from publisher.console import Output
from publisher.events.drain import Drainer
from publisher.events.event_lines import decode_events, describe_event, read_lines
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import FastlyStore, Profile, load_profile
from publisher.stores.opening import opened_fastly
from publisher.stores.port import Store

SECONDS = 30.0
STANDARD_INPUT = "-"


app = typer.Typer(help="Count, send or watch the events of a service.")

StoreId = Annotated[str, typer.Option(help="The ID of the KV store; the profile's when left out.")]
Api = Annotated[str, typer.Option(help="Fastly's API, or what stands in for it; the profile's when left out.")]


@app.command("list")
def list_(
    store_id: StoreId = "",
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Count the events that a service has stored because Statsig did not take them.

    For example:

        gatelet events list --store-id ID
    """
    with opened_fastly(find_place(load_profile(profile, config), store_id, api)) as store:
        count(Output(as_json), store)


@app.command("drain")
def drain_(
    store_id: StoreId = "",
    project: Annotated[str, typer.Option(help="The key of a spec in the setting projects.")] = "",
    url: Annotated[str, typer.Option(help="Where to send them.")] = "https://events.statsigapi.net/v1/log_event",
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Send the events that a service has stored: gatelet events drain --store-id ID.

    The Fastly token and the Statsig server secret come from where the profile says; without one from FASTLY_API_TOKEN
    and STATSIG_SECRET_KEY.
    """
    chosen = load_profile(profile, config)
    key = chosen.source.key.read()
    with opened_fastly(find_place(chosen, store_id, api)) as store:
        drain(Output(as_json), store, url, key, project)


@app.command("tail")
def tail(
    file: Annotated[
        str, typer.Argument(help="The file of a local event sink, or - for standard input.")
    ] = ".local/events.jsonl",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for more at the end of a file.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show the events that reach the local sink of `make serve`, a line each, until Ctrl-C.

    With --json each event is one line of JSON, with its user.

    For example:

        gatelet events tail

        gatelet events tail --no-follow --json | grep checkout
    """
    lines = sys.stdin if file == STANDARD_INPUT else read_lines(Path(file), follow=follow)
    for line in lines:
        for event in decode_events(line):
            print(json.dumps(event) if as_json else describe_event(event), flush=True)


def find_place(profile: Profile, store_id: str, api: str) -> FastlyStore:
    """Return the KV store that the options and the profile name."""
    place = profile.find_fastly()
    url = api or os.environ.get("FASTLY_API_URL") or place.api_url
    return replace(place, kv_store_id=store_id or place.kv_store_id, api_url=url)


def count(output: Output, store: Store) -> None:
    """Say what is stored."""
    keys = parse_keys(store.list_keys(PREFIX))
    aside = sum(1 for _ in store.list_keys(ASIDE_PREFIX))
    events, size = sum(key.event_count for key in keys), sum(key.size for key in keys)
    output.print_result(
        {"events": events, "batches": len(keys), "bytes": size, "batches_set_aside": aside},
        f"{events} events in {len(keys)} batches, {size} bytes; {aside} batches set aside",
    )


def drain(output: Output, store: Store, url: str, statsig_key: str, project: str) -> None:
    """Send what is stored of a project, and say what became of it."""
    with httpx.Client(timeout=SECONDS) as endpoint:
        drainer = Drainer(store, endpoint, url, statsig_key.encode(), project)
        drainer.run()
    output.print_result(
        {"sent": drainer.drained, "set_aside": drainer.set_aside},
        f"{drainer.drained} events sent, {drainer.set_aside} set aside",
    )
