"""The order of the heap: what can be seen of it in any Python. Its figures are measured on the component."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cold import compiling
from edge.cold.compiling import ReadyFinder, compile_all, forget_compiled
from edge.cold.gathering import Gathered
from edge.cold.last_step import do_last


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


def test_step_is_done_when_the_builder_asks_for_its_last_function() -> None:
    names, before, done = vars(random), dict(vars(random)), list[object]()
    do_last(lambda: done.append("seed" in names))
    try:
        assert not hasattr(random, "nothing")
        assert random.random() < 1
        assert not done
        assert random.seed == before["seed"]
        assert done == [True], "done when the module is as it was before"
        assert random.seed == before["seed"]
        assert len(done) == 1
    finally:
        names.pop("__getattr__", None)
        names["seed"] = before["seed"]
    assert names == before


def test_step_that_raises_keeps_the_builder_from_going_on() -> None:
    def fail() -> None:
        raise LookupError("something is left")

    do_last(fail)
    with pytest.raises(LookupError, match="is left"):
        _ = random.seed
    assert callable(random.seed)


def test_modules_come_from_the_code_that_was_compiled(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "ROOMS", (package,))
    monkeypatch.setattr(compiling, "LIBRARY", ("json", "nowhere_at_all"))
    monkeypatch.setattr(compiling, "fill_free_chunks", lambda _: None)  # takes dlmalloc's chunks; others have no end
    compile_all(Gathered(idle=("json", f"{package}.inner")))
    assert f"{package}.inner" in sys.modules, "imported before anyone asks for it"
    del sys.modules[f"{package}.inner"], sys.modules[package]
    (tmp_path / package / "inner" / "__init__.py").write_text("VALUE = 0\n", encoding="utf-8")
    try:
        module = __import__(package)
        assert f"{package}.inner" == module.VALUE
        assert Path(module.__file__ or "").parent == tmp_path / package
    finally:
        forget_compiled()
    assert not any(isinstance(finder, ReadyFinder) for finder in sys.meta_path)
