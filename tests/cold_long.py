"""Compare the replies of the fast build with those of the plain one, byte for byte: `python -m tests.cold_long`.

Both are served by the embedded host or by Viceroy and asked the same: gates, configs, experiments and layers of the
example spec, whole client responses, unknown names and mistakes, each for another user. Half of the requests meet fresh
sandboxes, half reused ones. What the headers say of time is left out, and the checksum of a client response, which
holds for one build, with the length that it has a part in. `--requests` says how many each build answers.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import batched
from pathlib import Path
from typing import Final

import httpx

from devhost.build import COMPONENT, ROOT, Recipe, build_component
from devhost.hosts import embedded_command, viceroy_command
from devhost.local_config import EXAMPLE_SPEC, derive_config, find_spec_key, read_committed, write_config
from devhost.local_store import PAGED, list_entries, write_store
from edge.cold.choice import MEASURES
from tests.component.serving import EMBEDDED, SERVER, VICEROY, find_free_port, require_viceroy, running_host

PLAIN: Final = Recipe(ROOT / "build" / "plain.wasm", left_out=frozenset(MEASURES))
AT_A_TIME: Final = 3
BLOCK: Final = 1_000
OF_THE_MOMENT: Final = frozenset(("server-timing", "date", "content-length", "x-gatelet-spec"))  # the last has its age
OF_THE_BUILD: Final = re.compile(rb'"full_checksum":[^,}]*')
ASKED: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("/v1/check_gate", {"gateName": "test_fastly"}),
    ("/v1/check_gate", {"gateName": "staff"}),
    ("/v1/get_config", {"configName": "delivery"}),
    ("/v1/get_config", {"configName": "button_color"}),
    ("/v1/get_layer", {"layerName": "storefront"}),
    ("/v1/initialize", {"hash": "none"}),
    ("/v1/check_gate", {"gateName": "nothing"}),
    ("/v1/check_gate", {}),
)


@contextmanager
def serving(host: str, component: Path, folder: Path, reuse: int) -> Iterator[httpx.Client]:
    """Serve a component with the example spec in pages."""
    folder.mkdir()
    committed = read_committed()
    entries = list_entries(find_spec_key(committed), (ROOT / EXAMPLE_SPEC).read_bytes(), PAGED)
    config = derive_config(
        committed,
        entries=write_store(entries, folder),
        events_url=f"http://127.0.0.1:{find_free_port()}",  # nobody listens: the replies are what counts
        requests_per_sandbox=reuse,
    )
    write_config(config, folder / "fastly.toml")
    port = find_free_port()
    command = (
        viceroy_command(require_viceroy(), folder / "fastly.toml", port, component)
        if host == VICEROY
        else embedded_command(folder / "fastly.toml", port, component=component)
    )
    with running_host(command, folder / "host.log", port), httpx.Client(timeout=60) as client:
        client.base_url = f"http://127.0.0.1:{port}"
        yield client


def ask(client: httpx.Client, number: int) -> tuple[int, bytes, dict[str, str]]:
    """Ask one request; returns what two builds must agree on."""
    path, body = ASKED[number % len(ASKED)]
    user = {"userID": f"user-{number}", "email": f"user-{number}@example.com", "country": "FR"}
    reply = client.post(path, json={**body, "user": user}, headers=SERVER)
    headers = {name: value for name, value in reply.headers.items() if name not in OF_THE_MOMENT}
    return reply.status_code, OF_THE_BUILD.sub(b"", reply.content), headers


def compare(host: str, reuse: int, requests: int) -> int:
    """Return the number of the first request that was answered differently, or -1; a few are asked at a time."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        fast, plain = (
            running.enter_context(serving(host, component, Path(folder) / component.stem, reuse))
            for component in (COMPONENT, PLAIN.component)
        )
        pool = running.enter_context(ThreadPoolExecutor(AT_A_TIME))
        for numbers in batched(range(requests), BLOCK):
            agreed = pool.map(lambda number: ask(fast, number) == ask(plain, number), numbers)
            different = [number for number, is_same in zip(numbers, agreed, strict=True) if not is_same]
            if different:
                return different[0]
    return -1


def main() -> int:
    """Build both, ask, say how many agreed."""
    parser = argparse.ArgumentParser(prog="python -m tests.cold_long", description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000, help="of each build")
    parser.add_argument("--host", choices=(EMBEDDED, VICEROY), default=VICEROY)
    arguments = parser.parse_args()
    build_component(PLAIN)
    build_component()
    for reuse in (1, 20):
        different = compare(arguments.host, reuse, arguments.requests // 2)
        if different >= 0:
            print(f"gatelet: request {different} is answered differently ({reuse} for a sandbox)", file=sys.stderr)
            return 1
        print(f"gatelet: {arguments.requests // 2:,} replies agree, up to {reuse} for a sandbox")
    return 0


if __name__ == "__main__":
    sys.exit(main())
