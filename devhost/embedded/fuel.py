"""Count the instructions that requests cost: `python -m devhost.embedded.fuel`.

Fuel is about one per wasm instruction, and host code costs none, so in a world that never differs (`fixed_world`) the
figures are the same in every run: a check that a noisy machine cannot spoil. They hold for one component and one
wasmtime; a rebuilt component may differ by a little.

Each scenario gives its fuel until the reply and after it, for the first request of a sandbox (`fresh`) and for a later
one (`warm`). The figures are compared with those in `benchmarks/results/fuel.json`, then written there with `--write`.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devhost.embedded.sandbox import Host, Mark, Sandbox
from devhost.embedded.wasi import fixed_world
from devhost.fastly.backends import BackendTarget
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange
from devhost.fastly.kv import KvStore
from devhost.fastly.messages import Body, Header, Request
from devhost.fastly.service import Service

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "fuel.json"
ALLOWED_GROWTH = 0.03
REPLY = "fastly:compute/http-resp#send-downstream"
NEXT_REQUEST = "fastly:compute/http-downstream#await-request"
ANSWER_SECONDS = 60.0
SECRETS = {"client_key": b"client-local", "server_secret": b"secret-local", "statsig_key": b"secret-statsig-local"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A request whose cost is counted."""

    name: str
    method: str
    target: str
    body: object = None

    def request(self) -> Exchange:
        """Return the request."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers: list[Header] = [("host", b"gatelet.test"), ("statsig-api-key", b"secret-local")]
        return Exchange(Request(self.method, f"http://gatelet.test{self.target}", headers), Body(content))


USER = {"userID": "a-user"}
SCENARIOS = (
    Scenario("not_found", "GET", "/nowhere"),
    Scenario("healthz", "GET", "/healthz"),
    Scenario("gate_raw", "GET", "/gate?name=test_fastly&userID=a-user"),
    Scenario("check_gate_raw", "POST", "/v1/check_gate", {"user": USER, "gateName": "test_fastly"}),
)


def make_service(spec: Path) -> Service:
    """Return a service without anything that could differ: its events backend takes no connection."""
    store = KvStore(now=lambda: 0.0)
    store.insert("statsig-local", spec.read_bytes())
    settings = {"spec_key": "statsig-local", "open_gate_check": "true"}
    return Service(
        kv_stores={"gatelet-specs": store},
        config_stores={"gatelet": settings},
        secret_stores={"gatelet": SECRETS},
        backends={"events": BackendTarget("http://127.0.0.1:9")},
    )


def count_scenarios(component: Path, spec: Path) -> dict[str, int]:
    """Return the fuel of every scenario and phase."""
    service = make_service(spec)
    figures: dict[str, int] = {}
    with Host(
        component,
        service,
        limits=Limits(requests=2),
        count_fuel=True,
        make_world=fixed_world,
    ) as host:
        host.faults.fail("send", "generic-error")  # nothing leaves, and nothing that a network does is counted
        for scenario in SCENARIOS:
            figures |= count_scenario(host, scenario)
    return figures


def count_scenario(host: Host, scenario: Scenario) -> dict[str, int]:
    """Send the request twice to one sandbox, and return what each cost."""
    before = len(host.ended)
    first, second = scenario.request(), scenario.request()
    sandbox = host.start(first, then=second)
    for exchange in (first, second):
        response, _ = exchange.wait(ANSWER_SECONDS)
        if response.status >= 500:
            raise RuntimeError(f"{scenario.name}: the component answered {response.status}")
    host.join(sandbox)
    if len(host.ended) != before + 1:
        raise RuntimeError(f"{scenario.name}: the two requests did not share a sandbox")
    return dict(split_phases(scenario.name, sandbox))


def split_phases(name: str, sandbox: Sandbox) -> Iterator[tuple[str, int]]:
    """Split a sandbox's fuel at its replies and at the request between them."""
    ends = [Mark("", 0), *(mark for mark in sandbox.trace if mark.function in (REPLY, NEXT_REQUEST))]
    phases = ("fresh_until_reply", "fresh_after_reply", "warm_until_reply")
    for phase, start, end in zip(phases, ends, ends[1:], strict=False):
        yield f"{name}.{phase}", end.fuel - start.fuel


def compare(figures: dict[str, int], committed: dict[str, int]) -> list[str]:
    """List what costs more than it did, by more than is allowed."""
    return [
        f"{name}: {committed[name]:,} -> {fuel:,} (+{fuel / committed[name] - 1:.1%})"
        for name, fuel in figures.items()
        if fuel > committed.get(name, fuel) * (1 + ALLOWED_GROWTH)
    ]


def main() -> int:
    """Count, compare and say what grew; 1 when something did."""
    parser = argparse.ArgumentParser(prog="python -m devhost.embedded.fuel", description=__doc__)
    parser.add_argument("--wasm", type=Path, default=ROOT / "bin" / "main.wasm")
    parser.add_argument("--spec", type=Path, default=ROOT / "examples" / "spec.json")
    parser.add_argument("--write", action="store_true", help="make these the figures to compare with")
    arguments = parser.parse_args()
    figures = count_scenarios(arguments.wasm, arguments.spec)
    committed: dict[str, int] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for name, fuel in figures.items():
        print(f"{fuel:>14,}  {name}")
    grown = compare(figures, committed)
    for line in grown:
        print(f"gatelet: costs more: {line}", file=sys.stderr)
    if arguments.write or not committed:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        return 0
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
