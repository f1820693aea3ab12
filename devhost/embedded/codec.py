"""Carry values between Python and a component.

wasmtime's own conversion returns the wrong case for common WIT shapes (`result<option<own T>, E>` cannot return its
error), takes about a microsecond for each byte of a `list<u8>`, and keeps a host function's exception in one variable
of the process, where another thread finds it. So this module compiles its own closures, once for each component type,
over wasmtime's private ffi module. It is the only one that touches it; the version is pinned for its sake, and
`selftest.py` fails at start when a release changes what is used here. Which Python value stands for what is written in
`devhost/fastly/values.py`.

Memory: wasmtime frees a host function's arguments and results after the call, so lifting only reads and lowering only
allocates. The kind of a value is written last: until then wasmtime sees a bool and frees nothing.
"""

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from wasmtime import Config, Engine, Store, WasmtimeError, component
from wasmtime import _ffi as ffi

from devhost.fastly.values import Case, Err, Handles

type Lift = Callable[[Any, Call], object]  # reads a wasmtime value
type Lower = Callable[[Any, Any, Call], None]  # writes a Python value into a wasmtime value

VALUE_SIZE = ctypes.sizeof(ffi.wasmtime_component_val_t)
PAYLOAD_OFFSET = ffi.wasmtime_component_val_t.of.offset


class Call(NamedTuple):
    """What resources need to cross over: wasmtime's context and the handles of the sandbox."""

    context: Any
    handles: Handles


class ResourceIds:
    """Numbers for resource types; types that the component calls equal share one (every pollable is the same)."""

    def __init__(self) -> None:
        self._known: list[component.ResourceType] = []

    def find(self, resource: component.ResourceType) -> int:
        """Return the number of a type, a new one when it was not seen before."""
        for number, known in enumerate(self._known):
            if known == resource:
                return number
        self._known.append(resource)
        return len(self._known) - 1


class Signature(NamedTuple):
    """The compiled conversions of one function."""

    lift_arguments: tuple[Lift, ...]
    lower_arguments: tuple[Lower, ...]
    lift_result: Lift | None
    lower_result: Lower | None


def compile_signature(function: component.FuncType, ids: ResourceIds) -> Signature:
    """Compile the conversions that a function needs."""
    arguments = [compile_type(kind, ids) for _, kind in function.params]
    result = compile_type(function.result, ids) if function.result is not None else (None, None)
    return Signature(tuple(lift for lift, _ in arguments), tuple(lower for _, lower in arguments), *result)


def compile_type(kind: component.ValType, ids: ResourceIds) -> tuple[Lift, Lower]:
    """Compile the two conversions of a type."""
    scalar = SCALARS.get(type(kind))
    if scalar is not None:
        return scalar_codec(*scalar)
    return COMPOUNDS[type(kind)](kind, ids)


def scalar_codec(field: str, tag: ctypes.c_uint8, check: type | tuple[type, ...]) -> tuple[Lift, Lower]:
    """Convert what fits into one field; ctypes would cut a number that is too large, so a changed one is refused."""

    def lift(value: Any, _call: Call) -> object:
        return getattr(value.of, field)

    def lower(python: Any, value: Any, _call: Call) -> None:
        if not isinstance(python, check):
            raise TypeError(f"{field} cannot carry {python!r}")
        setattr(value.of, field, python)
        if isinstance(python, int) and getattr(value.of, field) != python:
            raise ValueError(f"{python} is out of range for {field}")
        value.kind = tag.value

    return lift, lower


SCALARS: dict[type, tuple[str, ctypes.c_uint8, type | tuple[type, ...]]] = {
    component.Bool: ("boolean", ffi.WASMTIME_COMPONENT_BOOL, bool),
    component.S8: ("s8", ffi.WASMTIME_COMPONENT_S8, int),
    component.S16: ("s16", ffi.WASMTIME_COMPONENT_S16, int),
    component.S32: ("s32", ffi.WASMTIME_COMPONENT_S32, int),
    component.S64: ("s64", ffi.WASMTIME_COMPONENT_S64, int),
    component.U8: ("u8", ffi.WASMTIME_COMPONENT_U8, int),
    component.U16: ("u16", ffi.WASMTIME_COMPONENT_U16, int),
    component.U32: ("u32", ffi.WASMTIME_COMPONENT_U32, int),
    component.U64: ("u64", ffi.WASMTIME_COMPONENT_U64, int),
    component.F32: ("f32", ffi.WASMTIME_COMPONENT_F32, (int, float)),
    component.F64: ("f64", ffi.WASMTIME_COMPONENT_F64, (int, float)),
}


def read_name(name: Any) -> str:
    """Read wasmtime's text."""
    return ctypes.string_at(name.data, name.size).decode() if name.size else ""


def write_name(text: str, name: Any) -> None:
    """Allocate wasmtime's text."""
    raw = text.encode()
    ffi.wasm_byte_vec_new(ctypes.byref(name), len(raw), (ctypes.c_uint8 * len(raw)).from_buffer_copy(raw))


def string_codec(_kind: Any, _ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert text."""

    def lift(value: Any, _call: Call) -> object:
        return read_name(value.of.string)

    def lower(python: Any, value: Any, _call: Call) -> None:
        write_name(python, value.of.string)
        value.kind = ffi.WASMTIME_COMPONENT_STRING.value

    return lift, lower


def char_codec(_kind: Any, _ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert one character."""

    def lift(value: Any, _call: Call) -> object:
        return chr(value.of.character)

    def lower(python: Any, value: Any, _call: Call) -> None:
        value.of.character = ord(python)
        value.kind = ffi.WASMTIME_COMPONENT_CHAR.value

    return lift, lower


def list_codec(kind: Any, ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert a list, bytes in one strided copy."""
    if isinstance(kind.element, component.U8):
        return lift_bytes, lower_bytes
    lift_item, lower_item = compile_type(kind.element, ids)

    def lift(value: Any, call: Call) -> object:
        items = value.of.list
        return [lift_item(items.data[i], call) for i in range(items.size)]

    def lower(python: Any, value: Any, call: Call) -> None:
        items = ffi.wasmtime_component_vallist_t()
        ffi.wasmtime_component_vallist_new_uninit(ctypes.byref(items), len(python))
        for i, item in enumerate(python):
            lower_item(item, items.data[i], call)
        value.of.list = items
        value.kind = ffi.WASMTIME_COMPONENT_LIST.value

    return lift, lower


def lift_bytes(value: Any, _call: Call) -> bytes:
    """Read bytes that stand `VALUE_SIZE` apart."""
    size = value.of.list.size
    if not size:
        return b""
    values = (ctypes.c_uint8 * (size * VALUE_SIZE)).from_address(ctypes.addressof(value.of.list.data.contents))
    return memoryview(values)[PAYLOAD_OFFSET::VALUE_SIZE].tobytes()


def lower_bytes(python: Any, value: Any, _call: Call) -> None:
    """Write bytes `VALUE_SIZE` apart, each with its kind."""
    if not isinstance(python, bytes | bytearray):
        raise TypeError(f"list<u8> cannot carry {type(python).__name__}")
    size = len(python)
    items = ffi.wasmtime_component_vallist_t()
    ffi.wasmtime_component_vallist_new_uninit(ctypes.byref(items), size)
    if size:
        values = bytearray(size * VALUE_SIZE)
        values[0::VALUE_SIZE] = bytes([ffi.WASMTIME_COMPONENT_U8.value]) * size
        values[PAYLOAD_OFFSET::VALUE_SIZE] = python
        ctypes.memmove(items.data, (ctypes.c_uint8 * len(values)).from_buffer(values), len(values))
    value.of.list = items
    value.kind = ffi.WASMTIME_COMPONENT_LIST.value


def tuple_codec(kind: Any, ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert a tuple."""
    codecs = [compile_type(element, ids) for element in kind.elements]

    def lift(value: Any, call: Call) -> object:
        return tuple(lift_item(value.of.tuple.data[i], call) for i, (lift_item, _) in enumerate(codecs))

    def lower(python: Any, value: Any, call: Call) -> None:
        items = ffi.wasmtime_component_valtuple_t()
        ffi.wasmtime_component_valtuple_new_uninit(ctypes.byref(items), len(codecs))
        for i, ((_, lower_item), item) in enumerate(zip(codecs, python, strict=True)):
            lower_item(item, items.data[i], call)
        value.of.tuple = items
        value.kind = ffi.WASMTIME_COMPONENT_TUPLE.value

    return lift, lower


def record_codec(kind: Any, ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert a record, whose fields wasmtime keeps in the order of the WIT."""
    fields = [(name, *compile_type(field, ids)) for name, field in kind.fields]

    def lift(value: Any, call: Call) -> object:
        return {name: lift_item(value.of.record.data[i].val, call) for i, (name, lift_item, _) in enumerate(fields)}

    def lower(python: Any, value: Any, call: Call) -> None:
        entries = ffi.wasmtime_component_valrecord_t()
        ffi.wasmtime_component_valrecord_new_uninit(ctypes.byref(entries), len(fields))
        for i, (name, _, lower_item) in enumerate(fields):
            write_name(name, entries.data[i].name)
            lower_item(python[name], entries.data[i].val, call)
        value.of.record = entries
        value.kind = ffi.WASMTIME_COMPONENT_RECORD.value

    return lift, lower


def boxed(python: object, lower: Lower, call: Call) -> Any:
    """Put a value where options, results and variants point to."""
    inner = ffi.wasmtime_component_val_t()
    lower(python, inner, call)
    return ffi.wasmtime_component_val_new(ctypes.byref(inner))


def option_codec(kind: Any, ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert an option."""
    lift_item, lower_item = compile_type(kind.payload, ids)

    def lift(value: Any, call: Call) -> object:
        return lift_item(value.of.option.contents, call) if value.of.option else None

    def lower(python: Any, value: Any, call: Call) -> None:
        value.of.option = None if python is None else boxed(python, lower_item, call)
        value.kind = ffi.WASMTIME_COMPONENT_OPTION.value

    return lift, lower


def result_codec(kind: Any, ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert a result: the value itself, or an `Err`."""
    codecs = {True: optional_type(kind.ok, ids), False: optional_type(kind.err, ids)}

    def lift(value: Any, call: Call) -> object:
        is_ok = bool(value.of.result.is_ok)
        codec = codecs[is_ok]
        payload = codec[0](value.of.result.val.contents, call) if codec else None
        return payload if is_ok else Err(payload)

    def lower(python: Any, value: Any, call: Call) -> None:
        is_ok = not isinstance(python, Err)
        codec = codecs[is_ok]
        payload = python if is_ok else python.payload
        if codec is None and payload is not None:
            raise TypeError(f"this result carries nothing, not {payload!r}")
        value.of.result.is_ok = is_ok
        value.of.result.val = boxed(payload, codec[1], call) if codec else None
        value.kind = ffi.WASMTIME_COMPONENT_RESULT.value

    return lift, lower


def optional_type(kind: component.ValType | None, ids: ResourceIds) -> tuple[Lift, Lower] | None:
    """Compile the conversions of a payload that may be absent."""
    return None if kind is None else compile_type(kind, ids)


def variant_codec(kind: Any, ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert a variant; lowering takes the bare name of a case without payload too."""
    codecs = {name: optional_type(payload, ids) for name, payload in kind.cases}

    def lift(value: Any, call: Call) -> object:
        name = read_name(value.of.variant.discriminant)
        codec = codecs[name]
        return Case(name, codec[0](value.of.variant.val.contents, call) if codec else None)

    def lower(python: Any, value: Any, call: Call) -> None:
        case = python if isinstance(python, Case) else Case(python)
        if case.name not in codecs:
            raise ValueError(f"{case.name!r} is no case of {sorted(codecs)}")
        codec = codecs[case.name]
        pointer = boxed(case.payload, codec[1], call) if codec else None
        write_name(case.name, value.of.variant.discriminant)
        value.of.variant.val = pointer
        value.kind = ffi.WASMTIME_COMPONENT_VARIANT.value

    return lift, lower


def enum_codec(kind: Any, _ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert an enum."""
    names = frozenset(kind.names)

    def lift(value: Any, _call: Call) -> object:
        return read_name(value.of.enumeration)

    def lower(python: Any, value: Any, _call: Call) -> None:
        if python not in names:
            raise ValueError(f"{python!r} is none of {sorted(names)}")
        write_name(python, value.of.enumeration)
        value.kind = ffi.WASMTIME_COMPONENT_ENUM.value

    return lift, lower


def flags_codec(kind: Any, _ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert flags."""
    names = frozenset(kind.names)

    def lift(value: Any, _call: Call) -> object:
        flags = value.of.flags
        return frozenset(read_name(flags.data[i]) for i in range(flags.size))

    def lower(python: Any, value: Any, _call: Call) -> None:
        if not names.issuperset(python):
            raise ValueError(f"{sorted(python)} are not all of {sorted(names)}")
        flags = ffi.wasmtime_component_valflags_t()
        ffi.wasmtime_component_valflags_new_uninit(ctypes.byref(flags), len(python))
        for i, name in enumerate(sorted(python)):
            write_name(name, flags.data[i])
        value.of.flags = flags
        value.kind = ffi.WASMTIME_COMPONENT_FLAGS.value

    return lift, lower


def resource_codec(kind: Any, ids: ResourceIds) -> tuple[Lift, Lower]:
    """Convert handles: `own` moves the object over, `borrow` lends it."""
    number = ids.find(kind.ty)
    is_owned = isinstance(kind, component.OwnType)

    def lift(value: Any, call: Call) -> object:
        host = ctypes.POINTER(ffi.wasmtime_component_resource_host_t)()
        raise_error(ffi.wasmtime_component_resource_any_to_host(call.context, value.of.resource, ctypes.byref(host)))
        rep = ffi.wasmtime_component_resource_host_rep(host)
        ffi.wasmtime_component_resource_host_delete(host)
        return call.handles.take(rep) if is_owned else call.handles.get(rep)

    def lower(python: Any, value: Any, call: Call) -> None:
        host = ffi.wasmtime_component_resource_host_new(is_owned, call.handles.add(python), number)
        handle = ctypes.POINTER(ffi.wasmtime_component_resource_any_t)()
        error = ffi.wasmtime_component_resource_host_to_any(call.context, host, ctypes.byref(handle))
        ffi.wasmtime_component_resource_host_delete(host)
        raise_error(error)
        value.of.resource = handle
        value.kind = ffi.WASMTIME_COMPONENT_RESOURCE.value

    return lift, lower


COMPOUNDS: dict[type, Callable[[Any, ResourceIds], tuple[Lift, Lower]]] = {
    component.String: string_codec,
    component.Char: char_codec,
    component.ListType: list_codec,
    component.TupleType: tuple_codec,
    component.RecordType: record_codec,
    component.OptionType: option_codec,
    component.ResultType: result_codec,
    component.VariantType: variant_codec,
    component.EnumType: enum_codec,
    component.FlagsType: flags_codec,
    component.OwnType: resource_codec,
    component.BorrowType: resource_codec,
}


def make_engine(*, count_fuel: bool = False) -> Engine:
    """Make an engine for components whose calls come from many threads."""
    config = Config()
    config.consume_fuel = count_fuel
    config.epoch_interruption = True
    # With it, wasmtime 50.0.1 fails on a list of two borrowed handles ("deferred host scope has no call context"): the
    # probe `select` of tests/hosts traps.
    ffi.wasmtime_config_concurrency_support_set(config.ptr(), False)
    return Engine(config)


def raise_error(pointer: Any) -> None:
    """Raise the error that wasmtime returned, if it did."""
    if pointer:
        raise WasmtimeError._from_ptr(pointer)  # noqa: SLF001  # there is no public way


# Below: functions that wasm calls, and one that calls wasm.

type Run = Callable[[Callable[[Handles], None]], BaseException | None]

_no_finalizer = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(0)


def trap_for(problem: BaseException | None) -> int:
    """Return what a callback returns: 0, or an error for wasmtime that names the problem's class."""
    if problem is None:
        return 0
    error = ffi.wasmtime_error_new(f"host function failed: {type(problem).__name__}: {problem}".encode())
    return cast("int", ctypes.cast(error, ctypes.c_void_p).value)


def define_function(
    instance: component.LinkerInstance, name: str, signature: Signature, body: Callable[..., object], run: Run
) -> object:
    """Add a host function to the linker; the returned object must live as long as the linker.

    `run` gets the whole of the call as a function of the sandbox's handles. It must return what that raised: an
    exception that leaves a ctypes callback is lost, and one that is no `Exception` ends the process.
    """

    def callback(_data: Any, context: Any, _type: Any, arguments: Any, _n: int, results: Any, _m: int) -> int:
        def call_body(handles: Handles) -> None:
            call = Call(context, handles)
            values = [lift(arguments[i], call) for i, lift in enumerate(signature.lift_arguments)]
            try:
                result = body(*values)
            except Err as err:
                result = err
            if signature.lower_result is not None:
                signature.lower_result(result, results[0], call)
            elif result is not None:
                raise TypeError(f"{name} returns nothing, not {result!r}")

        return trap_for(run(call_body))

    pointer = ffi.wasmtime_component_func_callback_t(callback)
    raw = name.encode()
    raise_error(
        ffi.wasmtime_component_linker_instance_add_func(
            instance.ptr(), ctypes.create_string_buffer(raw), len(raw), pointer, None, _no_finalizer
        )
    )
    return pointer


def define_resource(
    instance: component.LinkerInstance, name: str, number: int, drop: Callable[[object], None], run: Run
) -> object:
    """Add a resource type to the linker; `drop` gets each object that the guest lets go."""

    def callback(_data: Any, _context: Any, rep: int) -> int:
        return trap_for(run(lambda handles: drop(handles.take(rep))))

    pointer = ffi.wasmtime_component_resource_destructor_t(callback)
    raw = name.encode()
    kind = component.ResourceType.host(number)
    raise_error(
        ffi.wasmtime_component_linker_instance_add_resource(
            instance.ptr(), ctypes.create_string_buffer(raw), len(raw), kind.ptr(), pointer, None, _no_finalizer
        )
    )
    return pointer


def call_export(
    function: component.Func, signature: Signature, store: Store, handles: Handles, *arguments: object
) -> object:
    """Call the guest; raises `WasmtimeError` when it traps."""
    call = Call(store._context(), handles)  # noqa: SLF001  # there is no public way
    callee = ctypes.byref(function._func)  # noqa: SLF001  # nor here
    values = (ffi.wasmtime_component_val_t * len(arguments))()
    for lower, value, argument in zip(signature.lower_arguments, values, arguments, strict=True):
        lower(argument, value, call)
    results = (ffi.wasmtime_component_val_t * 1)()
    count = 0 if signature.lift_result is None else 1
    try:
        raise_error(ffi.wasmtime_component_func_call(callee, call.context, values, len(arguments), results, count))
        return signature.lift_result(results[0], call) if signature.lift_result else None
    finally:
        for value in (*values, *results):
            ffi.wasmtime_component_val_delete(ctypes.byref(value))
