"""The specs that are asked.

The usual one is a file of the user's (`--spec`), the real project of the shared vectors where it lies beside the
checkout, or one made up of a seed. The others are the example, and the usual one multiplied under new names.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.large_spec import encode, multiply_spec
from benchmarks.made_spec import make_spec
from devhost.build import ROOT
from devhost.local_config import EXAMPLE_SPEC
from edge.spec.shapes import to_v1

SHARED = ROOT.parent / "shared" / "conformance" / "specs" / "eval_proj.json"
SHARED_GATE, MADE_GATE, EXAMPLE_GATE = "test_50_50", "gate_number_7", "test_fastly"
SMALL, USUAL, LARGE, LARGEST = "0.02 MB", "usual", "4 MB", "10 MB"
MULTIPLIED = {LARGE: 4_000_000, LARGEST: 10_000_000}


@dataclass(frozen=True)
class AskedSpec:
    """A v2 document, and the gate that is asked of it."""

    name: str
    document: dict[str, Any]
    gate: str
    source: str = ""  # where it comes from, for people

    @cached_property
    def text(self) -> bytes:
        """The document as it lies in a store."""
        return encode(self.document)

    @cached_property
    def v1_text(self) -> bytes:
        """The same with conditions where they are used, which the packages for JavaScript read."""
        return encode(to_v1(self.document))


def choose_specs(file: Path | None, gate: str | None) -> dict[str, AskedSpec]:
    """Return every spec that is asked, by name."""
    usual = read_usual(file, gate)
    copies = {name: json.loads(multiply_spec(usual.document, size)) for name, size in MULTIPLIED.items()}
    example = json.loads((ROOT / EXAMPLE_SPEC).read_bytes())
    specs = [AskedSpec(SMALL, example, EXAMPLE_GATE), usual]
    specs += [AskedSpec(name, document, usual.gate) for name, document in copies.items()]
    return {one.name: one for one in specs}


def read_usual(file: Path | None, gate: str | None) -> AskedSpec:
    """Return the spec of a usual size."""
    if file is not None:
        document = json.loads(file.read_bytes())
        return AskedSpec(USUAL, document, gate or next(iter(document["feature_gates"])), file.name)
    if SHARED.is_file():
        return AskedSpec(USUAL, json.loads(SHARED.read_bytes()), SHARED_GATE, "a project of Statsig's own")
    return AskedSpec(USUAL, make_spec(), MADE_GATE, "made up")
