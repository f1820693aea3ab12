"""The four stores, each over something real or something that speaks its protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from devhost.apis.serving import ApiServer
from devhost.fastly.kv import KvStore
from publisher.stores.calls import Caller
from publisher.stores.cloudflare import CloudflareKv, name_base
from publisher.stores.fastly import FastlyKv
from publisher.stores.folder import FolderStore
from publisher.stores.port import Store
from publisher.stores.redis_store import RedisKv
from tests.publisher.kv_server import ACCOUNT, NAMESPACE, STORE_ID, TOKEN, running_store
from tests.publisher.redis_server import running_redis

KINDS = ("fastly", "cloudflare", "redis", "dir")


@contextmanager
def open_fastly(server: ApiServer, *, patience: float = 10.0, timeout: float = 10.0) -> Iterator[FastlyKv]:
    """A Fastly store on a loopback server; pauses are cut short."""
    with httpx.Client(base_url=server.url, headers={"Fastly-Key": TOKEN}, timeout=timeout) as client:
        yield FastlyKv(Caller(client, "Fastly's API", patience, sleep=lambda _seconds: None), STORE_ID)


@contextmanager
def open_cloudflare(server: ApiServer, *, patience: float = 10.0) -> Iterator[CloudflareKv]:
    """A Cloudflare namespace on a loopback server; pauses are cut short."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"{server.url}/client/v4", headers=headers, timeout=10) as client:
        caller = Caller(client, "Cloudflare's API", patience, sleep=lambda _seconds: None)
        yield CloudflareKv(caller, name_base(ACCOUNT, NAMESPACE))


@contextmanager
def open_store(kind: str, folder: Path) -> Iterator[Store]:
    """A store of a kind, empty."""
    if kind == "dir":
        yield FolderStore(folder / "store")
    elif kind == "redis":
        with running_redis(folder) as client:
            yield RedisKv(client, "prefix:")
    else:
        with running_store(KvStore()) as server:
            if kind == "fastly":
                with open_fastly(server.api) as fastly:
                    yield fastly
            else:
                with open_cloudflare(server.api) as cloudflare:
                    yield cloudflare
