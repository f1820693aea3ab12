"""Bytes are passed to the host where they lie, tried on a runtime small enough to write here."""

import pytest
from wasmtime import Engine, Func, FuncType, Instance, Memory, Module, Store, wat2wasm

from devhost.after_link.binary import COMPONENT, CORE, Malformed, Section, read_sections, write_binary
from devhost.after_link.passed_bytes import POP, pass_in_place

MAGIC = b"\0asm"
CALL, BYTES, OTHER = 7, 1, 0
OUT, LENGTH, ALLOCATED, FRAME = 64, 68, 72, 128
OBJECT, COPY = 4096, 8192
# It copies a list of bytes and leaves the address of the copy, none of another list, and returns the number of items.
COPYING = """
    local.get $number
    i32.const 1
    call $allocate
    local.set $copy
    local.get $frame
    call $ask
    block
      local.get $number
      i32.eqz
      br_if 0
      local.get $copy
      local.get $frame
      i32.load offset=8
      local.get $number
      memory.copy
    end
"""


def runtime_that(copies: str) -> str:
    return f"""
(module
  (import "env" "unused" (func))
  (memory (export "memory") 1)
  (func $allocate (param $number i32) (param $alignment i32) (result i32)
    (i32.store (i32.const {ALLOCATED}) (local.get $number))
    (i32.const {COPY}))
  (func $ask (param $frame i32)
    (i32.store offset=8 (local.get $frame) (i32.const {OBJECT})))
  (func $pop (param $call i32) (param $kind i32) (param $out i32) (result i32)
    (local $frame i32) (local $number i32) (local $copy i32)
    (local.set $frame (i32.const {FRAME}))
    (local.set $number (i32.load (i32.const {LENGTH})))
    (if (local.get $kind) (then {copies}))
    (i32.store (local.get $out) (local.get $copy))
    (local.get $number))
  (export "{POP}" (func $pop)))
"""


RUNTIME = runtime_that(COPYING)
ANOTHER = '(module (import "env" "unused" (func)) (func $some (result i32) i32.const 1) (export "some" (func $some)))'


def component_of(*modules: str) -> bytes:
    sections = [Section(1, bytes(wat2wasm(module))) for module in modules]
    return write_binary(MAGIC + COMPONENT, [Section(0, b"\4note"), *sections])


def modules_of(component: bytes) -> list[bytes]:
    return [section.content for section in read_sections(component) if section.kind == 1]


class Running:
    """The runtime, instantiated, with an object in its memory."""

    def __init__(self, module: bytes, content: bytes) -> None:
        self.store = Store(Engine())
        made = Module(self.store.engine, module)
        unused = Func(self.store, FuncType([], []), lambda: None)
        exports = Instance(self.store, made, [unused]).exports(self.store)
        memory, pop = exports["memory"], exports[POP]
        assert isinstance(memory, Memory)
        assert isinstance(pop, Func)
        self.memory, self.pop = memory, pop
        self.memory.write(self.store, content, OBJECT)
        self.memory.write(self.store, len(content).to_bytes(4, "little"), LENGTH)

    def word(self, at: int) -> int:
        return int.from_bytes(self.memory.read(self.store, at, at + 4), "little")

    def take(self, kind: int) -> tuple[int, int]:
        """Take a list; returns where its bytes are, and how many."""
        number: int = self.pop(self.store, CALL, kind, OUT)
        return self.word(OUT), number


def changed(content: bytes) -> Running:
    another, runtime = modules_of(pass_in_place(component_of(ANOTHER, RUNTIME)))
    assert another == bytes(wat2wasm(ANOTHER))
    return Running(runtime, content)


def test_runtime_copies_bytes() -> None:
    runtime = Running(bytes(wat2wasm(RUNTIME)), b"reply")
    assert runtime.take(BYTES) == (COPY, 5)
    assert bytes(runtime.memory.read(runtime.store, COPY, COPY + 5)) == b"reply"
    assert runtime.word(ALLOCATED) == 5


def test_bytes_are_passed_where_they_lie() -> None:
    runtime = changed(b"reply")
    assert runtime.take(BYTES) == (OBJECT, 5)
    assert runtime.word(ALLOCATED) == 0
    assert runtime.word(COPY) == 0


def test_no_bytes_are_somewhere() -> None:
    assert changed(b"").take(BYTES) == (1, 0)


def test_other_lists_are_taken_as_before() -> None:
    assert changed(b"items").take(OTHER) == (0, 5)


@pytest.mark.parametrize(
    "modules",
    [(), (ANOTHER,), (RUNTIME, RUNTIME), (runtime_that(""),), (runtime_that(2 * COPYING),)],
    ids=["no module", "no runtime", "two", "does not copy", "copies twice"],
)
def test_component_with_another_runtime_ends_the_build(modules: tuple[str, ...]) -> None:
    with pytest.raises(Malformed, match="where one is known"):
        pass_in_place(component_of(*modules))


def test_module_without_sections_is_left_alone() -> None:
    empty = write_binary(MAGIC + COMPONENT, [Section(1, MAGIC + CORE), Section(1, bytes(wat2wasm(RUNTIME)))])
    assert modules_of(pass_in_place(empty))[0] == MAGIC + CORE
