"""What fails or ends, ends itself only, and cleanly.

`ENDING_RUNS=50 pytest tests/embedded/test_ending.py` starts and stops the server as often, at other moments each time.
"""

import contextlib
import os
import random
import re
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devhost.embedded.plugin import COMPONENT, ROOT
from devhost.embedded.sandbox import Host, Sandbox
from devhost.embedded.serving import serve
from devhost.fastly.server import Server
from tests.embedded import failing
from tests.embedded.processes import read_port, running

RUNS = int(os.environ.get("ENDING_RUNS", "2"))
CLIENTS = 8
LONGEST_END = 8.0
BAD_SIGNS = ("Traceback", "Fatal Python error", "Exception ignored", "panicked")


def ask(port: int, user: str) -> bytes:
    request = f"GET /gate?name=test_fastly&userID={user} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request.encode())
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def wait_until_all_ended(host: Host, count: int) -> list[Sandbox]:
    deadline = time.monotonic() + 20
    while len(host.ended) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return list(host.ended)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.chdir(ROOT)
    with serve(ROOT / "fastly.toml", COMPONENT, ("127.0.0.1", 0), 1) as running:
        yield running


def test_failure_at_any_moment_under_eight_threads_is_its_own_sandbox_s(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = server.host
    assert isinstance(host, Host)
    ask(server.port, "first.")
    moments = len(wait_until_all_ended(host, 1)[0].trace)
    host.ended = deque(host.ended)  # which otherwise keeps the last hundred
    monkeypatch.setattr(Sandbox, "mark", failing.failing_at(moments))
    users = [f"user-{number}." for number in range(moments)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        replies = list(clients.map(lambda user: ask(server.port, user), users))
    failed_before_reply = 0
    for user, reply in zip(users, replies, strict=True):
        assert is_own_reply(user, reply)
        failed_before_reply += reply.startswith(b"HTTP/1.1 500 ")
    ended = wait_until_all_ended(host, 1 + moments)[1:]
    failures = [sandbox.failure for sandbox in ended if sandbox.failure is not None]
    assert len(ended) == moments > len(failures) > failed_before_reply > 10  # after a reply nothing is lost
    for sandbox in ended:
        # Retries wait for a random while, so not every sandbox makes as many calls as the first one did.
        if 0 < sandbox.number % moments <= len(sandbox.trace):
            assert isinstance(sandbox.failure, failing.Planned | failing.PlannedInterrupt)
            assert f"under {sandbox.exchange.request.uri} end" in str(sandbox.failure)


def ask_on(port: int, name: str, stopped: threading.Event) -> list[tuple[str, bytes]]:
    replies = []
    for number in range(10_000):
        if stopped.is_set():
            break
        user = f"{name}-{number}."
        with contextlib.suppress(OSError):  # the server may be gone
            replies.append((user, ask(port, user)))
    return replies


def is_own_reply(user: str, reply: bytes) -> bool:
    """Say whether a reply is a whole answer to this user, the user's own failure, or what a server that ends sends."""
    own_answer = b'"userID":"%s"' % user.encode()
    failures = re.findall(rb"Planned\w*: under \S+userID=(\S+) end", reply)
    return (
        (reply.startswith(b"HTTP/1.1 200 ") and own_answer in reply)
        or failures == [user.encode()] * max(1, len(failures))
        or reply.startswith(b"HTTP/1.1 503 ")
        or reply == b""
    )


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["devhost.embedded", "tests.embedded.failing"])
@pytest.mark.parametrize("run", range(RUNS))
def test_signal_under_eight_clients_ends_the_process_cleanly(
    run: int, module: str, signum: signal.Signals, tmp_path: Path
) -> None:
    moment = random.Random(f"{run} {module} {signum}").uniform(0.0, 0.8)
    stopped = threading.Event()
    with running(module, tmp_path / "log") as child, ThreadPoolExecutor(CLIENTS) as clients:
        port = read_port(child)
        asked = [clients.submit(ask_on, port, f"client-{number}", stopped) for number in range(CLIENTS)]
        time.sleep(moment)
        child.send_signal(signum)
        try:
            assert child.wait(LONGEST_END) == 0
        finally:
            stopped.set()
    lost = [pair for done in asked for pair in done.result() if not is_own_reply(*pair)]
    assert not lost
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert not [sign for sign in BAD_SIGNS if sign in log]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_an_idle_server(signum: signal.Signals, tmp_path: Path) -> None:
    with running("devhost.embedded", tmp_path / "log") as child:
        ask(read_port(child), "u")
        child.send_signal(signum)
        assert child.wait(LONGEST_END) == 0
    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")


def test_signal_ends_a_server_that_is_starting(tmp_path: Path) -> None:
    with running("devhost.embedded", tmp_path / "log") as child:
        wait_for_handlers(child.pid)
        child.send_signal(signal.SIGTERM)
        assert child.wait(LONGEST_END) == 0


def wait_for_handlers(pid: int) -> None:
    """Wait until a process catches SIGTERM; until then the signal ends it in the system's own way."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        caught = re.findall(r"SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
        if int(caught[0], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.002)
    pytest.fail("the process never caught SIGTERM")
