"""Serve the APIs of Fastly and Cloudflare on loopback: `python -m devhost.apis --port 7680`.

What is in the stores is gone when it ends. It prints how to publish there.
"""

import argparse
import sys

from devhost.apis.cloudflare import CloudflareAccount, Namespace
from devhost.apis.fastly import FastlyAccount, KvPlace, Named
from devhost.apis.serving import ApiServer, serving
from devhost.fastly.kv import KvStore
from devhost.stop_signals import StopSignals

TOKEN = "token-local"  # noqa: S105 - opens nothing but this server
KV_STORE_ID = "kv-local"
CONFIG_STORE_ID = "config-local"
SECRET_STORE_ID = "secret-local"  # noqa: S105 - an ID
NAMESPACE = "namespace-local"
ACCOUNT = "account-local"


def make_apis() -> tuple[FastlyAccount, CloudflareAccount]:
    """Make an account of each, with the stores that fastly.toml names."""
    fastly = FastlyAccount(
        TOKEN,
        {KV_STORE_ID: KvPlace("gatelet-specs", KvStore())},
        {CONFIG_STORE_ID: Named("gatelet")},
        {SECRET_STORE_ID: Named("gatelet")},
    )
    return fastly, CloudflareAccount(TOKEN, ACCOUNT, {NAMESPACE: Namespace()})


def describe(server: ApiServer) -> str:
    """Say how to publish there."""
    return "\n".join(
        (
            f"gatelet: Fastly's API is on {server.url}, Cloudflare's on {server.url}/client/v4; Ctrl-C stops. Try:",
            f"  export FASTLY_API_TOKEN={TOKEN} FASTLY_API_URL={server.url}",
            f"  gatelet push fastly examples/spec.json --at {KV_STORE_ID} --spec-key statsig-local",
            f"  gatelet status fastly --at {KV_STORE_ID} --spec-key statsig-local",
        )
    )


def main() -> int:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m devhost.apis", description=__doc__)
    parser.add_argument("--port", type=int, default=7680)
    arguments = parser.parse_args()
    stop = StopSignals()
    try:
        with serving(*make_apis(), port=arguments.port) as server:
            print(describe(server), flush=True)
            stop.wait(None)
    except OSError as problem:
        print(f"gatelet: port {arguments.port} cannot be listened on: {problem.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
