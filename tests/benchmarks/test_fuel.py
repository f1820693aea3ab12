"""What `make fuel` says and writes; the counting itself is tested with the embedded host."""

import json
from pathlib import Path

import pytest

from benchmarks import fuel
from benchmarks.large_spec import encode, multiply_spec
from devhost.build import Recipe
from devhost.local_config import EXAMPLE_SPEC, ROOT
from evaluator.decode import find_faults
from tests.evaluator.builders import condition, document, gate, rule


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fuel, "RESULTS", tmp_path / "results" / "fuel.json")
    monkeypatch.setattr(fuel, "ACCEPTED", tmp_path / "accepted.json")
    monkeypatch.setattr(fuel, "build_component", lambda: False)
    monkeypatch.setattr(fuel, "is_complete", lambda recipe: recipe.is_optimized)
    monkeypatch.setattr(fuel, "SERVICE", Recipe(is_optimized=True))
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, figures: dict[str, int], *arguments: str) -> int:
    monkeypatch.setattr(fuel, "count_all", lambda: figures)
    monkeypatch.setattr("sys.argv", ["fuel", *arguments])
    return fuel.main()


def test_slower_gate_path_fails_until_it_is_accepted(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {"gate": 1000}, "--accept") == 0
    assert run(monkeypatch, {"gate": 1040}) == 1
    assert "costs more: gate: 1,000 -> 1,040 (+4.0%)" in capsys.readouterr().err
    assert json.loads((files / "results" / "fuel.json").read_text()) == {"gate": 1040}
    assert run(monkeypatch, {"gate": 1040}, "--accept") == 0
    assert run(monkeypatch, {"gate": 1040}) == 0


def test_a_build_without_all_its_steps_is_not_compared(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {"gate": 1000}, "--accept") == 0
    monkeypatch.setattr(fuel, "SERVICE", Recipe())
    assert run(monkeypatch, {"gate": 1130}, "--accept") == 0
    assert "not compared with the accepted figures" in capsys.readouterr().out
    assert json.loads((files / "accepted.json").read_text()) == {"gate": 1000}
    assert json.loads((files / "results" / "fuel.json").read_text()) == {"gate": 1130}
    assert run(monkeypatch, {fuel.EXPOSURE: fuel.MOST[fuel.EXPOSURE] + 1}) == 1


@pytest.mark.usefixtures("files")
def test_what_became_cheaper_new_or_gone_is_said_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, {"gate": 1000, "old": 1}, "--accept")
    capsys.readouterr()
    assert run(monkeypatch, {"gate": 900, "new": 1}) == 0
    said = capsys.readouterr().out
    assert "costs less: gate: 1,000 -> 900 (-10.0%)" in said
    assert "new is new" in said
    assert "old is gone" in said


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", fuel.MOST)
def test_what_costs_more_than_it_ever_may_fails_whatever_was_accepted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    most = fuel.MOST[name]
    run(monkeypatch, {name: most + 1}, "--accept")
    assert run(monkeypatch, {name: most + 1}) == 1
    assert f"{name}: {most + 1:,} is more than the {most:,} it may cost" in capsys.readouterr().err


def test_accepted_figures_are_within_what_they_may_be() -> None:
    accepted = fuel.read_figures(ROOT / "benchmarks" / "accepted-fuel.json")
    assert [name for name, most in fuel.MOST.items() if accepted[name] > most] == []


def test_accepted_figures_are_those_of_the_scenarios() -> None:
    accepted = fuel.read_figures(fuel.ACCEPTED)
    scenarios = {name.partition(".")[0] for name in accepted}
    assert scenarios >= {"hello", "gate_raw", "gate_paged", "initialize_raw", "gate_raw_10mb", "gate_paged_10mb"}


def test_multiplied_spec_is_a_spec_of_that_size_with_everything_under_new_names() -> None:
    example = json.loads((ROOT / EXAMPLE_SPEC).read_bytes())
    content = multiply_spec(example, 100_000)
    large = json.loads(content)
    assert 100_000 <= len(content) < 120_000
    assert list(find_faults(large)) == []
    copies = len(large["feature_gates"]) // len(example["feature_gates"])
    assert copies > 10
    assert len(large["condition_map"]) == copies * len(example["condition_map"])
    assert multiply_spec(example, 100_000) == content


def test_copies_refer_to_copies() -> None:
    spec = document({"far": gate(rule()), "near": gate(rule(condition("pass_gate", None, "far")))})
    large = json.loads(multiply_spec(spec, 2 * len(encode(spec))))
    [reference] = large["feature_gates"]["near_1"]["rules"][0]["conditions"]
    assert large["condition_map"][reference]["targetValue"] == "far_1"
