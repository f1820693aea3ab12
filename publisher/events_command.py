"""`gatelet events`: what a service has stored because Statsig did not take it."""

from enum import StrEnum
from typing import Annotated

import httpx
import typer

from edge.events.spool_format import ASIDE_PREFIX, PREFIX, parse_keys
from publisher.drain import CannotDrain, Drainer
from publisher.files import fail
from publisher.kv_api import API, KvApi, StoreProblem

SECONDS = 30.0


class Action(StrEnum):
    """What can be done with stored events."""

    LIST = "list"
    DRAIN = "drain"


def run(
    action: Annotated[Action, typer.Argument(help="Count what is stored, or send it.")],
    store_id: Annotated[str, typer.Option(help="The ID of the KV store.")],
    token: Annotated[str, typer.Option(envvar="FASTLY_API_TOKEN", help="A Fastly API token for that store.")],
    statsig_key: Annotated[str, typer.Option(envvar="STATSIG_SECRET_KEY", help="For drain: the server secret.")] = "",
    url: Annotated[str, typer.Option(help="Where to send them.")] = "https://events.statsigapi.net/v1/log_event",
    api: Annotated[str, typer.Option(help="Fastly's API, or what stands in for it.")] = API,
) -> None:
    """Count or send the events that a service has stored: gatelet events drain --store-id ID."""
    if action is Action.DRAIN and not statsig_key:
        fail("drain needs --statsig-key or STATSIG_SECRET_KEY")
    with httpx.Client(base_url=api, headers={"Fastly-Key": token}, timeout=SECONDS) as client:
        store = KvApi(client, store_id)
        try:
            print(count(store) if action is Action.LIST else drain(store, url, statsig_key))
        except (StoreProblem, CannotDrain) as problem:
            fail(str(problem))


def count(store: KvApi) -> str:
    """Say what is stored."""
    keys = parse_keys(store.list_keys(PREFIX))
    aside = sum(1 for _ in store.list_keys(ASIDE_PREFIX))
    events, size = sum(key.event_count for key in keys), sum(key.size for key in keys)
    return f"{events} events in {len(keys)} batches, {size} bytes; {aside} batches set aside"


def drain(store: KvApi, url: str, statsig_key: str) -> str:
    """Send what is stored, and say what became of it."""
    with httpx.Client(timeout=SECONDS) as endpoint:
        drainer = Drainer(store, endpoint, url, statsig_key.encode())
        drainer.run()
    return f"{drainer.drained} events sent, {drainer.set_aside} set aside"
