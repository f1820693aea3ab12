"""How the build of a component decides what to do."""

import os
import py_compile
from pathlib import Path

import pytest

from devhost.build import COMPILED_BY, Recipe, is_compiled, read_choice


@pytest.mark.parametrize(
    ("environment", "recipe"),
    [
        ({}, Recipe(is_fast=True, is_merged=True, is_optimized=True)),
        ({"OPTIMIZE": "0"}, Recipe(is_fast=True, is_merged=True)),
        ({"MERGE": "0"}, Recipe(is_fast=True)),
        ({"FAST": "0"}, Recipe()),
        ({"WITHOUT": "listing"}, Recipe(left_out=frozenset(("listing",)), is_merged=True, is_optimized=True)),
    ],
)
def test_steps_are_left_out_by_choice(environment: dict[str, str], recipe: Recipe) -> None:
    assert read_choice(environment) == recipe


def test_a_module_is_compiled_until_it_changes(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("VALUE = 1\n", encoding="utf-8")
    assert not is_compiled(module)
    compiled = tmp_path / "__pycache__" / f"module.{COMPILED_BY}.pyc"
    py_compile.compile(str(module), cfile=str(compiled))
    assert is_compiled(module)
    module.write_text("VALUE = 12\n", encoding="utf-8")
    os.utime(module, (1, 1))
    assert not is_compiled(module)


def test_a_module_compiled_by_its_hash_counts_as_new(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("VALUE = 1\n", encoding="utf-8")
    compiled = tmp_path / "__pycache__" / f"module.{COMPILED_BY}.pyc"
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    py_compile.compile(str(module), cfile=str(compiled), invalidation_mode=mode)
    assert not is_compiled(module)
