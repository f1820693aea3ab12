"""Fastly's API on loopback over one KV store, and Cloudflare's beside it, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from devhost.apis.cloudflare import CloudflareAccount, Namespace
from devhost.apis.fastly import FastlyAccount, KvPlace
from devhost.apis.serving import ApiServer, serving
from devhost.fastly.kv import KvStore

TOKEN = "token-test"
STORE_ID = "store-test"
ACCOUNT = "account-test"
NAMESPACE = "namespace-test"


class KvServer(NamedTuple):
    """A server, and what it keeps."""

    store: KvStore
    namespace: Namespace
    api: ApiServer

    @property
    def url(self) -> str:
        """Its address."""
        return self.api.url


@contextmanager
def running_store(store: KvStore) -> Iterator[KvServer]:
    """Serve a store until the end of the block."""
    namespace = Namespace()
    fastly = FastlyAccount(TOKEN, {STORE_ID: KvPlace("gatelet-specs", store)})
    with serving(fastly, CloudflareAccount(TOKEN, ACCOUNT, {NAMESPACE: namespace})) as server:
        yield KvServer(store, namespace, server)
