"""Carry values between the host's objects and the classes of the generated bindings.

The bindings that the SDK ships say all that is needed in their annotations, so conversions are compiled from those,
once for each function: enums, records and variants have classes there, and names in `devhost/fastly/values.py`. A
resource is an instance of its class with a number, `handle`, in the sandbox's `Handles`; the generated code has the
same attribute and loses it, as here, when the resource is given away.
"""

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from enum import Enum, Flag
from typing import Any, NamedTuple, Union, get_args, get_origin

from devhost.fastly.values import Case, Handles, drop_resource

type Convert = Callable[[Any, Handles], Any]


class Codec(NamedTuple):
    """How a value reaches the host's objects, and how one comes back."""

    lift: Convert
    lower: Convert


def compile_hint(hint: Any, owner: type | None = None) -> Codec:
    """Compile the conversions of an annotation; `owner` is what `Self` means."""
    if hint is str:
        return Codec(check_text, check_text)
    if hint in PLAIN:
        return plain_codec(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        present = tuple(argument for argument in arguments if argument is not type(None))
        inner = compile_hint(present[0], owner) if len(present) == 1 else variant_codec(present)
        return inner if present == arguments else optional_codec(inner)
    if origin is list:
        return list_codec(compile_hint(arguments[0], owner))
    if origin is tuple:
        return tuple_codec([compile_hint(argument, owner) for argument in arguments])
    return class_codec(owner if owner is not None and not isinstance(hint, type) else hint)


PLAIN = (bool, int, float, bytes, None)


def check_text(value: Any, _handles: Handles) -> str:
    """Pass a text; half a character cannot leave the component either."""
    if not isinstance(value, str):
        raise TypeError(f"expected str, got {value!r}")
    value.encode()
    return value


def plain_codec(kind: type | None) -> Codec:
    """Pass what is the same on both sides; a value of another type is refused, as the component's code does."""
    wanted = type(None) if kind is None else kind

    def check(value: Any, _handles: Handles) -> Any:
        if not isinstance(value, wanted):
            raise TypeError(f"expected {wanted.__name__}, got {value!r}")
        return value

    return Codec(check, check)


def optional_codec(inner: Codec) -> Codec:
    """Convert what may be None."""
    lift, lower = inner
    return Codec(
        lambda value, handles: None if value is None else lift(value, handles),
        lambda value, handles: None if value is None else lower(value, handles),
    )


def list_codec(item: Codec) -> Codec:
    """Convert a list."""
    return Codec(
        lambda value, handles: [item.lift(each, handles) for each in value],
        lambda value, handles: [item.lower(each, handles) for each in value],
    )


def tuple_codec(items: list[Codec]) -> Codec:
    """Convert a tuple."""
    return Codec(
        lambda value, handles: tuple(item.lift(each, handles) for item, each in zip(items, value, strict=True)),
        lambda value, handles: tuple(item.lower(each, handles) for item, each in zip(items, value, strict=True)),
    )


def class_codec(kind: type) -> Codec:
    """Convert an instance of a class of the bindings."""
    if issubclass(kind, Flag):
        return flags_codec(kind)
    if issubclass(kind, Enum):
        return enum_codec(kind)
    return record_codec(kind) if dataclasses.is_dataclass(kind) else resource_codec(kind)


def enum_codec(kind: type[Enum]) -> Codec:
    """Convert an enum, whose names are in capitals there."""
    names = {member: member.name.lower().replace("_", "-") for member in kind}
    members = {name: member for member, name in names.items()}
    return Codec(lambda value, _handles: names[value], lambda value, _handles: members[value])


def flags_codec(kind: type[Flag]) -> Codec:
    """Convert flags."""
    members = {member.name.lower().replace("_", "-"): member for member in kind if member.name}

    def lower(value: frozenset[str], _handles: Handles) -> Flag:
        flags = kind(0)
        for name in value:
            flags |= members[name]
        return flags

    return Codec(lambda value, _handles: frozenset(name for name, member in members.items() if member in value), lower)


def record_codec(kind: type) -> Codec:
    """Convert a record: a data class there, a dict with the names of the WIT here."""
    codecs = {field.name: compile_hint(field.type) for field in dataclasses.fields(kind)}
    names = {attribute: attribute.rstrip("_").replace("_", "-") for attribute in codecs}

    def lift(value: Any, handles: Handles) -> dict[str, object]:
        return {names[each]: codec.lift(getattr(value, each), handles) for each, codec in codecs.items()}

    def lower(value: Mapping[str, object], handles: Handles) -> object:
        return kind(**{each: codec.lower(value[names[each]], handles) for each, codec in codecs.items()})

    return Codec(lift, lower)


class VariantClass(NamedTuple):
    """The class that stands for a case of a variant."""

    kind: type
    payload: Codec | None


def variant_codec(kinds: tuple[type, ...]) -> Codec:
    """Convert a variant, which has a class for each case: `KvError_BadRequest` is `bad-request`."""
    cases = {}
    for kind in kinds:
        fields = dataclasses.fields(kind)
        cases[name_case(kind)] = VariantClass(kind, compile_hint(fields[0].type) if fields else None)
    names = {case.kind: name for name, case in cases.items()}

    def lift(value: Any, handles: Handles) -> Case:
        name = names[type(value)]
        payload = cases[name].payload
        return Case(name, payload.lift(value.value, handles) if payload else None)

    def lower(value: Any, handles: Handles) -> object:
        case = value if isinstance(value, Case) else Case(value)
        kind, payload = cases[case.name]
        return kind(payload.lower(case.payload, handles)) if payload else kind()

    return Codec(lift, lower)


def name_case(kind: type) -> str:
    """Return the name that WIT gives a case: `Error_BufferLen` is `buffer-len`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__.partition("_")[2].rstrip("_")).lower()


def resource_codec(kind: type) -> Codec:
    """Lend resources, and give new ones."""

    def lower(value: object, handles: Handles) -> object:
        return adopt(kind, value, handles)

    return Codec(lambda value, handles: handles.get(number_of(value)), lower)


class NotHeld(Exception):
    """The guest used a resource that it gave away or left; in the component this is a trap."""


def number_of(held: Any) -> int:
    """Return the number of a resource; raises `NotHeld`."""
    number: int | None = held.__dict__.get("handle")
    if number is None:
        raise NotHeld(f"this {type(held).__name__} was given away")
    return number


def adopt(kind: Any, value: object, handles: Handles) -> Any:
    """Return what the guest holds for an object of the host's."""
    held: Any = kind.__new__(kind)
    held.handle = handles.add(value)
    held.handles = handles
    return held


def take_resource(held: Any, handles: Handles) -> object:
    """Take a resource that the guest gives away, after which it has it no more."""
    value = handles.take(number_of(held))
    del held.handle
    return value


def release_resource(held: Any) -> bool:
    """Let go of what the guest holds no longer; says whether it held it."""
    number = held.__dict__.pop("handle", None)
    if number is not None and number in held.handles:
        drop_resource(held.handles.take(number))
    return number is not None
