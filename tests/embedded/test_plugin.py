"""The fixtures as a project around this one meets them: what docs/embedded-host.md shows, run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuel import ACCEPTED, read_figures
from devhost.embedded.plugin import Running, Start
from devhost.fastly.backends import Prepared
from devhost.fastly.manifest import read_manifest
from devhost.local_config import ROOT

DOCUMENT = (ROOT / "docs" / "embedded-host.md").read_text(encoding="utf-8")


def test_documented_example_passes(tmp_path: Path) -> None:
    conftest, example = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "."]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert re.search(r"^2 passed", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_documented_scenarios_are_those_that_are_counted() -> None:
    table = DOCUMENT.split("| Scenario |")[1].split("\n\n")[0]
    assert {name.partition(".")[0] for name in read_figures(ACCEPTED)} == set(re.findall(r"`(\w+)`", table))


def test_store_can_be_changed_and_backends_answer_what_a_test_prepared(
    start_gatelet: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    gatelet = start_gatelet(read_manifest(Path("fastly.toml")))
    gatelet.backends["events"].answer = lambda _got: (401, b"")
    gatelet.kv_stores["gatelet-specs"].delete("statsig-local")
    assert gatelet.ask("GET", "/healthz").status == 503
    gatelet.host.close()
    assert isinstance(gatelet.backends["events"], Prepared)
    assert gatelet.ended[0].trace


def test_settling_has_an_end(gatelet: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devhost.embedded.plugin.ANSWER_SECONDS", 0.0)
    with pytest.raises(TimeoutError):
        gatelet.settle()
