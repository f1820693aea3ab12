"""What a fresh sandbox takes under Viceroy: `python -m benchmarks.cold_request`.

Each subject is a component, what lies in its KV store, and one request. Every request gets a sandbox of its own; the
next one is sent when what follows the reply is over as well. The subjects take turns of some requests each, one
server running at a time, so that what else the machine does meets all alike: compare within one run, never across runs.
Per subject the median over the rounds of: p50 and p95 of the turn, page faults and CPU time of the server's process per
request. Faults repeat to a few; times to a tenth on a machine with other work. `p50 : hello` is p50 over that of the
bare component in Python that replies at once, `guest/hello.py`: the floor of the platform.

    --only NAME            some of the subjects; `hello` is always there
    --spec FILE            a spec of yours as well, in pages: `gate_paged_yours`, asked for its first gate
    --gate NAME            another gate of it
    --add NAME=FILE        another build of the service as well, asked what `gate_paged` asks
    --add-hello NAME=FILE  another component as well, asked GET / and taken as it answers
    --rounds, --requests   how long
    --json FILE            the figures, a list of {name, value, unit, ratio_to, ratio}
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from benchmarks.answers import WrongAnswer
from benchmarks.fuel import LARGE, USER
from benchmarks.large_spec import encode, multiply_spec
from benchmarks.made_spec import make_spec
from benchmarks.sink import running_sink
from benchmarks.timed_server import ADDRESS, TimedServer, Turn, find_free_port, make_request
from devhost.build import COMPONENT, ROOT, SERVICE, BuildFailed, Recipe, build_component
from devhost.hosts import viceroy_command
from devhost.local_config import EXAMPLE_SPEC, derive_config, find_spec_key, read_committed, write_config
from devhost.local_store import PAGED, RAW, list_entries, write_store
from devhost.viceroy import INSTALL_HINT, find_viceroy
from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec

HELLO: Final = Recipe(ROOT / "build" / "hello.wasm", "benchmarks.guest.hello", ("benchmarks/guest",))
FAST_HELLO: Final = Recipe(
    ROOT / "build" / "fast_hello.wasm",
    "benchmarks.guest.fast_hello",
    ("benchmarks/guest", "edge/cold", "edge/host"),
    is_fast=True,
    is_merged=SERVICE.is_merged,
    is_optimized=SERVICE.is_optimized,
)
FLOOR: Final = "hello"
PAUSE: Final = 0.004  # seconds before each request: what follows a reply takes 2 ms
SERVER_KEY: Final = {"statsig-api-key": "secret-local"}


class Store(NamedTuple):
    """What lies in the KV store: a spec of `make_spec_text`, or the path of one, in a layout."""

    spec: str
    layout: str


class Subject(NamedTuple):
    """What is measured."""

    name: str
    component: Path
    store: Store
    request: bytes
    expected: bytes  # what the answer holds when it is the one that is meant


class Summary(NamedTuple):
    """The figures of a subject, per request."""

    p50_ms: float
    p95_ms: float
    faults: float
    cpu_ms: float


def ask_gate(gate: str) -> bytes:
    """Return the check of a gate, with an exposure to send behind the reply."""
    body = encode({"user": USER, "gateName": gate})
    return make_request("POST", "/v1/check_gate", SERVER_KEY, body)


USUAL: Final = Store("usual", PAGED)
HELLO_REQUEST: Final = make_request("GET", "/", {}, b"")
GATE_REQUEST: Final = ask_gate("gate_number_7")
RECOGNIZED: Final = b'Recognized"'
SUBJECTS: Final = (
    Subject(FLOOR, HELLO.component, USUAL, HELLO_REQUEST, b'{"hello":"world"}'),
    Subject("fast_hello", FAST_HELLO.component, USUAL, HELLO_REQUEST, b'{"hello":"world"}'),
    Subject("not_found", COMPONENT, USUAL, make_request("GET", "/nowhere", {}, b""), b" 404 "),
    Subject("gate_paged", COMPONENT, USUAL, GATE_REQUEST, RECOGNIZED),
    Subject("gate_paged_10mb", COMPONENT, Store("large", PAGED), ask_gate("test_fastly"), RECOGNIZED),
    Subject("gate_raw", COMPONENT, Store("usual", RAW), GATE_REQUEST, RECOGNIZED),
    Subject("gate_raw_10mb", COMPONENT, Store("large", RAW), ask_gate("test_fastly"), RECOGNIZED),
)


def make_spec_text(name: str) -> bytes:
    """Return a spec: of a usual size (272 KB), the example spec multiplied to 10 MB, or one in a file."""
    if name == "usual":
        return encode(make_spec())
    if name == "large":
        return multiply_spec(json.loads((ROOT / EXAMPLE_SPEC).read_bytes()), LARGE)
    return Path(name).read_bytes()


def measure(subjects: Sequence[Subject], rounds: int, requests: int) -> dict[str, Summary]:
    """Measure subjects in turns; raises WrongAnswer, or FileNotFoundError without Viceroy."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        events_port = running.enter_context(running_sink())
        servers: dict[tuple[Path, Store], TimedServer] = {}
        for subject in subjects:
            place = subject.component, subject.store
            if place not in servers:
                servers[place] = running.enter_context(
                    start_server(*place, Path(folder) / str(len(servers)), events_port)
                )
            servers[place].take_turn(subject.request, subject.expected, 5, PAUSE)
        turns: dict[str, list[Turn]] = {subject.name: [] for subject in subjects}
        for _ in range(rounds):
            for one in subjects:
                server = servers[one.component, one.store]
                turns[one.name].append(server.take_turn(one.request, one.expected, requests, PAUSE))
    return {name: summarize(taken) for name, taken in turns.items()}


def start_server(component: Path, store: Store, folder: Path, events_port: int) -> TimedServer:
    """Serve a component under Viceroy, a fresh sandbox for each request."""
    viceroy = find_viceroy()
    if viceroy is None:
        raise FileNotFoundError(f"this needs Viceroy: {INSTALL_HINT}")
    committed = read_committed()
    entries = list_entries(find_spec_key(committed), make_spec_text(store.spec), store.layout)
    config = derive_config(
        committed,
        entries=write_store(entries, folder),
        events_url=f"http://{ADDRESS}:{events_port}",
        requests_per_sandbox=1,
    )
    write_config(config, folder / "fastly.toml")
    port = find_free_port()
    return TimedServer(viceroy_command(viceroy, folder / "fastly.toml", port, component), port, folder / "host.log")


def summarize(turns: Sequence[Turn]) -> Summary:
    """Return the medians over the turns of a subject."""
    ordered = [sorted(turn.times_ms) for turn in turns]
    return Summary(
        median(median(times) for times in ordered),
        median(times[len(times) * 95 // 100] for times in ordered),
        median(turn.faults for turn in turns),
        median(turn.cpu_ms for turn in turns),
    )


def describe(figures: Mapping[str, Summary]) -> Iterator[str]:
    """Yield the lines of a table."""
    floor = figures[FLOOR].p50_ms
    yield f"{'':24}{'p50 ms':>8}{'p50 : hello':>13}{'p95 ms':>8}{'faults':>8}{'CPU ms':>8}"
    for name, one in figures.items():
        ratio = one.p50_ms / floor
        yield f"{name:24}{one.p50_ms:8.2f}{ratio:13.2f}{one.p95_ms:8.2f}{one.faults:8.0f}{one.cpu_ms:8.2f}"


def list_measurements(figures: Mapping[str, Summary]) -> list[dict[str, Any]]:
    """Return the figures in the form of the benchmarks' results, each beside that of the bare component."""
    floor = figures[FLOOR]
    kinds = (("p50_ms", "ms"), ("p95_ms", "ms"), ("faults", "page faults"), ("cpu_ms", "ms"))
    return [
        {
            "name": f"cold_request.{name}.{kind}",
            "value": round(getattr(one, kind), 3),
            "unit": unit,
            "ratio_to": f"cold_request.{FLOOR}.{kind}",
            "ratio": round(getattr(one, kind) / getattr(floor, kind), 3) if getattr(floor, kind) else None,
        }
        for name, one in figures.items()
        for kind, unit in kinds
    ]


def read_added(pair: str, request: bytes, expected: bytes) -> Subject:
    """Read a `NAME=FILE` of the command line."""
    name, separator, file = pair.partition("=")
    if not separator or not Path(file).is_file():
        raise SystemExit(f"gatelet: {pair}: expected NAME=FILE, and the file to be there")
    return Subject(name, Path(file), USUAL, request, expected)


def read_spec(file: Path, gate: str | None) -> Subject:
    """Make the subject of a spec in a file, asked for a gate: the first one unless told."""
    try:
        gates = decode_project(json.loads(file.read_bytes())).gates
    except (OSError, ValueError, RecursionError, InvalidSpec) as problem:
        raise SystemExit(f"gatelet: {file}: {problem}") from problem
    asked = min(gates, default="") if gate is None else gate
    if asked not in gates:
        raise SystemExit(f"gatelet: {file} has no gate {asked}")
    return Subject("gate_paged_yours", COMPONENT, Store(str(file.resolve()), PAGED), ask_gate(asked), RECOGNIZED)


def choose_subjects(arguments: argparse.Namespace) -> list[Subject]:
    """Return what the command line asks for."""
    chosen = [one for one in SUBJECTS if not arguments.only or one.name in (FLOOR, *arguments.only)]
    chosen += [] if arguments.spec is None else [read_spec(arguments.spec, arguments.gate)]
    chosen += [read_added(pair, HELLO_REQUEST, b"") for pair in arguments.add_hello]
    return chosen + [read_added(pair, GATE_REQUEST, RECOGNIZED) for pair in arguments.add]


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold_request",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", default=[], choices=[one.name for one in SUBJECTS])
    parser.add_argument("--spec", type=Path, metavar="FILE")
    parser.add_argument("--gate", metavar="NAME", help="of the spec in FILE")
    parser.add_argument("--add", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--add-hello", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=100, help="of one turn")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def main() -> int:
    """Build, measure, print."""
    arguments = read_arguments()
    try:
        chosen = choose_subjects(arguments)
        for recipe in (HELLO, FAST_HELLO, SERVICE):
            if recipe.component in {subject.component for subject in chosen}:
                build_component(recipe)
        figures = measure(chosen, arguments.rounds, arguments.requests)
    except (BuildFailed, WrongAnswer, FileNotFoundError) as problem:
        print(f"gatelet: {problem}", file=sys.stderr)
        return 1
    print("\n".join(describe(figures)))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(list_measurements(figures), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
