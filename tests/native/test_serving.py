import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from devhost.local_config import ROOT


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_server_cleanly(signum: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "devhost.native", "--port", "0"]
    log = tmp_path / "log"
    with log.open("wb") as errors, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors) as child:
        try:
            assert child.stdout is not None
            assert select.select([child.stdout], [], [], 60)[0]
            (address,) = re.findall(r"127\.0\.0\.1:\d+", child.stdout.readline().decode())
            with httpx.Client(base_url=f"http://{address}", timeout=30) as client:
                assert client.get("/gate?name=test_fastly&userID=a-user").json()["gateResult"] is True
                child.send_signal(signum)  # while the sandbox waits for a further request
                assert child.wait(30) == 0
        finally:
            child.kill()
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_manifest_that_is_not_understood_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "fastly.toml"
    manifest.write_text('[local_server.backends.events]\nurl = "http://a"\ncolour = "red"\n', encoding="utf-8")
    command = [sys.executable, "-m", "devhost.native", "--manifest", str(manifest), "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "colour is unknown" in done.stderr
