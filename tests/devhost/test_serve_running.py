"""`make serve` as a person meets it: it gets ready, answers, shows each exposure, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost.build import COMPONENT, ROOT
from devhost.viceroy import INSTALL_HINT, find_viceroy
from tests.component.serving import find_free_port


@pytest.fixture(params=[pytest.param("viceroy", marks=pytest.mark.viceroy), "embedded", "native"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    if not COMPONENT.is_file():
        pytest.fail("bin/main.wasm is not built; run `make build`")
    if request.param == "viceroy" and find_viceroy() is None:
        pytest.skip(f"needs Viceroy: {INSTALL_HINT}")
    return {**os.environ, "HOST": request.param, "PORT": str(find_free_port())}


def start(environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "devhost.serve"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read_until(lines: Iterator[str], pattern: str) -> str:
    seen = []
    for line in lines:
        seen.append(line)
        if re.search(pattern, line):
            return line
    pytest.fail(f"no line like {pattern} in:\n{''.join(seen)}")


def ask(port: str, target: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{target}", timeout=30) as reply:
        content: bytes = reply.read()
    return content


def is_free(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) != 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_serves_shows_exposures_and_stops_when_asked(environment: dict[str, str], signum: signal.Signals) -> None:
    port = environment["PORT"]
    with start(environment) as child:
        assert child.stdout is not None
        read_until(child.stdout, "ready on http://127.0.0.1:")
        assert ask(port, "/gate?name=test_fastly&userID=a-user") == b'{"userID":"a-user","gateResult":true}'
        read_until(child.stdout, r"^event  statsig::gate_exposure  test_fastly  value=true  rule=half_of_all_users$")
        child.send_signal(signum)
        read_until(child.stdout, "gatelet: stopped")
    assert child.returncode == 0
    assert is_free(port)


def test_a_spec_that_is_none_is_served_and_said(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text("not a spec")
    with start({**environment, "SPEC": str(tmp_path / "spec.json")}) as child:
        assert child.stdout is not None
        assert "the value is not a config spec" in read_until(child.stdout, "/healthz answers 503")
        read_until(child.stdout, "ready on http://127.0.0.1:")
        child.terminate()
        read_until(child.stdout, "gatelet: stopped")
    assert child.returncode == 0


def test_a_taken_port_is_said_before_anything_starts(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment["PORT"]))), start(environment) as child:
        assert child.stdout is not None
        read_until(child.stdout, "is taken .*; set PORT to another")
    assert child.returncode == 1
