"""What repeats to the instruction: fuel and reads of one fresh check, counted in the embedded host.

Of a peer only the bytes are known: the whole spec, in one look-up.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from benchmarks.comparison import services
from benchmarks.comparison.plan import Case
from benchmarks.comparison.specs import AskedSpec
from benchmarks.comparison.verdicts import describe_case
from benchmarks.fuel import ask_gate
from benchmarks.host_calls import list_calls
from benchmarks.spec_sizes import with_noting_store
from devhost.embedded.fuel import REPLY
from devhost.local_store import PAGED, RAW

LOOK_UP: Final = "fastly:compute/kv-store#[method]store.lookup"  # and `lookup-async`
PEERS: Final = (services.LITE_FRESH, services.SERVERLESS_FRESH)


class StoreCost(NamedTuple):
    """What one fresh check costs until its reply."""

    fuel: int | None  # instructions
    lookups: int
    read_bytes: int


def count_store_costs(asked: Mapping[str, AskedSpec]) -> dict[Case, StoreCost]:
    """Return the cost of a fresh check of each spec, by whom it is asked."""
    costs: dict[Case, StoreCost] = {}
    for name, spec in asked.items():
        costs |= {Case(peer, spec=name): StoreCost(None, 1, len(spec.v1_text)) for peer in PEERS}
        for service, layout in ((services.PAGED_FRESH, PAGED), (services.RAW_FRESH, RAW)):
            costs[Case(service, spec=name)] = count_cost(spec, layout)
    return costs


def count_cost(spec: AskedSpec, layout: str) -> StoreCost:
    """Count one check of ours; what the guest logs meanwhile is of no interest here. Raises CannotCount."""
    service, store = with_noting_store(spec.text, layout)
    with contextlib.redirect_stderr(io.StringIO()):
        calls = list_calls(service, ask_gate("gate", spec.gate))
    until_reply = calls[: 1 + [call.function for call in calls].index(REPLY)]
    lookups = sum(call.function.startswith(LOOK_UP) for call in until_reply)
    # In pages, the raw entry is looked up for its generation; its body is not read.
    read = [length for length in store.lengths if layout == RAW or length != len(spec.text)]
    return StoreCost(sum(call.fuel for call in until_reply), lookups, sum(read))


def list_costs(costs: Mapping[Case, StoreCost]) -> Iterator[dict[str, Any]]:
    """Yield one object per measurement; bytes beside those that statsig-node-lite reads."""
    for case, cost in costs.items():
        baseline = case._replace(service=services.LITE_FRESH)
        yield {**name_cost(case, "fuel"), "value": cost.fuel, "unit": "instructions"}
        yield {**name_cost(case, "look-ups"), "value": cost.lookups, "unit": "look-ups"}
        ratio = round(cost.read_bytes / costs[baseline].read_bytes, 4)
        compared = {"ratio_to": f"{describe_case(baseline)}, read", "ratio": ratio}
        yield {**name_cost(case, "read"), "value": cost.read_bytes, "unit": "bytes", **compared}


def name_cost(case: Case, what: str) -> dict[str, Any]:
    """Return the name of a measurement, compared with nothing."""
    return {"name": f"{describe_case(case)}, {what}", "value": None, "unit": "", "ratio_to": None, "ratio": None}
