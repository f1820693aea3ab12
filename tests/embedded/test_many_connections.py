"""A thousand clients at once, half of whom go away in the middle."""

import resource
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from tests.embedded.processes import read_port, read_status, running

CONNECTIONS = 1000
FILES = 4096
BODY = b'{"user": {"userID": "a-user"}, "gateName": "test_fastly"}'
HEAD = b"POST /v1/check_gate HTTP/1.1\r\nhost: a\r\nstatsig-api-key: client-local\r\nconnection: close\r\n"
HEAD += b"content-length: %d\r\n\r\n" % len(BODY)
WHOLE = HEAD + BODY
CUTS = (WHOLE[:30], WHOLE[: len(HEAD) + 20], WHOLE)  # in the head, in the body, while waiting for the reply
# 32 sandboxes at a time take some 620 MB, however many clients there are; more than half of that are pages of the
# snapshot, which they share and which the system counts for each.
MOST_GROWTH_KIB = 896 << 10
RESET = struct.pack("ii", 1, 0)  # lingering for no time: closing resets the connection


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < FILES:
        pytest.skip(f"needs {FILES} open files, the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def read_reply(client: socket.socket) -> bytes:
    with client:
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def cut(client: socket.socket, *, reset: bool) -> None:
    if reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()


def wait_for_threads(child: subprocess.Popen[bytes], most: int) -> int:
    deadline = time.monotonic() + 20
    while read_status(child, "Threads") > most and time.monotonic() < deadline:
        time.sleep(0.05)
    return read_status(child, "Threads")


@pytest.mark.usefixtures("many_files")
def test_thousand_connections_half_of_them_cut_leave_the_host_as_it_was(tmp_path: Path) -> None:
    with running("devhost.embedded", tmp_path / "log") as child:
        port = read_port(child)
        memory, threads = read_status(child, "VmRSS"), read_status(child, "Threads")
        clients = [connect(port) for _ in range(CONNECTIONS)]
        staying, leaving = clients[::2], clients[1::2]
        for number, (client, sent) in enumerate(zip(leaving, cycle(CUTS))):  # cycle has no end
            client.sendall(sent)
            staying[number].sendall(WHOLE)
            cut(client, reset=number % 2 == 0)
        replies = [read_reply(client) for client in staying]
        assert {reply[:15] for reply in replies} == {b"HTTP/1.1 200 OK"}
        after = connect(port)
        after.sendall(WHOLE)
        assert b'"value":true' in read_reply(after)
        assert wait_for_threads(child, threads + 10) <= threads + 10
        assert read_status(child, "VmHWM") - memory < MOST_GROWTH_KIB
        assert child.poll() is None
    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")
