import http.client
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devhost.embedded.plugin import COMPONENT, ROOT
from devhost.embedded.serving import serve
from devhost.fastly.manifest import InvalidManifest
from devhost.fastly.server import Server

CHECK = b'{"user": {"userID": "a-user"}, "gateName": "test_fastly"}'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.chdir(ROOT)
    with serve(ROOT / "fastly.toml", COMPONENT, ("127.0.0.1", 0), 1) as running:
        yield running


def talk(server: Server, *pieces: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def status_of(server: Server, path: str = "/healthz") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_connection_is_kept_for_further_requests(server: Server) -> None:
    one = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"
    assert talk(server, one + one).count(b"HTTP/1.1 200 OK\r\n") == 2


def test_body_may_come_in_chunks(server: Server) -> None:
    head = b"POST /v1/check_gate HTTP/1.1\r\nhost: a\r\nstatsig-api-key: client-local\r\n"
    head += b"transfer-encoding: chunked\r\n\r\n"
    chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (10, CHECK[:10], len(CHECK) - 10, CHECK[10:])
    assert talk(server, head, chunks).startswith(b"HTTP/1.1 200 OK\r\n")


def test_head_gets_no_body(server: Server) -> None:
    reply = talk(server, b"HEAD /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert reply.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_request_gets_400(server: Server, request_text: bytes) -> None:
    assert b" 400 " in talk(server, request_text).split(b"\r\n")[0]


def test_clients_that_go_away_end_nothing_else(server: Server) -> None:
    head = b"POST /v1/check_gate HTTP/1.1\r\nhost: a\r\nstatsig-api-key: client-local\r\ncontent-length: %d\r\n\r\n"

    def ask(number: int) -> bytes:
        content = CHECK[:20] if number % 2 else CHECK
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.sendall(head % len(CHECK) + content)
            return b"" if number % 2 else client.recv(100)

    with ThreadPoolExecutor(100) as clients:
        replies = list(clients.map(ask, range(400)))
    assert [reply[:15] for reply in replies[::2]] == [b"HTTP/1.1 200 OK"] * 200
    assert status_of(server) == 200


def test_manifest_that_is_not_understood_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "fastly.toml"
    manifest.write_text('[local_server.backends.events]\nurl = "http://a"\ncolour = "red"\n', encoding="utf-8")
    with pytest.raises(InvalidManifest, match=r"local_server\.backends\.events.*colour is unknown"):
        serve(manifest, COMPONENT, ("127.0.0.1", 0))
