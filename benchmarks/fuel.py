"""Count what requests cost: `make fuel`, and `make fuel-accept` to accept what they cost now.

The figures go to `results/fuel.json` and are compared with the accepted ones in `accepted-fuel.json`. What costs over
3 % more fails; what costs as much less is said, so that the accepted figures follow. How the counting works stands in
`devhost/embedded/fuel.py`. A build without all its steps, for which not every machine has the programs, costs more: it
is neither compared nor accepted.

`hello` is the smallest route there is, a 404: nothing but the request is read. `gate` and `initialize` ask a spec of a
usual size (`made_spec.py`, 272 KB), `gate_10mb` the example spec multiplied to 10 MB (`large_spec.py`).
`exposure.fresh` is what a sandbox with one gate check costs more when the check is exposed: collecting, sending and
hearing that the event has arrived. What some figures may not pass, whatever was accepted, stands in `MOST`.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.large_spec import encode, multiply_spec
from benchmarks.made_spec import make_spec
from devhost.build import COMPONENT, ROOT, SERVICE, BuildFailed, build_component, is_complete
from devhost.embedded.fuel import CannotCount, Scenario, compare, count_alone, count_scenarios, find_savings
from devhost.fastly.backends import BackendTarget
from devhost.fastly.kv import KvStore
from devhost.fastly.messages import Header
from devhost.fastly.service import Service
from devhost.local_config import EXAMPLE_SPEC
from devhost.local_store import PAGED, RAW, list_entries
from edge.settings import TOGETHER

RESULTS = ROOT / "benchmarks" / "results" / "fuel.json"
ACCEPTED = ROOT / "benchmarks" / "accepted-fuel.json"
LARGE = 10_000_000
EXPOSURE = "exposure.fresh"
# What may not cost more, whatever was accepted: the first answer of a sandbox, and its exposure.
MOST = {
    "gate_paged.fresh.before_reply": 3_000_000,
    "gate_paged_10mb.fresh.before_reply": 3_000_000,
    EXPOSURE: 1_500_000,
}
SPEC_KEY = "statsig-local"
SETTINGS = {TOGETHER: json.dumps({"spec_key": SPEC_KEY})}
SECRETS = {"client_key": b"client-local", "server_secret": b"secret-local", "statsig_key": b"secret-statsig-local"}
KEY: tuple[Header, ...] = (("statsig-api-key", b"secret-local"),)
USER = {"userID": "a-user", "email": "a-user@example.com", "ip": "192.0.2.1", "custom": {"plan": "team"}}

HELLO = Scenario("hello", "GET", "/nowhere", status=404)


def ask_gate(name: str, gate: str, *, is_exposed: bool = True) -> Scenario:
    """Return the check of one gate that the spec has."""
    off = {} if is_exposed else {"statsigMetadata": {"exposureLoggingDisabled": True}}
    body = {"user": USER, "gateName": gate, **off}
    return Scenario(name, "POST", "/v1/check_gate", body, KEY, expected=b'Recognized"')


def ask_client_response(name: str) -> Scenario:
    """Return what a client SDK asks for when it starts: every answer for one user."""
    return Scenario(name, "POST", "/v1/initialize", {"user": USER}, KEY, expected=b'"has_updates":true')


def ask_all_flags(name: str) -> Scenario:
    """Return what an OpenFeature provider asks for: every answer for one user."""
    body = {"context": {"targetingKey": USER["userID"], "email": USER["email"]}}
    return Scenario(name, "POST", "/ofrep/v1/evaluate/flags", body, KEY, expected=b'"flags":[{')


def count_all(component: Path = COMPONENT) -> dict[str, int]:
    """Return the fuel of every scenario and phase; raises `CannotCount`."""
    figures = count_scenarios(component, make_service(b"", RAW), (HELLO,))
    usual, large = encode(make_spec()), multiply_spec(json.loads((ROOT / EXAMPLE_SPEC).read_bytes()), LARGE)
    for layout in (RAW, PAGED):
        asked = (
            ask_gate(f"gate_{layout}", "gate_number_7"),
            ask_client_response(f"initialize_{layout}"),
            ask_all_flags(f"ofrep_bulk_{layout}"),
        )
        figures |= count_scenarios(component, make_service(usual, layout), asked)
        asked_large = ask_gate(f"gate_{layout}_10mb", "test_fastly")
        figures |= count_scenarios(component, make_service(large, layout), (asked_large,))
    return {**figures, EXPOSURE: count_exposure(component, usual)}


def count_exposure(component: Path, spec: bytes) -> int:
    """Return what exposing one gate check costs a fresh sandbox; raises `CannotCount`."""
    service = make_service(spec, PAGED)
    silent, exposed = count_alone(
        component, service, [ask_gate(EXPOSURE, "gate_number_7", is_exposed=on) for on in (False, True)]
    )
    return exposed - silent


def make_service(spec: bytes, layout: str) -> Service:
    """Return what a service finds around it: a spec in a layout, our settings and keys, and where events go."""
    store = KvStore(now=lambda: 0.0)
    for entry in list_entries(SPEC_KEY, spec, layout):
        store.insert(entry.key, entry.value, metadata=entry.metadata)
    return Service(
        kv_stores={"gatelet-specs": store},
        config_stores={"gatelet": SETTINGS},
        secret_stores={"gatelet": SECRETS},
        backends={"events": BackendTarget("http://events.test")},
    )


def read_figures(path: Path) -> dict[str, int]:
    """Read figures, none when there is no such file."""
    figures: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return figures


def write_figures(path: Path, figures: Mapping[str, int]) -> None:
    """Write figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def judge(figures: Mapping[str, int], accepted: Mapping[str, int]) -> int:
    """Say what changed, and return 1 when something costs more than it may."""
    for name in sorted(figures.keys() ^ accepted.keys()):
        print(f"gatelet: {name} is {'new' if name in figures else 'gone'}; accept that with `make fuel-accept`")
    for line in find_savings(figures, accepted):
        print(f"gatelet: costs less: {line}; accept that with `make fuel-accept`")
    grown = compare(figures, accepted)
    for name, most in MOST.items():
        if figures.get(name, 0) > most:
            grown.append(f"{name}: {figures[name]:,} is more than the {most:,} it may cost")
    for line in grown:
        print(f"gatelet: costs more: {line}", file=sys.stderr)
    return 1 if grown else 0


def main() -> int:
    """Build, count, write, compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuel", description=__doc__)
    parser.add_argument("--accept", action="store_true", help="make these the figures to compare with")
    arguments = parser.parse_args()
    try:
        build_component()
        figures = count_all()
    except (BuildFailed, CannotCount) as problem:
        print(f"gatelet: {problem}", file=sys.stderr)
        return 1
    for name, fuel in figures.items():
        print(f"{fuel:>14,}  {name}")
    write_figures(RESULTS, figures)
    if not is_complete(SERVICE):
        print("gatelet: not compared with the accepted figures, which are those of a build with all steps")
        return judge(figures, figures)
    if arguments.accept:
        write_figures(ACCEPTED, figures)
        return 0
    return judge(figures, read_figures(ACCEPTED))


if __name__ == "__main__":
    sys.exit(main())
