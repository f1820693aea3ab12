"""How the build of a component decides what to do."""

from pathlib import Path

import pytest

from devhost import build
from devhost.build import Recipe, read_choice


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


def test_the_first_of_two_runs_is_asked_for_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note, found = tmp_path / "__pycache__" / "note", list[bytes]()

    def run(_recipe: Recipe) -> None:
        found.append(note.read_bytes())
        note.write_bytes(b"noted")

    monkeypatch.setattr(build, "REHEARSED", note)
    monkeypatch.setattr(build, "run_builder_once", run)
    build.run_builder(Recipe(is_fast=True))
    assert found == [b"", b"noted"]
    assert not note.exists(), "the next build runs other code"


def test_no_note_is_left_by_a_run_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_recipe: Recipe) -> None:
        raise build.BuildFailed("no builder")

    monkeypatch.setattr(build, "REHEARSED", tmp_path / "note")
    monkeypatch.setattr(build, "run_builder_once", fail)
    with pytest.raises(build.BuildFailed):
        build.run_builder(Recipe(is_fast=True))
    assert not (tmp_path / "note").exists()


def test_a_plain_build_runs_once_and_asks_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[bool] = []
    monkeypatch.setattr(build, "REHEARSED", tmp_path / "note")
    monkeypatch.setattr(build, "run_builder_once", lambda _recipe: runs.append((tmp_path / "note").exists()))
    build.run_builder(Recipe())
    assert runs == [False]
