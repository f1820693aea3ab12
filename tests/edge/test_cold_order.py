"""The order of the heap: what can be seen of it in any Python. Its figures are measured on the component."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cold import bindings, compiling
from edge.cold.bindings import import_bindings
from edge.cold.compiling import ReadyFinder, compile_all, forget_compiled


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package of two modules, which nothing has imported; its name."""
    name = "gatelet_order"
    (tmp_path / name / "inner").mkdir(parents=True)
    (tmp_path / name / "__init__.py").write_text("from gatelet_order.inner import VALUE\n", encoding="utf-8")
    (tmp_path / name / "inner" / "__init__.py").write_text("VALUE = __name__\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in [one for one in sys.modules if one.startswith(name)]:
        del sys.modules[module]


def test_all_modules_of_the_bindings_are_imported(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / package / "asked_by_nobody.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(bindings, "BINDINGS", (package,))
    import_bindings()
    assert f"{package}.asked_by_nobody" in sys.modules


def test_modules_come_from_the_code_that_was_compiled(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "ROOMS", (package,))
    monkeypatch.setattr(compiling, "LIBRARY", ("json", "nowhere_at_all"))
    monkeypatch.setattr(compiling, "fill_free_chunks", lambda: None)  # takes dlmalloc's chunks; others have no end
    compile_all()
    (tmp_path / package / "inner" / "__init__.py").write_text("VALUE = 0\n", encoding="utf-8")
    try:
        module = __import__(package)
        assert f"{package}.inner" == module.VALUE
        assert Path(module.__file__ or "").parent == tmp_path / package
    finally:
        forget_compiled()
    assert not any(isinstance(finder, ReadyFinder) for finder in sys.meta_path)
