"""What one fresh gate check costs as the spec grows: `python -m benchmarks.spec_sizes [SPEC]`.

For each size and layout: the fuel until the reply, the reads with a body and their bytes, whether the guest gets by
with 40 MB of memory, and CPU time. That is what the thread of the sandbox used under the embedded host, from its start
to its reply, the median of some fresh ones; the host's own functions, which are Python, are in it, so Fastly's vCPU is
less. A spec is multiplied under new names, so the gate asked for is the same in all sizes.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.fuel import SECRETS, SPEC_KEY, ask_gate, make_service
from benchmarks.large_spec import encode, multiply_spec
from devhost.build import COMPONENT
from devhost.embedded.fuel import ANSWER_SECONDS, REPLY, CannotCount, Scenario, count_scenario
from devhost.embedded.sandbox import Host, Sandbox
from devhost.embedded.wasi import fixed_world
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange
from devhost.fastly.kv import KvStore, KvValue
from devhost.fastly.service import Service, prepare_backends
from devhost.local_config import EXAMPLE_SPEC, ROOT
from devhost.local_store import PAGED, RAW, list_entries

SIZES = (400_000, 4_000_000, 10_000_000)
MEMORY = 40_000_000
ENOUGH = 128_000_000
TIMED = 9


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


class TimedSandbox(Sandbox):
    """A sandbox that notes the CPU time of its thread."""

    def run_guest(self) -> None:
        """Run the guest to its end."""
        self.started_ns = self.replied_ns = time.thread_time_ns()
        super().run_guest()

    def mark(self, function: str) -> None:
        """Note a call from the guest."""
        super().mark(function)
        if function == REPLY:
            self.replied_ns = time.thread_time_ns()


class TimedHost(Host):
    """Runs the built component in sandboxes that are timed."""

    def make_sandbox(self, exchange: Exchange, number: int, then: Exchange | None) -> Sandbox:
        """Make a sandbox, its instance still to come."""
        return TimedSandbox(self, exchange, number, then)


class Cost(NamedTuple):
    """What one fresh check costs; in the paged layout the raw entry is looked up, but its body is not read."""

    fuel: int
    reads: int
    read_bytes: int
    fits: bool
    cpu_ms: float


def measure(spec: bytes, layout: str, gate: str) -> Cost:
    """Measure one size and layout; raises CannotCount when even the memory that Fastly gives is not enough."""
    scenario = ask_gate("gate", gate)
    service, store = with_noting_store(spec, layout)
    try:
        fuel, fits = count_fuel(service, scenario, MEMORY), True
    except CannotCount:
        store.lengths.clear()
        fuel, fits = count_fuel(service, scenario, ENOUGH), False
    read = [length for length in store.lengths if layout == RAW or length != len(spec)]
    return Cost(fuel, len(read), sum(read), fits, time_checks(service, scenario))


def time_checks(service: Service, scenario: Scenario) -> float:
    """Return the milliseconds of CPU time that a fresh check takes."""
    taken: list[float] = []
    with TimedHost(COMPONENT, prepare_backends(service), limits=Limits(requests=1)) as host:
        for _ in range(TIMED):
            exchange = scenario.exchange()
            sandbox = host.start(exchange)
            exchange.wait(ANSWER_SECONDS)
            host.join(sandbox)
            if isinstance(sandbox, TimedSandbox):
                taken.append((sandbox.replied_ns - sandbox.started_ns) / 1e6)
    return median(taken)


def count_fuel(service: Service, scenario: Scenario, memory: int) -> int:
    """Return the fuel of a fresh check until its reply, within so much memory; raises CannotCount."""
    limits = Limits(requests=2, memory=memory)
    with Host(COMPONENT, prepare_backends(service), limits=limits, count_fuel=True, make_world=fixed_world) as host:
        return count_scenario(host, scenario)["gate.fresh.before_reply"]


def with_noting_store(spec: bytes, layout: str) -> tuple[Service, NotingStore]:
    """Return a service whose store notes what is looked up."""
    store = NotingStore()
    for entry in list_entries(SPEC_KEY, spec, layout):
        store.insert(entry.key, entry.value, metadata=entry.metadata)
    settings = {"spec_key": SPEC_KEY, "page_writing_limit_bytes": "0"}
    around = make_service(b"", RAW)
    return Service({"gatelet-specs": store}, {"gatelet": settings}, {"gatelet": SECRETS}, around.backends), store


def read_spec(path: Path) -> dict[str, Any]:
    """Read a v2 spec."""
    spec: dict[str, Any] = json.loads(path.read_bytes())
    return spec


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spec_sizes", description=__doc__)
    parser.add_argument("spec", nargs="?", type=Path, default=ROOT / EXAMPLE_SPEC)
    parser.add_argument("--gate", default="test_fastly")
    parser.add_argument("--layout", action="append", choices=(PAGED, RAW), help="only this one")
    arguments = parser.parse_args()
    document = read_spec(arguments.spec)
    print(f"{'layout':7}{'spec bytes':>12}{'fuel':>14}{'reads':>7}{'bytes':>12}{'CPU ms':>9}  in 40 MB")
    for layout in arguments.layout or (PAGED, RAW):
        for size in SIZES:
            spec = encode(document) if size < len(encode(document)) * 1.5 else multiply_spec(document, size)
            cost = measure(spec, layout, arguments.gate)
            fits = "yes" if cost.fits else "no"
            figures = f"{cost.fuel:14,}{cost.reads:7}{cost.read_bytes:12,}{cost.cpu_ms:9.2f}  {fits}"
            print(f"{layout:7}{len(spec):12,}{figures}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
