"""Check at start that wasmtime still carries values as `codec.py` expects.

A component of a few lines takes a value, hands it to the host and returns what the host returned. Its function and the
host's have the same flat signature, so its core module only passes numbers on. The tests of the codec use it too, with
other types.
"""

from collections.abc import Callable
from typing import NamedTuple

from wasmtime import Store, component

from devhost.embedded.codec import (
    ResourceIds,
    call_export,
    compile_signature,
    define_function,
    make_engine,
)
from devhost.fastly.values import Case, Err, Handles


class CodecBroken(Exception):
    """This release of wasmtime does not work with the codec."""


class Echo(NamedTuple):
    """Types, the last of which is passed; the core types it becomes; and a value of it."""

    types: dict[str, str]
    core: str
    value: object


MIXED = Echo(
    {
        "colour": '(enum "red" "dark-red")',
        "either": '(variant (case "none") (case "number" u64))',
        "mixed": '(record (field "text" string) (field "all-bytes" (list u8)) (field "maybe" (option u32))'
        ' (field "colour" $colour) (field "either" $either))',
    },
    "i32 i32 i32 i32 i32 i32 i32 i32 i64",
    {
        "text": "grün",
        "all-bytes": bytes(range(256)) * 4,
        "maybe": None,
        "colour": "dark-red",
        "either": Case("number", 1 << 63),
    },
)


def write_component(echo: Echo) -> str:
    """Write a component that imports and exports `echo: func(value: t) -> result<t, t>`."""
    passed = list(echo.types)[-1]
    signature = f'(param "value" ${passed}) (result (result ${passed} (error ${passed})))'
    types = "".join(f'(type $new-{name} {wat}) (export "{name}" (type ${name} (eq $new-{name})))'
                    for name, wat in echo.types.items())  # fmt: skip
    aliases = "".join(f'(alias export $host "{name}" (type ${name}))' for name in echo.types)
    arguments = " ".join(f"(local.get {number})" for number, _ in enumerate(echo.core.split()))
    return f"""(component
      (import "host" (instance $host {types} (export "echo" (func {signature}))))
      {aliases}
      (alias export $host "echo" (func $echo))
      (core module $memory (memory (export "memory") 8) (global $next (mut i32) (i32.const 1024))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $start i32)
          (local.set $start (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
          (global.set $next (i32.add (local.get $start) (local.get 3)))
          (local.get $start)))
      (core instance $memory (instantiate $memory))
      (alias core export $memory "memory" (core memory $mem))
      (alias core export $memory "realloc" (core func $realloc))
      (core func $lowered (canon lower (func $echo) (memory $mem) (realloc $realloc)))
      (core module $pass (import "host" "echo" (func $echo (param {echo.core} i32)))
        (func (export "echo") (param {echo.core}) (result i32) (call $echo {arguments} (i32.const 8)) (i32.const 8)))
      (core instance $pass (instantiate $pass (with "host" (instance (export "echo" (func $lowered))))))
      (alias core export $pass "echo" (core func $passed))
      (func (export "echo") {signature} (canon lift (core func $passed) (memory $mem) (realloc $realloc))))"""


def pass_through(echo: Echo, body: Callable[[object], object]) -> object:
    """Pass the value to the guest, which passes it to the body, and return what comes back."""
    engine = make_engine()
    loaded = component.Component(engine, write_component(echo))
    linker, ids, handles = component.Linker(engine), ResourceIds(), Handles()
    raised: list[BaseException] = []

    def run(call: Callable[[Handles], None]) -> BaseException | None:
        try:
            call(handles)
        except BaseException as problem:  # noqa: BLE001  # nothing may leave a callback
            raised.append(problem)
            return problem
        return None

    host = loaded.type.imports(engine)["host"].ty
    assert isinstance(host, component.ComponentInstanceType)  # noqa: S101  # by the text above
    function = host.exports(engine)["echo"].ty
    assert isinstance(function, component.FuncType)  # noqa: S101
    signature = compile_signature(function, ids)
    with linker.root() as root, root.add_instance("host") as instance:
        callback = define_function(instance, "echo", signature, body, run)
    with Store(engine) as store:
        store.set_epoch_deadline(1)
        guest = linker.instantiate(store, loaded).get_func(store, "echo")
        assert guest is not None  # noqa: S101
        returned = call_export(guest, signature, store, handles, echo.value)
    del callback  # wasm held a bare pointer to it until here
    return returned


def fail_with(value: object) -> object:
    """Fail as a host function does, with a value."""
    raise Err(value)


def check_codec() -> None:
    """Raise `CodecBroken` unless a value of many types survives, as a result and as an error."""
    returned = pass_through(MIXED, lambda value: value)
    failed = pass_through(MIXED, fail_with)
    if returned != MIXED.value or not isinstance(failed, Err) or failed.payload != MIXED.value:
        raise CodecBroken(f"passed {MIXED.value}, got {returned} and {failed}; is wasmtime the version we pin?")
