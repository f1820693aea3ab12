"""Bytes that are passed to the host are given back, tried on a runtime small enough to write here."""

from collections.abc import Iterator

import pytest
from wasmtime import Engine, Func, FuncType, Instance, Memory, Module, Store, wat2wasm

from devhost.after_link.binary import COMPONENT, CORE, Malformed, Section, read_sections, write_binary
from devhost.after_link.passed_bytes import FREE, POP, give_back_bytes

MAGIC = b"\0asm"
CALL, BYTES, OTHER, OUT = 7, 1, 0, 64
ADDRESS, NUMBER = 4096, 5
NOTED = 128  # where the runtime notes what it was told to free
# It leaves an address for a list of bytes, none for another, and returns the number of items.
RUNTIME = f"""
(module
  (import "env" "unused" (func))
  (memory (export "memory") 1)
  (func $pop (param i32 i32 i32) (result i32)
    (i32.store (local.get 2) (select (i32.const {ADDRESS}) (i32.const 0) (local.get 1)))
    (i32.const {NUMBER}))
  (func $free (param i32 i32 i32 i32 i32)
    (i32.store offset={NOTED} (i32.const 0) (local.get 0))
    (i32.store offset={NOTED + 4} (i32.const 0) (local.get 1))
    (i32.store offset={NOTED + 8} (i32.const 0) (local.get 2))
    (i32.store offset={NOTED + 12} (i32.const 0) (local.get 3))
    (i32.store offset={NOTED + 16} (i32.const 0) (local.get 4)))
  (export "{FREE}" (func $free))
  (export "{POP}" (func $pop)))
"""
ANOTHER = '(module (import "env" "unused" (func)) (func $some (result i32) i32.const 1) (export "some" (func $some)))'


def component_of(*modules: str) -> bytes:
    sections = [Section(1, bytes(wat2wasm(module))) for module in modules]
    return write_binary(MAGIC + COMPONENT, [Section(0, b"\4note"), *sections])


def modules_of(component: bytes) -> list[bytes]:
    return [section.content for section in read_sections(component) if section.kind == 1]


class Running:
    """The runtime, instantiated."""

    def __init__(self, module: bytes) -> None:
        self.store = Store(Engine())
        made = Module(self.store.engine, module)
        unused = Func(self.store, FuncType([], []), lambda: None)
        exports = Instance(self.store, made, [unused]).exports(self.store)
        memory, pop = exports["memory"], exports[POP]
        assert isinstance(memory, Memory)
        assert isinstance(pop, Func)
        self.memory, self.pop = memory, pop

    def words(self, at: int, number: int) -> Iterator[int]:
        content = bytes(self.memory.read(self.store, at, at + 4 * number))
        return (int.from_bytes(content[start : start + 4], "little") for start in range(0, len(content), 4))


@pytest.fixture
def runtime() -> Running:
    component = give_back_bytes(component_of(ANOTHER, RUNTIME))
    another, changed = modules_of(component)
    assert another == bytes(wat2wasm(ANOTHER))
    return Running(changed)


def test_copy_of_bytes_is_freed_when_the_call_is_over(runtime: Running) -> None:
    assert runtime.pop(runtime.store, CALL, BYTES, OUT) == NUMBER
    assert list(runtime.words(OUT, 1)) == [ADDRESS]
    assert list(runtime.words(NOTED, 5)) == [CALL, ADDRESS, NUMBER, 1, 1]


def test_other_lists_are_left_to_who_frees_them(runtime: Running) -> None:
    assert runtime.pop(runtime.store, CALL, OTHER, OUT) == NUMBER
    assert list(runtime.words(OUT, 1)) == [0]
    assert list(runtime.words(NOTED, 5)) == [0] * 5


@pytest.mark.parametrize("modules", [(), (ANOTHER,), (RUNTIME, RUNTIME)])
def test_component_with_another_runtime_ends_the_build(modules: tuple[str, ...]) -> None:
    with pytest.raises(Malformed, match=r"^\d modules"):
        give_back_bytes(component_of(*modules))


def test_module_without_sections_is_left_alone() -> None:
    empty = write_binary(MAGIC + COMPONENT, [Section(1, MAGIC + CORE), Section(1, bytes(wat2wasm(RUNTIME)))])
    assert modules_of(give_back_bytes(empty))[0] == MAGIC + CORE
