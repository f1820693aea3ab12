"""What one fresh gate check costs as the spec grows: `python -m benchmarks.spec_sizes [SPEC]`.

For each size and layout: the fuel until the reply, the reads with a body and their bytes, and whether the guest gets by
with 40 MB of memory. A spec is multiplied under new names, so the gate asked for is the same in all sizes.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.fuel import SECRETS, SPEC_KEY, ask_gate, make_service
from benchmarks.large_spec import encode, multiply_spec
from devhost.build import COMPONENT
from devhost.embedded.fuel import CannotCount, Scenario, count_scenario
from devhost.embedded.sandbox import Host
from devhost.embedded.wasi import fixed_world
from devhost.fastly.hosting import Limits
from devhost.fastly.kv import KvStore, KvValue
from devhost.fastly.service import Service, prepare_backends
from devhost.local_config import EXAMPLE_SPEC, ROOT
from devhost.local_store import PAGED, RAW, list_entries

SIZES = (400_000, 4_000_000, 10_000_000)
MEMORY = 40_000_000
ENOUGH = 128_000_000


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
    """What one fresh check costs; in the paged layout the raw entry is looked up, but its body is not read."""

    fuel: int
    reads: int
    read_bytes: int
    fits: bool


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
    return Cost(fuel, len(read), sum(read), fits)


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
    print(f"{'layout':7}{'spec bytes':>12}{'fuel':>14}{'reads':>7}{'bytes':>12}  in 40 MB")
    for layout in arguments.layout or (PAGED, RAW):
        for size in SIZES:
            spec = encode(document) if size < len(encode(document)) * 1.5 else multiply_spec(document, size)
            cost = measure(spec, layout, arguments.gate)
            fits = "yes" if cost.fits else "no"
            print(f"{layout:7}{len(spec):12,}{cost.fuel:14,}{cost.reads:7}{cost.read_bytes:12,}  {fits}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
