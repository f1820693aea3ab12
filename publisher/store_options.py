"""Options by which commands find the store and the spec they work on; what they say goes before the profile."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from publisher.exit_codes import Unusable
from publisher.profiles.profile import CloudflareStore, DirStore, FastlyStore, Profile, RedisStore, Store


class Kind(StrEnum):
    """The kinds of store."""

    FASTLY = "fastly"
    CLOUDFLARE = "cloudflare"
    REDIS = "redis"
    DIR = "dir"


StoreKind = Annotated[
    Kind | None,
    typer.Argument(metavar="STORE", help="fastly, cloudflare, redis or dir; the profile's only one when left out."),
]
StoreOption = Annotated[Kind | None, typer.Option("--store", help="The store; the profile's only one when left out.")]
At = Annotated[
    str,
    typer.Option(
        "--at",
        metavar="PLACE",
        help="Where it is: the ID of the KV store (fastly), ACCOUNT/NAMESPACE (cloudflare), redis://HOST:PORT/DB "
        "(redis), a folder (dir). The profile's when left out.",
    ),
]
SpecKey = Annotated[
    str,
    typer.Option("--spec-key", envvar="GATELET_SPEC_KEY", help="The key of the raw spec; the profile's when left out."),
]
Api = Annotated[
    str,
    typer.Option("--api", metavar="URL", help="The API, or what stands in for it (fastly: FASTLY_API_URL as well)."),
]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait while somebody else writes.")
]
Patience = Annotated[
    float,
    typer.Option("--patience", metavar="SECONDS", min=0, help="How long a request is tried again that fails."),
]


class Place(NamedTuple):
    """A store, and the key of the spec in it."""

    store: Store
    spec_key: str


def choose(profile: Profile, kind: Kind | None, *, at: str = "", api: str = "", spec_key: str = "") -> Place:
    """Return the place that the options and the profile name; raises Unusable."""
    store = place_store(profile.find_store(None if kind is None else kind.value), at, api)
    return Place(store, spec_key or profile.need_spec_key())


def place_store(store: Store, at: str, api: str) -> Store:
    """Return the store at another place; raises Unusable."""
    match store:
        case FastlyStore():
            return replace(store, kv_store_id=at or store.kv_store_id, api_url=api or store.api_url)
        case CloudflareStore():
            account, _, namespace = at.partition("/")
            if at and not namespace:
                raise Unusable(f"--at {at}: expected ACCOUNT/NAMESPACE")
            placed = replace(store, account_id=account, namespace_id=namespace) if at else store
            return replace(placed, api_url=api or store.api_url)
        case RedisStore():
            if "@" in at:
                raise Unusable("--at: no password may stand on the command line; set GATELET_REDIS_PASSWORD")
            return replace(store, url=at or store.url)
        case DirStore():
            return replace(store, path=Path(at) if at else store.path)
