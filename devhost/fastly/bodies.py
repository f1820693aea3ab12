"""Find the body of a function by the name that WIT gives it.

`kv-store#[method]store.lookup` is `lookup` of the object itself, `[static]store.open` is `store_open` and
`await-lookup` is `await_lookup` of the interface. What has no body gets one that fails with the function's name: a
component of the SDK imports some 250 functions and calls few of them.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from devhost.fastly.values import Interface, MissingFunction

type Bound = Callable[..., object]  # takes the interfaces of a sandbox, then what the guest passes


class FunctionBody(NamedTuple):
    """How to call a function, and what was written for it, if anything was."""

    call: Bound
    declared: Callable[..., object] | None


def find_body(interface: str, name: str, interfaces: Mapping[str, type[Interface]]) -> FunctionBody:
    """Find the body of a function, else one that raises `MissingFunction`."""
    owner = interfaces.get(interface, Interface)
    kind, _, rest = name.rpartition("]")
    head, _, tail = rest.replace("-", "_").partition(".")
    if kind == "[method":
        resource = owner.resources.get(rest.partition(".")[0])
        declared, call = getattr(resource, tail, None), call_method(tail)
    else:
        attribute = f"{head}_{tail}" if tail else f"new_{head}" if kind == "[constructor" else head
        declared, call = getattr(owner, attribute, None), call_interface(interface, attribute)
    return FunctionBody(call if declared is not None else fail_missing(f"{interface}#{name}"), declared)


def call_method(attribute: str) -> Bound:
    """Return a body that calls a method of the object which the guest lends."""

    def call(_interfaces: Mapping[str, Interface], target: object, *arguments: object) -> object:
        return getattr(target, attribute)(*arguments)

    return call


def call_interface(interface: str, attribute: str) -> Bound:
    """Return a body that calls a function of the sandbox's interface."""

    def call(interfaces: Mapping[str, Interface], *arguments: object) -> object:
        return getattr(interfaces[interface], attribute)(*arguments)

    return call


def fail_missing(full_name: str) -> Bound:
    """Return a body that says which function is missing."""

    def call(_interfaces: Mapping[str, Interface], *_arguments: object) -> object:
        raise MissingFunction(full_name)

    return call
