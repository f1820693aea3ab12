"""Merging core modules: its parts on bytes and text written here, the whole on a component that wasm-tools makes."""

import subprocess
from pathlib import Path

import pytest

from devhost.after_link.binary import HEADER, Malformed, Section, read_sections, write_binary
from devhost.after_link.merging.component import merge_modules
from devhost.after_link.merging.component_text import read_items
from devhost.after_link.merging.core_modules import (
    GLOBAL,
    GLOBALS,
    IMPORTS,
    Export,
    Import,
    evaluate,
    fold_elements,
    fold_globals,
    keep_exports,
    list_imports,
    read_constants,
    read_exports,
    rename,
    write_exports,
    write_imports,
)
from devhost.after_link.merging.optimizing import optimize
from devhost.after_link.merging.tools import MissingProgram, Tools, find_tools

MAGIC = b"\0asm\1\0\0\0"
I32 = b"\x7f\0"  # the type of a constant global
BASE = Import("env", "base", bytes((GLOBAL,)) + I32)
LIMITED = Import("env", "memory", b"\2\1\1\2")

INNER = """
(component
  (core module $first (memory (export "memory") 1) (global (export "base") i32 (i32.const 40)))
  (core module $second
    (import "env" "memory" (memory 1))
    (import "env" "base" (global $base i32))
    (global $here i32 (global.get $base))
    (func (export "answer") (result i32) (i32.add (global.get $here) (i32.const 2))))
  (core instance $one (instantiate $first))
  (core instance $two (instantiate $second (with "env" (instance $one))))
  (alias core export $two "answer" (core func $answer))
  (type $number (func (result u32)))
  (func (export "answer") (type $number) (canon lift (core func $answer))))
"""

CALLS = """
(module
  (memory 1)
  (table 2 funcref)
  (elem (i32.const 1) $eight)
  (global $never_set (mut i32) (i32.const 1))
  (global $set (mut i32) (i32.const 1))
  (func $eight (param i32) (result i32)
    (i32.load (i32.add (local.get 0) (i32.const 8))))
  (func (export "read") (param i32) (result i32)
    (global.set $set (local.get 0))
    (call_indirect (param i32) (result i32) (global.get $set) (global.get $never_set))))
"""


@pytest.fixture
def tools() -> Tools:
    try:
        return find_tools()
    except MissingProgram as problem:
        pytest.skip(str(problem))


def module_of(*sections: Section) -> bytes:
    return write_binary(MAGIC, list(sections))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (b"\x41\x05\x0b", 5),
        (b"\x23\0\x0b", 40),
        (b"\x23\0\x41\x02\x6a\x0b", 42),
        (b"\x41\x7f\x0b", -1),
    ],
)
def test_constant_expressions_are_worked_out(expression: bytes, value: int) -> None:
    assert evaluate(expression, 0, [40]) == (value, len(expression))


@pytest.mark.parametrize("expression", [b"\x23\1\x0b", b"\x23\0\x0b", b"\x20\0\x0b"])
def test_what_is_no_known_constant_is_refused(expression: bytes) -> None:
    with pytest.raises(Malformed):
        evaluate(expression, 0, [None])


def test_globals_and_elements_get_constants() -> None:
    assert fold_globals(b"\1" + I32 + b"\x23\0\x0b", [5]) == b"\1" + I32 + b"\x41\x05\x0b"
    assert fold_elements(b"\1\0\x23\0\x0b\2\7\x08", [5]) == b"\1\0\x41\x05\x0b\2\7\x08"
    assert fold_elements(b"\1\2\0\x23\0\x0b\0\1\7", [5]) == b"\1\2\0\x41\x05\x0b\0\1\7"
    with pytest.raises(Malformed, match="form 1"):
        fold_elements(b"\1\1\0\1\7", [5])


def test_imports_and_exports_get_other_names_and_constants_their_place() -> None:
    module = module_of(
        Section(0, b"\5otherx"),
        Section(IMPORTS, write_imports([BASE, LIMITED])),
        Section(GLOBALS, b"\1" + I32 + b"\x23\0\x0b"),
        Section(7, write_exports([Export("here", GLOBAL, 1)])),
    )
    renamed = rename(module, lambda one: ("I0", f"I0|{one.field}"), lambda name: f"I1|{name}", {"I0|base": 40})
    assert [(one.module, one.field, one.kind) for one in list_imports(renamed)] == [
        ("I0", "I0|base", "global"),
        ("I0", "I0|memory", "memory"),
    ]
    contents = dict(read_sections(renamed))
    assert 0 not in contents
    assert list(read_exports(contents[7])) == [Export("I1|here", GLOBAL, 1)]
    assert contents[GLOBALS] == b"\1" + I32 + b"\x41\x28\x0b"


def test_constants_that_a_module_exports_are_read_and_others_not() -> None:
    constant, changing = I32 + b"\x41\x05\x0b", b"\x7f\1\x41\x06\x0b"
    exports = [Export("base", GLOBAL, 0), Export("top", GLOBAL, 1), Export("run", 0, 0)]
    module = module_of(Section(GLOBALS, b"\2" + constant + changing), Section(7, write_exports(exports)))
    assert read_constants(module) == {"base": 5}
    assert list(read_exports(dict(read_sections(keep_exports(module, frozenset(("run",)))))[7])) == exports[2:]


def test_the_text_of_a_component_is_read() -> None:
    text = '(component\n  (core module $m (;0;)\n    (func)\n  )\n  (core instance $"a b" (;0;) (instantiate $m\n      (with "env" (instance $e))\n    )\n  )\n  (alias core export $"a b" "run" (core func $run (;0;)))\n  (core instance $e (;1;)\n    (export "x" (func $run))\n  )\n  (type (func))\n)\n'  # noqa: E501
    module, made, alias, given, other = read_items(text)
    assert module.module == "$m"
    assert made.instance
    assert (made.instance.name, made.instance.module, made.instance.arguments) == ('$"a b"', "$m", {"env": "$e"})
    assert alias.alias == ('$"a b"', "run", "func", "$run")
    assert given.instance
    assert given.instance.items == {"x": ("func", "$run")}
    assert (other.module, other.alias, other.instance) == ("", None, None)


def test_a_component_keeps_its_face_and_has_one_module(tools: Tools, tmp_path: Path) -> None:
    inner = parse(tools, INNER, tmp_path)
    outer = write_binary(inner[:HEADER], [Section(4, inner)])
    for is_optimized, result in (False, "i32.add"), (True, "i32.const 42"):
        merged = merge_modules(outer, tools, is_optimized=is_optimized)
        text = show(tools, merged, tmp_path)
        assert text.count("(core module") == 1
        assert '"answer" (func' in text
        assert "i32.const 40" in text, "what the global was read from is a constant now"
        assert result in text


def test_places_of_fields_known_globals_and_known_functions_are_folded_in(tools: Tools, tmp_path: Path) -> None:
    text = show(tools, optimize(parse(tools, CALLS, tmp_path), tools.wasm_opt, tmp_path), tmp_path)
    assert "i32.load offset=8" in text
    assert "call_indirect" not in text, "the table says which function is meant"
    assert "global.get $never_set" not in text
    assert "global.get $set" in text


def test_data_where_optimizing_takes_none_to_be_is_refused(tools: Tools, tmp_path: Path) -> None:
    module = '(module (memory 1) (data (i32.const {}) "x"))'
    assert optimize(parse(tools, module.format(1_024), tmp_path), tools.wasm_opt, tmp_path)
    with pytest.raises(Malformed, match="data below 1024"):
        optimize(parse(tools, module.format(1_023), tmp_path), tools.wasm_opt, tmp_path)


def parse(tools: Tools, text: str, folder: Path) -> bytes:
    (folder / "inner.wat").write_text(text, encoding="utf-8")
    subprocess.run([tools.wasm_tools, "parse", folder / "inner.wat", "-o", folder / "inner.wasm"], check=True)
    return (folder / "inner.wasm").read_bytes()


def show(tools: Tools, binary: bytes, folder: Path) -> str:
    """Return the text of something valid."""
    shown = folder / "shown.wasm"
    shown.write_bytes(binary)
    subprocess.run([tools.wasm_tools, "validate", shown], check=True)
    return subprocess.run([tools.wasm_tools, "print", shown], check=True, capture_output=True).stdout.decode()


def test_a_component_without_another_inside_is_refused(tools: Tools, tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="no component inside"):
        merge_modules(parse(tools, INNER, tmp_path), tools)


def test_what_is_missing_is_said_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GATELET_WASM_TOOLS", str(tmp_path / "nothing"))
    with pytest.raises(MissingProgram, match="make build-tools"):
        find_tools()
