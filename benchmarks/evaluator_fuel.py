"""Count what the evaluator costs in the guest: `python -m benchmarks.evaluator_fuel [--spec FILE] [--write]`.

Fuel is about one per wasm instruction, and the same in every run. Each scenario of `guest/scenarios.py` runs in a
sandbox of its own, so `first` is the first call in a fresh sandbox; every other figure is warm, a mean over users. The
goals are for one project that has 82 gates, 65 configs and 12 layers, and are shown beside whatever was measured.

Without a spec of your own (`--spec` or the variable SPEC) the one of `made_spec.py` is measured, and what grew since
`results/evaluator-fuel.json` was written is named.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.guest.scenarios import SCENARIOS
from benchmarks.made_spec import make_spec
from devhost.build import BuildFailed, Recipe, build_component
from devhost.embedded.fuel import compare
from devhost.embedded.sandbox import Host, Mark
from devhost.embedded.wasi import fixed_world
from devhost.fastly.http import Exchange
from devhost.fastly.messages import Body, Request
from devhost.fastly.service import Service

type Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
RECIPE = Recipe(
    component=ROOT / "build" / "evaluator.wasm",
    entry="benchmarks.guest.entry",
    rooms=("evaluator", "specstore", "edge", "benchmarks/guest"),
)
RESULTS = ROOT / "benchmarks" / "results" / "evaluator-fuel.json"
MARK = "fastly:compute/compute-runtime#get-sandbox-id"
ANSWER_SECONDS = 300.0
# The gate that a fresh sandbox is asked for; a spec without it is asked for its first gate.
GATE = "test_50_50"
GOALS = {
    "check_gate.view_kept": 30_000,
    "check_gate.new_view": 55_000,
    "one_gate.first": 650_000,
    "initialize.v1.warm": 8_000_000,
    "decode_gates": 12_000_000,
}


def count_all(spec: Json) -> dict[str, int]:
    """Return the fuel of everything measured, by name."""
    gate = GATE if GATE in spec["feature_gates"] else next(iter(spec["feature_gates"]))
    whole, part = encode(spec), encode(cut_gate(spec, gate))
    figures: dict[str, int] = {}
    with Host(RECIPE.component, Service(), count_fuel=True, make_world=fixed_world) as host:
        for path in SCENARIOS:
            text = part if path == "/answer-first" else whole
            figures |= run_scenario(host, f"{path}?gate={gate}", text)
    return figures


def encode(document: Json) -> bytes:
    """Write a document as it lies in a KV store: without blanks."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def cut_gate(spec: Json, name: str) -> Json:
    """Return a document of one gate, its conditions and the gates that these refer to."""
    gates: Json = {}
    conditions: Json = {}
    wanted = [name]
    while wanted:
        gate = spec["feature_gates"].get(one := wanted.pop())
        if gate is None or one in gates:
            continue
        gates[one] = gate
        found = {key: spec["condition_map"][key] for rule in gate["rules"] for key in rule["conditions"]}
        conditions |= found
        wanted += [each["targetValue"] for each in found.values() if each["type"] in ("pass_gate", "fail_gate")]
    rest = {"dynamic_configs": {}, "layer_configs": {}, "has_updates": True, "time": spec["time"]}
    return {"feature_gates": gates, "condition_map": conditions, **rest}


def run_scenario(host: Host, target: str, text: bytes) -> dict[str, int]:
    """Run one scenario in a fresh sandbox."""
    exchange = Exchange(Request("POST", f"http://gatelet.test{target}", []), Body(text))
    sandbox = host.start(exchange)
    response, body = exchange.wait(ANSWER_SECONDS)
    answer = b"".join(body.pieces())
    if response.status != 200:
        raise RuntimeError(f"{target}: {answer.decode(errors='replace')}")
    host.join(sandbox)
    return summarize(json.loads(answer), sandbox.trace)


def summarize(pairs: list[tuple[str, int]], trace: list[Mark]) -> dict[str, int]:
    """Return the mean fuel of a unit, by name; what two marks cost with nothing between them is taken off."""
    spent = list(split_marks(trace))
    empty = spent[0]
    found: dict[str, list[float]] = {}
    for (name, units), fuel in zip(pairs[1:], spent[1:], strict=True):
        found.setdefault(name, []).append((fuel - empty) / units)
    return {name: round(mean(figures)) for name, figures in found.items()}


def split_marks(trace: list[Mark]) -> Iterator[int]:
    """Yield the fuel between the two marks of each pair."""
    marks = [mark.fuel for mark in trace if mark.function == MARK]
    yield from (end - start for start, end in zip(marks[::2], marks[1::2], strict=True))


def show(figures: dict[str, int]) -> Iterator[str]:
    """Yield a line for each figure, with its goal."""
    for name, fuel in figures.items():
        goal = GOALS.get(name)
        yield f"{fuel:>14,}  {name}" + ("" if goal is None else f" (goal {goal:,}: {fuel / goal:.2f} of it)")


def main() -> int:
    """Build, count, show; 1 when something of the made spec costs more than it did."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluator_fuel", description=__doc__)
    parser.add_argument("--spec", type=Path, default=os.environ.get("SPEC") or None, help="a v2 document")
    parser.add_argument("--write", action="store_true", help="make these the figures to compare with")
    arguments = parser.parse_args()
    try:
        build_component(RECIPE)
    except BuildFailed as problem:
        print(f"gatelet: the measuring component could not be built:\n{problem}", file=sys.stderr)
        return 1
    spec = make_spec() if arguments.spec is None else json.loads(arguments.spec.read_bytes())
    figures = count_all(spec)
    print("\n".join(show(figures)))
    if arguments.spec is not None:
        return 0
    if arguments.write:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        return 0
    grown = compare(figures, json.loads(RESULTS.read_text(encoding="utf-8")))
    for line in grown:
        print(f"gatelet: costs more: {line}", file=sys.stderr)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
