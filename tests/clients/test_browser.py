"""A page of another origin in headless Chromium: the browser's own rules about origins, preflights included."""

import functools
import html
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from devhost.local_config import EXAMPLE_SPEC, ROOT
from tests.component.serving import Running, running_service

HERE = Path(__file__).parent
CLIENT = HERE / "node_modules/@statsig/js-client/build/statsig-js-client.min.js"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser; skips the test when there is none."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs Chromium, which is not on the path (Debian: apt install chromium)")
    if not CLIENT.is_file():
        pytest.skip("needs the npm packages of tests/clients: run `make clients`")
    return found


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """The origin of a page that loads Statsig's client."""
    folder = tmp_path / "shop"
    folder.mkdir()
    shutil.copy(HERE / "page.html", folder)
    shutil.copy(CLIENT, folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def visit(chromium: str, tmp_path: Path, shop: str, service: Running) -> Any:
    """Open the page and return what it reports."""
    job = {"url": service.url, "key": "client-local", "gate": "test_fastly"}
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000", "--dump-dom"]
    command.append(f"{shop}/page.html#{quote(json.dumps(job))}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    report = re.search(r'<pre id="report">(.*?)</pre>', done.stdout, re.DOTALL)
    assert report, (done.returncode, done.stdout[-500:], done.stderr[-1000:])
    return json.loads(html.unescape(report[1]) or "{}")


def serve(host: str, folder: Path, settings: Mapping[str, str]) -> Any:
    return running_service(host, folder, ROOT / EXAMPLE_SPEC, settings=settings)


@pytest.mark.parametrize("origins", ["*", "the page's own"])
def test_page_of_another_origin_does_everything(
    host: str, tmp_path: Path, chromium: str, shop: str, origins: str
) -> None:
    settings = {"cors_origins": "*" if origins == "*" else f"https://else.example {shop}"}
    with serve(host, tmp_path, settings) as service:
        found = visit(chromium, tmp_path, shop, service)
        deadline = time.monotonic() + 10
        names: set[str] = set()
        while "bought_in_browser" not in names and time.monotonic() < deadline:
            names = {event["eventName"] for event in service.wait_for_events(2, 1)}
    assert "error" not in found
    assert (found["success"], found["reason"]) == (True, "Network:Recognized")
    assert found["gate"] == found["check"]
    assert found["seen"].startswith("kv; layout=")
    assert {"bought_in_browser", "statsig::gate_exposure"} <= names


def test_page_of_an_origin_that_is_not_named_gets_nothing(host: str, tmp_path: Path, chromium: str, shop: str) -> None:
    with serve(host, tmp_path, {"cors_origins": "https://else.example"}) as service:
        found = visit(chromium, tmp_path, shop, service)
    assert "Failed to fetch" in found["error"]
    assert found["reason"] == "NoValues"
