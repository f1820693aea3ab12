"""What repeats to the instruction: fuel and reads of one fresh check, counted in the embedded host."""

from collections.abc import Iterator
from typing import Any

from benchmarks.comparison.specs import AskedSpec
from benchmarks.spec_sizes import measure
from devhost.local_store import PAGED, RAW


def count_store_costs(spec: AskedSpec) -> Iterator[dict[str, Any]]:
    """Yield one object per measurement; of a peer only the bytes are known, the whole spec in one read."""
    for layout in (PAGED, RAW):
        cost = measure(spec.text, layout, spec.gate)
        figures = (
            ("fuel", cost.fuel, "instructions"),
            ("reads", cost.reads, "reads"),
            ("read", cost.read_bytes, "bytes"),
        )
        for name, value, unit in figures:
            ratio = round(value / len(spec.v1_text), 4) if unit == "bytes" else None
            yield {
                "name": f"gatelet {layout}, fresh, check, {name}",
                "value": value,
                "unit": unit,
                "ratio_to": "the spec that a peer reads whole" if ratio is not None else None,
                "ratio": ratio,
            }
