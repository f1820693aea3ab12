"""Open the stores that a profile names."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from publisher.exit_codes import Unusable
from publisher.profiles.profile import CloudflareStore, DirStore, FastlyStore, RedisStore
from publisher.profiles.profile import Store as StorePlace
from publisher.stores import cloudflare, fastly
from publisher.stores.calls import PATIENCE_SECONDS, SECONDS_PER_TRY, Caller
from publisher.stores.cloudflare import CloudflareKv, name_base
from publisher.stores.fastly import FastlyKv
from publisher.stores.folder import FolderStore
from publisher.stores.port import Store
from publisher.stores.redis_store import RedisKv, connect


@contextmanager
def opened(place: StorePlace, patience: float = PATIENCE_SECONDS) -> Iterator[Store]:
    """Open a store for a block; `patience` is for how many seconds a request is tried again. Raises Unusable."""
    match place:
        case FastlyStore():
            with opened_fastly(place, patience) as store:
                yield store
        case CloudflareStore():
            with opened_cloudflare(place, patience) as store:
                yield store
        case RedisStore():
            with connect(place.url, place.password.find()) as client:
                yield RedisKv(client, place.prefix)
        case DirStore():
            yield FolderStore(place.path)


@contextmanager
def opened_fastly(place: FastlyStore, patience: float = PATIENCE_SECONDS) -> Iterator[FastlyKv]:
    """Open a Fastly KV store; raises Unusable."""
    if not place.kv_store_id:
        raise Unusable("which KV store? Give its ID with --at, or as kv_store_id in the profile")
    headers = {"Fastly-Key": place.token.read()}
    with httpx.Client(base_url=place.api_url, headers=headers, timeout=SECONDS_PER_TRY) as client:
        yield FastlyKv(Caller(client, fastly.API, patience), place.kv_store_id)


@contextmanager
def opened_cloudflare(place: CloudflareStore, patience: float = PATIENCE_SECONDS) -> Iterator[CloudflareKv]:
    """Open a namespace of Cloudflare's KV; raises Unusable."""
    if not (place.account_id and place.namespace_id):
        raise Unusable("which namespace? Give --at ACCOUNT/NAMESPACE, or account_id and namespace_id in the profile")
    headers = {"Authorization": f"Bearer {place.token.read()}"}
    with httpx.Client(base_url=place.api_url, headers=headers, timeout=SECONDS_PER_TRY) as client:
        base = name_base(place.account_id, place.namespace_id)
        yield CloudflareKv(Caller(client, cloudflare.API, patience), base)
