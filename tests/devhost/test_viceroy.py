"""Viceroy is found where it is named, on the PATH, or in the cache, in that order."""

from pathlib import Path

import pytest

from devhost.viceroy import cache_root, find_viceroy, install_viceroy, program_in, writable_cache


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GATELET_VICEROY", raising=False)
    monkeypatch.setenv("GATELET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr("devhost.viceroy.checkout_cache", lambda: tmp_path / "checkout")


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_finds_nothing_on_a_bare_machine() -> None:
    assert find_viceroy() is None


def test_finds_the_one_in_the_cache() -> None:
    program = make_program(program_in(cache_root()))
    assert find_viceroy() == program


def test_prefers_the_path_over_the_cache(tmp_path: Path) -> None:
    make_program(program_in(cache_root()))
    program = make_program(tmp_path / "path" / "viceroy")
    assert find_viceroy() == program


def test_prefers_the_named_one_and_never_guesses_past_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_program(tmp_path / "path" / "viceroy")
    monkeypatch.setenv("GATELET_VICEROY", str(tmp_path / "mine"))
    assert find_viceroy() is None
    (tmp_path / "mine").write_text("")
    (tmp_path / "mine").chmod(0o755)
    assert find_viceroy() == tmp_path / "mine"


def test_a_file_that_cannot_be_run_is_not_viceroy() -> None:
    make_program(program_in(cache_root())).chmod(0o644)
    assert find_viceroy() is None


def test_building_without_cargo_says_what_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match="needs cargo"):
        install_viceroy()


def test_falls_back_to_the_checkout_when_the_cache_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GATELET_CACHE", str(tmp_path / "file" / "cache"))
    assert writable_cache() == tmp_path / "checkout"
    assert (tmp_path / "checkout").is_dir()
