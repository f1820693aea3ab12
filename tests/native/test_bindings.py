"""The stand-in offers what the component's own bindings offer: names, parameters, types, and who owns what."""

import ast
import importlib
import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Union, get_args, get_origin

import pytest
from wasmtime import component

from devhost.build import COMPONENT
from devhost.embedded.codec import make_engine
from devhost.embedded.linker import list_imports
from devhost.embedded.program import load_compiled
from devhost.fastly.service import FASTLY_INTERFACES
from devhost.local_config import ROOT
from devhost.native.bindings import OWNED, Trap, calling, importable, load_bindings
from devhost.native.client import Client
from devhost.native.sandbox import Sandbox

DECLARED = ROOT / "wit" / "bindings"
FASTLY = "fastly:compute/"


class Imported(NamedTuple):
    interface: str
    name: str
    kind: component.FuncType


@pytest.fixture(scope="module")
def imported() -> list[Imported]:
    """Every function of Fastly's that the built component imports, which is what the builder generated."""
    engine = make_engine()
    loaded = load_compiled(engine, COMPONENT, count_fuel=False)
    return [
        Imported(found.interface.removeprefix(FASTLY), found.name, found.item)
        for _, imports in list_imports(loaded, engine)
        for found in imports
        if isinstance(found.item, component.FuncType) and found.interface.startswith(FASTLY)
    ]


def find_offered(interface: str, name: str) -> Any:
    """What the stand-in has for a function of the component."""
    place: Any = load_bindings()[f"wit_world.imports.{to_python(interface)}"]
    kind, _, rest = name.rpartition("]")
    if kind:
        resource, _, rest = rest.partition(".")
        place = getattr(place, "".join(word.capitalize() for word in resource.split("-")))
    return getattr(place, to_python(rest) or "__init__")


def to_python(name: str) -> str:
    return name.replace("-", "_")


def test_every_imported_function_is_offered_with_the_same_parameters(imported: list[Imported]) -> None:
    assert len(imported) > 200
    for function in imported:
        offered = inspect.signature(find_offered(function.interface, function.name)).parameters
        names = [name.rstrip("_") for name in offered][1 if function.name.startswith("[constructor]") else 0 :]
        assert names == [to_python(name) for name, _ in function.kind.params], function.name


def test_what_a_function_takes_away_is_what_the_component_gives_away(imported: list[Imported]) -> None:
    owning = {
        f"{interface}#{name}": tuple(
            place for place, (_, passed) in enumerate(kind.params) if isinstance(passed, component.OwnType)
        )
        for interface, name, kind in imported
        if FASTLY + interface in FASTLY_INTERFACES
    }
    assert {name: places for name, places in owning.items() if places} == OWNED


def test_a_function_that_can_fail_is_known_to(imported: list[Imported]) -> None:
    """The bindings say so in a docstring only, which is where the stand-in reads it."""
    for interface, name, kind in imported:
        documented = "Raises: `componentize_py_types.Err(" in (find_offered(interface, name).__doc__ or "")
        assert documented == isinstance(kind.result, component.ResultType), f"{interface}#{name}"


def list_declared() -> list[str]:
    return sorted(path.relative_to(DECLARED).with_suffix("").as_posix() for path in DECLARED.rglob("*.pyi"))


def execute(path: Path) -> types.ModuleType:
    """A file of declarations, which is Python, as a module."""
    module = types.ModuleType(path.stem)
    with importable():
        exec(compile(ast.parse(path.read_text(encoding="utf-8")), str(path), "exec"), module.__dict__)
    return module


def normalize(hint: Any) -> Any:
    """An annotation without its spelling: `Optional[Tuple[X]]` is `tuple[X] | None`; a class counts by its name."""
    if hint is None or hint is type(None):
        return "None"
    origin = get_origin(hint)
    if origin is None:
        return getattr(hint, "__name__", str(hint))
    kind = "union" if origin in (Union, types.UnionType) else origin.__name__
    return kind, *(normalize(argument) for argument in get_args(hint))


def list_members(place: Any, owner: types.ModuleType) -> Iterator[tuple[str, Any]]:
    for name, member in vars(place).items():
        if inspect.isfunction(getattr(place, name)) or inspect.ismethod(getattr(place, name)):
            if getattr(place, name).__module__ == owner.__name__ and name not in ("__enter__", "__exit__"):
                yield name, getattr(place, name)
        elif inspect.isclass(member) and member.__module__ == owner.__name__:
            for inner, function in list_members(member, owner):
                yield f"{name}.{inner}", function


@pytest.mark.parametrize("declared", [name for name in list_declared() if "/imports/" in name])
def test_what_we_declare_for_the_type_checker_is_offered(declared: str) -> None:
    module = execute(DECLARED / f"{declared}.pyi")
    if declared.endswith("__init__"):
        return
    members = list(list_members(module, module))
    assert members
    for name, function in members:
        offered: Any = load_bindings()[declared.replace("/", ".")]
        for part in name.split("."):
            offered = getattr(offered, part)
        ours, theirs = inspect.signature(function), inspect.signature(offered)
        assert list(ours.parameters) == list(theirs.parameters), name
        for parameter in ours.parameters:
            if parameter not in ("self", "extra"):
                expected = normalize(theirs.parameters[parameter].annotation)
                assert normalize(ours.parameters[parameter].annotation) == expected, f"{name}({parameter})"
        if not name.endswith("__init__"):
            assert normalize(ours.return_annotation) == normalize(theirs.return_annotation), name


def test_the_bindings_can_be_imported_only_when_asked_for() -> None:
    with importable():
        store = importlib.import_module("wit_world.imports.kv_store").Store
    assert store is load_bindings()["wit_world.imports.kv_store"].Store
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("wit_world.imports.kv_store")


@pytest.fixture
def sandbox(client: Client) -> Iterator[Sandbox]:
    """A sandbox in which a test is the guest."""
    made = client.begin()
    with calling(made):
        yield made


def bindings(name: str) -> Any:
    return load_bindings()[f"wit_world.imports.{name}"]


def test_a_function_without_a_body_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(Trap, match=re.escape("fastly:compute/acl#[static]acl.open")):
        bindings("acl").Acl.open("list")
    assert not sandbox.trace


def test_a_resource_that_was_given_away_is_gone(sandbox: Sandbox) -> None:
    first, second = bindings("http_body").new(), bindings("http_body").new()
    bindings("http_body").append(first, second)
    with pytest.raises(Trap, match="given away"):
        bindings("http_body").read(second, 1)
    assert bindings("http_body").read(first, 1) == b""
    assert len(sandbox.handles) == 1


def test_a_resource_is_let_go_when_the_guest_forgets_it(sandbox: Sandbox) -> None:
    body = bindings("http_body").new()
    assert len(sandbox.handles) == 1
    del body
    assert len(sandbox.handles) == 0


def test_a_resource_is_let_go_at_the_end_of_its_block(sandbox: Sandbox) -> None:
    with bindings("http_req").Request.new() as request:
        request.set_method("PUT")
    assert len(sandbox.handles) == 0
    with pytest.raises(Trap, match="given away"):
        request.get_method(10)


def test_an_argument_may_be_named(sandbox: Sandbox) -> None:
    body = bindings("http_body").new()
    assert bindings("http_body").write(buf=b"abc", body=body) == 3
    assert sandbox.trace[-1] == "fastly:compute/http-body#write"


def test_an_argument_of_another_type_is_refused(sandbox: Sandbox) -> None:
    body = bindings("http_body").new()
    with pytest.raises(Trap, match="expected bytes, got 'text'"):
        bindings("http_body").write(body, "text")
    assert len(sandbox.handles) == 1


def test_errors_are_the_classes_of_the_bindings(sandbox: Sandbox) -> None:
    failure = load_bindings()["componentize_py_types"].Err
    with pytest.raises(failure) as missing:
        bindings("kv_store").Store.open("nowhere")
    assert missing.value.value is bindings("types").OpenError.NOT_FOUND
    store = bindings("kv_store").Store.open("gatelet-specs")
    with pytest.raises(failure) as refused:
        store.lookup("..")
    assert refused.value.value == bindings("kv_store").KvError_BadRequest()
    request = bindings("http_req").Request.new()
    with pytest.raises(failure) as short:
        request.get_uri(0)
    assert short.value.value == bindings("types").Error_BufferLen(1)
    assert sandbox.failure is None
