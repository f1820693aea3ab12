"""The modules `wit_world` and `componentize_py_types`, made of the bindings that the SDK ships.

Those have every class and signature of the generated code, and bodies that only raise. This module loads its own copy
and puts the host's bodies in, so nothing of the interfaces is written a second time. They are nowhere to be imported
from but inside `importable`.

Which sandbox calls is kept for each thread. What the host raises that is no `Err` would be a trap in the component,
which no code of the guest can catch: here it becomes a `Trap`, which is no `Exception`.
"""

import importlib
import inspect
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Protocol

from devhost.fastly.bodies import find_body
from devhost.fastly.service import FASTLY_INTERFACES
from devhost.fastly.values import Err, Handles, Interface, MissingFunction
from devhost.native.convert import Codec, compile_hint, release_resource, take_resource

IMPORTS = "wit_world.imports"
NAMES = ("wit_world", "componentize_py_types")
RAISES = re.compile(r"Raises: `componentize_py_types\.Err\(wit_world\.imports\.(\w+)\.(\w+)\)`")

# The parameters that take a resource away from the guest; annotations do not tell. Everything else is lent.
OWNED: Mapping[str, tuple[int, ...]] = {
    "backend#register-dynamic-backend": (2,),
    "http-body#append": (1,),
    "http-body#close": (0,),
    "http-downstream#await-request": (0,),
    "http-req#await-response": (0,),
    "http-req#close": (0,),
    "http-req#send": (0, 1),
    "http-req#send-async": (0, 1),
    "http-req#send-async-streaming": (0,),
    "http-req#send-async-uncached": (0, 1),
    "http-req#send-async-uncached-streaming": (0,),
    "http-req#send-uncached": (0, 1),
    "http-resp#close": (0,),
    "http-resp#send-downstream": (0, 1),
    "http-resp#send-downstream-streaming": (0,),
    "kv-store#[method]store.insert": (2,),
    "kv-store#[method]store.insert-async": (2,),
    "kv-store#await-delete": (0,),
    "kv-store#await-insert": (0,),
    "kv-store#await-list": (0,),
    "kv-store#await-lookup": (0,),
}


class Trap(BaseException):
    """The host failed; in the component this ends the sandbox at once."""


class Guest(Protocol):
    """What a call from the guest needs to know of its sandbox."""

    handles: Handles
    interfaces: Mapping[str, Interface]

    def mark(self, function: str) -> None:
        """Note that the guest calls this function."""


_current = threading.local()


@contextmanager
def calling(guest: Guest) -> Iterator[None]:
    """Let the bindings' functions, called on this thread, belong to a sandbox."""
    outer = getattr(_current, "guest", None)
    _current.guest = guest
    try:
        yield
    finally:
        _current.guest = outer


def select_modules(packages: tuple[str, ...]) -> dict[str, ModuleType]:
    """Return the modules that are one of these or inside one, among those that are imported."""
    alike = [name for name in list(sys.modules) if name.startswith(packages)]
    inside = tuple(f"{package}." for package in packages)
    return {name: sys.modules[name] for name in alike if name in packages or name.startswith(inside)}


@contextmanager
def replaced_modules(packages: tuple[str, ...], modules: Mapping[str, ModuleType]) -> Iterator[None]:
    """Let these modules be the ones to import under these names, and afterwards those that were before."""
    before = select_modules(packages)
    for name in before:
        del sys.modules[name]
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in select_modules(packages):
            del sys.modules[name]
        sys.modules.update(before)


@contextmanager
def importable() -> Iterator[None]:
    """Let `wit_world` and `componentize_py_types` be imported meanwhile."""
    with replaced_modules(NAMES, load_bindings()):
        yield


def find_shipped() -> Path:
    """Find the bindings in the SDK, without importing it: it looks for `wit_world` and complains."""
    spec = find_spec("fastly_compute")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the native host needs the bindings that the package fastly-compute ships")
    return Path(spec.origin).parent / "testing" / "stubs"


@cache
def load_bindings() -> dict[str, ModuleType]:
    """Load the bindings and give their functions bodies."""
    folder = find_shipped()
    with replaced_modules(NAMES, {}):
        sys.path.insert(0, str(folder))
        try:
            for path in sorted((folder / IMPORTS.replace(".", "/")).glob("*.py")):
                importlib.import_module(IMPORTS if path.stem == "__init__" else f"{IMPORTS}.{path.stem}")
            importlib.import_module("wit_world.exports")
        finally:
            sys.path.remove(str(folder))
        loaded = select_modules(NAMES)
    for name, module in loaded.items():
        if name.startswith(f"{IMPORTS}."):
            bind_module(module, loaded)
    return loaded


def bind_module(module: ModuleType, loaded: Mapping[str, ModuleType]) -> None:
    """Put bodies into the functions of an interface and the methods of its resources."""
    interface = to_wit(module.__name__.rpartition(".")[2])
    for name, member in list(vars(module).items()):
        if isinstance(member, FunctionType) and member.__module__ == module.__name__:
            setattr(module, name, bind(interface, to_wit(name), member, loaded))
        elif isinstance(member, type) and member.__module__ == module.__name__ and "__exit__" in vars(member):
            bind_resource(interface, member, loaded)


def bind_resource(interface: str, kind: Any, loaded: Mapping[str, ModuleType]) -> None:
    """Put bodies into the methods of a resource, and let go of it when the guest does."""
    resource = to_wit(re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower())
    for name, member in list(vars(kind).items()):
        if isinstance(member, classmethod):
            static = bind(interface, f"[static]{resource}.{to_wit(name)}", member.__func__, loaded, kind)
            setattr(kind, name, classmethod(static))
        elif name == "__init__":  # no resource that a host has a body for is made by a constructor
            kind.__init__ = refuse(f"fastly:compute/{interface}#[constructor]{resource}", member)
        elif isinstance(member, FunctionType) and not name.startswith("__"):
            setattr(kind, name, bind(interface, f"[method]{resource}.{to_wit(name)}", member, loaded, kind))

    def leave(self: Any, *_problem: object) -> None:
        if not release_resource(self):
            raise TypeError(f"this {type(self).__name__} was given away")  # the generated code fails so too

    kind.__exit__ = leave
    kind.__del__ = release_resource


def to_wit(name: str) -> str:
    """Return the name as WIT writes it."""
    return name.rstrip("_").replace("_", "-")


def bind(
    interface: str, name: str, shipped: Any, loaded: Mapping[str, ModuleType], owner: type | None = None
) -> Callable[..., object]:
    """Return a function with the signature of the shipped one, and the host's body."""
    full_name = f"fastly:compute/{interface}#{name}"
    body, declared = find_body(f"fastly:compute/{interface}", name, FASTLY_INTERFACES)
    if declared is None:
        return refuse(full_name, shipped)
    signature = inspect.signature(shipped)
    check_arity(full_name, signature, declared)
    skipped = 1 if name.startswith("[static]") else 0
    lifts = compile_arguments(f"{interface}#{name}", signature, owner)[skipped:]
    result = compile_hint(signature.return_annotation, owner)
    error = compile_error(shipped, loaded)
    raised: Any = loaded["componentize_py_types"].Err

    @wraps(shipped)
    def call(*arguments: object, **named: object) -> object:
        guest: Guest = _current.guest
        given = signature.bind(*arguments, **named).args if named else arguments
        guest.mark(full_name)
        try:
            values = [lift(value, guest.handles) for lift, value in zip(lifts, given[skipped:], strict=True)]
            return result.lower(body(guest.interfaces, *values), guest.handles)
        except Err as problem:
            if error is None:
                raise Trap(f"{full_name} cannot return {problem.payload!r}") from problem
            failure = raised(error.lower(problem.payload, guest.handles))
        except Exception as problem:  # kept as the cause, as the embedded host keeps it
            raise Trap(f"{full_name} failed: {type(problem).__name__}: {problem}") from problem
        raise failure

    return call


def refuse(full_name: str, shipped: FunctionType) -> Callable[..., object]:
    """Return a function that says that it has no body."""

    @wraps(shipped)
    def call(*_arguments: object, **_named: object) -> object:
        raise Trap(f"this host does not have {full_name}") from MissingFunction(full_name)

    return call


def check_arity(full_name: str, signature: inspect.Signature, declared: Callable[..., object]) -> None:
    """Raise `TypeError` when a body does not take what the shipped function takes."""
    taken = len(inspect.signature(declared).parameters) - (0 if "]" in full_name else 1)
    if taken != len(signature.parameters):
        raise TypeError(f"{full_name} has {signature}, {declared} does not")


def compile_arguments(name: str, signature: inspect.Signature, owner: type | None) -> list[Callable[..., object]]:
    """Compile what a function's arguments need on their way to the host."""
    hints = [parameter.annotation for parameter in signature.parameters.values()]
    if owner is not None:
        hints[0] = owner  # `self`, or the class itself, which has no annotation
    owned = OWNED.get(name, ())
    return [take_resource if place in owned else compile_hint(hint, owner).lift for place, hint in enumerate(hints)]


def compile_error(shipped: FunctionType, loaded: Mapping[str, ModuleType]) -> Codec | None:
    """Compile the error that a function raises, which only its docstring names."""
    found = RAISES.search(shipped.__doc__ or "")
    return compile_hint(getattr(loaded[f"{IMPORTS}.{found[1]}"], found[2])) if found else None
