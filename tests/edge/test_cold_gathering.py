"""What one run of the builder notes is what the next one lays together. Its figures are measured on the component."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from edge.cold import gathering
from edge.cold.compiling import ReadyLoader
from edge.cold.gathering import is_note_wanted, load_gathered, note_code

NAME = "gatelet_gathered"
SOURCE = """
PLACE = "somewhere between other things"
SWITCH, ONE = True, 1

class Kept:
    def ran(self):
        return [one + NUMBER for one in (1000, 2000)]

    def idle(self):
        return "never asked"

def outer(number):
    def inner():
        return number + 1
    return inner()

NUMBER = 70_000
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module of our own, imported."""
    (tmp_path / f"{NAME}.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield __import__(NAME)
    del sys.modules[NAME]


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where a note is asked for."""
    monkeypatch.setattr(gathering, "take_free_chunks", lambda _sizes: [])  # takes dlmalloc's; others have no end
    (tmp_path / "note").write_bytes(b"")
    return str(tmp_path / "note")


def code_of(function: object) -> CodeType:
    """Return the code of a function."""
    assert isinstance(function, FunctionType)
    return function.__code__


def note_all(module: ModuleType, note: str) -> None:
    """Note what two functions of the module run."""
    note_code(lambda: module.Kept().ran(), [lambda: module.outer(1)], note)


def run_gathered(note: str, source: str, place: str) -> tuple[list[CodeType], dict[str, Any]]:
    """Load the note and run a source that refers to it; returns the code that was loaded, and what the source made."""
    gathered = load_gathered(note)
    made = ModuleType(NAME)
    ReadyLoader(NAME, place, gathered.put_into(compile(source, place, "exec"))).exec_module(made)
    return [*gathered._code.values()], vars(made)  # identity shows nowhere else


def test_what_ran_is_taken_from_the_note_and_what_did_not_is_not(module: ModuleType, note: str) -> None:
    note_all(module, note)
    loaded, made = run_gathered(note, SOURCE, module.__file__ or "")
    ran, idle, outer = (code_of(one) for one in (made["Kept"].ran, made["Kept"].idle, made["outer"]))
    assert [any(one is code for one in loaded) for code in (ran, idle, outer)] == [True, False, True]


def test_gathered_code_does_what_it_did(module: ModuleType, note: str) -> None:
    note_all(module, note)
    _, made = run_gathered(note, SOURCE, module.__file__ or "")
    assert made["Kept"]().ran() == [71_000, 72_000]
    assert made["Kept"]().idle() == "never asked"
    assert made["outer"](4) == 5
    assert made["SWITCH"] is True
    assert type(made["ONE"]) is int


def test_code_that_has_changed_stays_what_it_is(module: ModuleType, note: str) -> None:
    note_all(module, note)
    _, made = run_gathered(note, SOURCE.replace("number + 1", "number + 2"), module.__file__ or "")
    assert made["outer"](4) == 6


def test_equal_code_of_another_file_is_not_taken(module: ModuleType, note: str) -> None:
    note_all(module, note)
    loaded, made = run_gathered(note, SOURCE, "/another/file.py")
    assert not any(one is code_of(made["outer"]) for one in loaded)
    assert code_of(made["outer"]).co_filename == "/another/file.py"


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("text", "is_shared"), [("somewhere between other things", True), ("in no body at all", False)]
)
def test_constants_of_bodies_are_shared(note: str, text: str, is_shared: bool) -> None:
    note_code(list, [], note)
    gathered = load_gathered(note)
    first, second = (gathered.put_into(compile(f"A = {text!r}", file, "exec")) for file in ("<one>", "<other>"))
    assert (first.co_consts[0] is second.co_consts[0]) is is_shared
    assert first.co_consts[0] == text


def test_modules_that_the_first_run_uses_are_not_idle_and_none_of_ours_is(module: ModuleType, note: str) -> None:
    note_code(lambda: module.outer(1), [lambda: textwrap.dedent("")], note)
    idle = load_gathered(note).idle
    assert NAME not in idle
    assert textwrap.__name__ in idle, "only a later run uses it"
    assert not [name for name in idle if name.startswith(("edge", "evaluator", "specstore"))]
    assert idle == [name for name in sys.modules if name in idle], "each after what it imports"


def test_nothing_is_gathered_without_a_note(tmp_path: Path, note: str) -> None:
    code = compile(SOURCE, "<test>", "exec")
    assert load_gathered(str(tmp_path / "none")).put_into(code) is code
    assert load_gathered(note).put_into(code) is code, "one that is only asked for"


def test_a_note_is_wanted_until_it_is_there(module: ModuleType, note: str, tmp_path: Path) -> None:
    assert not is_note_wanted(str(tmp_path / "none"))
    assert is_note_wanted(note)
    note_all(module, note)
    assert not is_note_wanted(note)


def test_a_measure_that_is_left_out_leaves_the_note_alone(
    module: ModuleType, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_all(module, note)
    monkeypatch.setattr(gathering, "is_chosen", lambda measure: measure != "gathering")
    code = compile(SOURCE, module.__file__ or "", "exec")
    assert load_gathered(note).put_into(code) is code


def test_watching_ends_when_something_goes_wrong(note: str) -> None:
    def fail() -> None:
        raise LookupError("not rehearsed")

    with pytest.raises(LookupError):
        note_code(fail, [], note)
    assert sys.getprofile() is None
    assert is_note_wanted(note)
