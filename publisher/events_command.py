"""`gatelet events`: what a service has stored because Statsig did not take it."""

from enum import StrEnum
from typing import Annotated

import httpx
import typer

from edge.events.spool_format import ASIDE_PREFIX, PREFIX, parse_keys
from publisher.console import Output
from publisher.drain import Drainer
from publisher.exit_codes import Unusable
from publisher.kv_api import KvApi
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles import load_profile

SECONDS = 30.0


class Action(StrEnum):
    """What can be done with stored events."""

    LIST = "list"
    DRAIN = "drain"


def run(
    action: Annotated[Action, typer.Argument(help="Count what is stored, or send it.")],
    store_id: Annotated[str, typer.Option(help="The ID of the KV store; the profile's when left out.")] = "",
    project: Annotated[str, typer.Option(help="For drain: the key of a spec in the setting projects.")] = "",
    url: Annotated[str, typer.Option(help="Where to send them.")] = "https://events.statsigapi.net/v1/log_event",
    api: Annotated[str, typer.Option(help="Fastly's API, or what stands in for it; the profile's when left out.")] = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Count or send the events that a service has stored: gatelet events drain --store-id ID.

    The Fastly token and, for drain, the Statsig server secret come from where the profile says; without one from
    FASTLY_API_TOKEN and STATSIG_SECRET_KEY.
    """
    chosen = load_profile(profile, config)
    place = chosen.find_fastly()
    store_id = store_id or place.kv_store_id
    if not store_id:
        raise Unusable("which KV store? Give --store-id, or kv_store_id in the profile")
    key = chosen.source.key.read() if action is Action.DRAIN else ""
    headers = {"Fastly-Key": place.token.read()}
    with httpx.Client(base_url=api or place.api_url, headers=headers, timeout=SECONDS) as client:
        store = KvApi(client, store_id)
        if action is Action.LIST:
            count(Output(as_json), store)
        else:
            drain(Output(as_json), store, url, key, project)


def count(output: Output, store: KvApi) -> None:
    """Say what is stored."""
    keys = parse_keys(store.list_keys(PREFIX))
    aside = sum(1 for _ in store.list_keys(ASIDE_PREFIX))
    events, size = sum(key.event_count for key in keys), sum(key.size for key in keys)
    output.print_result(
        {"events": events, "batches": len(keys), "bytes": size, "batches_set_aside": aside},
        f"{events} events in {len(keys)} batches, {size} bytes; {aside} batches set aside",
    )


def drain(output: Output, store: KvApi, url: str, statsig_key: str, project: str) -> None:
    """Send what is stored of a project, and say what became of it."""
    with httpx.Client(timeout=SECONDS) as endpoint:
        drainer = Drainer(store, endpoint, url, statsig_key.encode(), project)
        drainer.run()
    output.print_result(
        {"sent": drainer.drained, "set_aside": drainer.set_aside},
        f"{drainer.drained} events sent, {drainer.set_aside} set aside",
    )
