"""Bind interfaces to a component.

A component names every function it imports, with its types, so nothing is written twice: this module walks the
imports and gives each the body that `devhost/fastly/bodies.py` finds by its name.

One linker serves all sandboxes and threads. Which sandbox is calling is kept for each thread: wasm calls back on the
thread that entered it.
"""

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple, Protocol

from wasmtime import Engine, component

from devhost.embedded.codec import ResourceIds, compile_signature, define_function, define_resource
from devhost.fastly.bodies import find_body
from devhost.fastly.values import Handles, Interface, drop_resource


class Guest(Protocol):
    """What a call from the guest needs to know of its sandbox."""

    handles: Handles
    interfaces: Mapping[str, Interface]
    failure: BaseException | None

    def mark(self, function: str) -> None:
        """Note that the guest calls this function."""


class Import(NamedTuple):
    """One item that the component imports: a function or a resource type."""

    interface: str  # without version: `fastly:compute/kv-store`
    name: str
    item: component.ComponentItem


_current = threading.local()


def enter_guest(guest: Guest, call: Callable[[], object]) -> object:
    """Run a call into wasm whose calls back belong to this guest."""
    _current.guest = guest
    try:
        return call()
    finally:
        _current.guest = None


def run_call(function: str, call: Callable[[Handles], None]) -> BaseException | None:
    """Run a call from the guest; what it raises is kept in the sandbox and returned.

    Everything is caught, also what is no `Exception`: nothing may leave a callback.
    """
    guest: Guest = _current.guest
    try:
        guest.mark(function)
        call(guest.handles)
    except BaseException as problem:  # noqa: BLE001
        guest.failure = problem
        return problem
    return None


def list_imports(loaded: component.Component, engine: Engine) -> Iterator[tuple[str, list[Import]]]:
    """List what a component imports, by the versioned name of the interface."""
    for full_name, extern in loaded.type.imports(engine).items():
        kind = extern.ty
        if not isinstance(kind, component.ComponentInstanceType):
            raise TypeError(f"the component imports {full_name}, which is no interface")
        interface = full_name.partition("@")[0]
        yield full_name, [Import(interface, name, item.ty) for name, item in kind.exports(engine).items()]


def make_body(found: Import, interfaces: Mapping[str, type[Interface]]) -> Callable[..., object]:
    """Return what runs when the guest calls an imported function."""
    call, declared = find_body(found.interface, found.name, interfaces)
    if declared is not None:
        check_arity(found, declared)

    def body(*arguments: object) -> object:
        return call(_current.guest.interfaces, *arguments)

    return body


def check_arity(found: Import, declared: Callable[..., object]) -> None:
    """Raise `TypeError` when a body written by hand does not take what the component passes."""
    if not isinstance(found.item, component.FuncType):
        raise TypeError(f"{found.name} is no function")
    passed = len(found.item.params) + (0 if found.name.startswith("[method]") else 1)
    taken = len(inspect.signature(declared).parameters)
    if passed != taken:
        raise TypeError(f"{found.interface}#{found.name} passes {passed - 1} values, {declared} takes {taken - 1}")


class Linked(NamedTuple):
    """A component whose imports all have bodies."""

    linker: component.Linker
    resource_ids: ResourceIds
    callbacks: list[object]  # wasm holds bare pointers to them


def link(loaded: component.Component, engine: Engine, interfaces: Mapping[str, type[Interface]]) -> Linked:
    """Give every import of a component a body."""
    linked = Linked(component.Linker(engine), ResourceIds(), [])
    for full_name, imports in list_imports(loaded, engine):
        with linked.linker.root() as root, root.add_instance(full_name) as instance:
            for found in imports:
                linked.callbacks.extend(define(instance, found, linked.resource_ids, interfaces))
    return linked


def define(
    instance: component.LinkerInstance, found: Import, ids: ResourceIds, interfaces: Mapping[str, type[Interface]]
) -> Iterator[object]:
    """Define one import: a resource or a function; other types need no definition."""
    name = f"{found.interface}#{found.name}"
    run = partial(run_call, name)
    if isinstance(found.item, component.ResourceType):
        yield define_resource(instance, found.name, ids.find(found.item), drop_resource, run)
    elif isinstance(found.item, component.FuncType):
        signature = compile_signature(found.item, ids)
        yield define_function(instance, found.name, signature, make_body(found, interfaces), run)
