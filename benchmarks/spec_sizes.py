"""What one fresh gate check costs as the spec grows: `python -m benchmarks.spec_sizes [SPEC]`.

For each size and layout: the fuel until the reply, the CPU time of the guest's thread, the reads with a body and their
bytes, and whether the guest gets by with 40 MB of memory. A spec is multiplied under new names, so the gate asked for
is the same in all sizes. CPU time is the median of several runs without counting; fuel is the same in every run.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.fuel import KEY, SECRETS, SPEC_KEY, USER, make_service
from benchmarks.large_spec import encode, multiply_spec
from devhost.build import COMPONENT
from devhost.embedded.fuel import CannotCount, Scenario, count_scenarios
from devhost.embedded.sandbox import Host
from devhost.fastly.hosting import Limits
from devhost.fastly.kv import KvStore, KvValue
from devhost.fastly.service import Service
from devhost.local_config import EXAMPLE_SPEC, ROOT
from devhost.local_store import PAGED, RAW, list_entries

SIZES = (400_000, 4_000_000, 10_000_000)
MEMORY = 40_000_000
RUNS = 7


class NotingStore(KvStore):
    """A KV store that notes the lengths of the values looked up."""

    def __init__(self) -> None:
        super().__init__(now=lambda: 0.0)
        self.lengths: list[int] = []

    def lookup(self, key: str) -> KvValue | None:
        """Return the value of a key."""
        value = super().lookup(key)
        if value is not None:
            self.lengths.append(len(value.content))
        return value


class Cost(NamedTuple):
    """What one fresh check costs; the raw entry is looked up for its generation, its body read in the raw layout."""

    layout: str
    spec_bytes: int
    fuel: int
    cpu_ms: float
    found: int
    least_bytes: int
    fits: bool


def measure(spec: bytes, layout: str, gate: str) -> Cost:
    """Measure one size and layout."""
    body = {"user": USER, "gateName": gate}
    scenario = Scenario("gate", "POST", "/v1/check_gate", body, KEY, expected=b'Recognized"')
    service, store = with_noting_store(spec, layout)
    fuel = count_scenarios(COMPONENT, service, (scenario,))["gate.fresh.before_reply"]
    store.lengths.clear()
    cpu_ms = statistics.median(measure_cpu(service, scenario))
    found = len(store.lengths) // RUNS
    lengths = [length for length in store.lengths[:found] if layout == RAW or length != len(spec)]
    return Cost(layout, len(spec), fuel, cpu_ms, found, sum(lengths), fits(service, scenario))


def with_noting_store(spec: bytes, layout: str) -> tuple[Service, NotingStore]:
    """Return a service whose store notes what is looked up."""
    store = NotingStore()
    for entry in list_entries(SPEC_KEY, spec, layout):
        store.insert(entry.key, entry.value, metadata=entry.metadata)
    settings = {"spec_key": SPEC_KEY, "page_writing_limit_bytes": "0"}
    around = make_service(b"", RAW)
    return Service({"gatelet-specs": store}, {"gatelet": settings}, {"gatelet": SECRETS}, around.backends), store


def measure_cpu(service: Service, scenario: Scenario) -> Iterator[float]:
    """Yield the CPU milliseconds of this process for fresh checks, one after the other."""
    with Host(COMPONENT, service, limits=Limits(requests=1)) as host:
        for _ in range(RUNS):
            exchange = scenario.exchange()
            started = time.process_time()
            host.dispatch(exchange)
            exchange.wait(60.0)
            yield (time.process_time() - started) * 1000


def fits(service: Service, scenario: Scenario) -> bool:
    """Tell whether a check is answered with 40 MB of memory."""
    with Host(COMPONENT, service, limits=Limits(requests=1, memory=MEMORY)) as host:
        exchange = scenario.exchange()
        host.dispatch(exchange)
        response, _ = exchange.wait(60.0)
        return response.status == 200


def read_spec(path: Path) -> dict[str, Any]:
    """Read a v2 spec."""
    spec: dict[str, Any] = json.loads(path.read_bytes())
    return spec


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spec_sizes", description=__doc__)
    parser.add_argument("spec", nargs="?", type=Path, default=ROOT / EXAMPLE_SPEC)
    parser.add_argument("--gate", default="test_fastly")
    arguments = parser.parse_args()
    document = read_spec(arguments.spec)
    print(f"{'layout':7}{'spec bytes':>12}{'fuel':>14}{'cpu ms':>9}{'found':>7}{'bytes':>12}  in 40 MB")
    for layout in (PAGED, RAW):
        for size in SIZES:
            spec = encode(document) if size < len(encode(document)) * 1.5 else multiply_spec(document, size)
            try:
                cost = measure(spec, layout, arguments.gate)
            except CannotCount as problem:
                print(f"{layout:7}{len(spec):12,}  {problem}")
                continue
            print(
                f"{layout:7}{cost.spec_bytes:12,}{cost.fuel:14,}{cost.cpu_ms:9.1f}{cost.found:7}"
                f"{cost.least_bytes:12,}  {'yes' if cost.fits else 'no'}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
