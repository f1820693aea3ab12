"""Statsig's download protocol on loopback: specs, the lookup of ID lists and their files, and troubles on demand."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "secret-of-the-tests"
SLOW_S = 0.5


@dataclass
class ListedFile:
    """The file of an ID list."""

    content: bytes
    file_id: str = "file-1"
    creation_time: int = 1_700_000_000_000
    size: int | None = None  # what the lookup says, when it is not the truth


@dataclass
class Asked:
    """A request as it came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Content:
    """What the server has, and what it does to the next requests: one trouble each, by path prefix."""

    spec: dict[str, Any] | None = None
    lists: dict[str, ListedFile] = field(default_factory=dict)
    troubles: list[tuple[str, str]] = field(default_factory=list)
    knows_ranges: bool = True
    asked: list[Asked] = field(default_factory=list)

    def take_trouble(self, path: str) -> str:
        """Return the trouble that is next for a path; empty when all is well."""
        for index, (prefix, trouble) in enumerate(self.troubles):
            if path.startswith(prefix):
                del self.troubles[index]
                return trouble
        return ""

    def list_paths(self) -> list[str]:
        """Return what was asked for, in order, without the key."""
        return [one.path.replace(KEY, "KEY") for one in self.asked]


class DownloadServer(ThreadingHTTPServer):
    """Serves one project."""

    daemon_threads = True

    def __init__(self, content: Content) -> None:
        self.content = content
        super().__init__(("127.0.0.1", 0), DownloadHandler)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def spec_url(self) -> str:
        """The address that the key follows."""
        return f"{self.url}/v2/download_config_specs"

    @property
    def id_lists_url(self) -> str:
        """The address of the lookup."""
        return f"{self.url}/v1/get_id_lists"


class DownloadHandler(BaseHTTPRequestHandler):
    """Answers as Statsig's servers do."""

    server: DownloadServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Return the spec, or an ID list's file."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self._is_troubled(parts.path, query):
            return
        if parts.path.startswith("/files/"):
            self._reply_file(parts.path.removeprefix("/files/"))
        elif parts.path == "/elsewhere":
            self._reply(200, b"<html>")
        elif parts.path.endswith(f"/{KEY}.json"):
            self._reply_spec(int(query.get("sinceTime", 0)))
        else:
            self._reply(401, b"Unauthorized")

    def do_POST(self) -> None:
        """Return the lookup of ID lists."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self._is_troubled(self.path, {}):
            return
        if self.headers.get("statsig-api-key") != KEY:
            self._reply(401, b"Unauthorized")
            return
        lookup = {
            name: {
                "name": name,
                "size": len(file.content) if file.size is None else file.size,
                "url": f"{self.server.url}/files/{name}",
                "creationTime": file.creation_time,
                "fileID": file.file_id,
            }
            for name, file in self.server.content.lists.items()
        }
        self._reply(200, json.dumps(lookup).encode())

    def _reply_spec(self, since: int) -> None:
        spec = self.server.content.spec
        if spec is None or spec["time"] == since:
            self._reply(200, b'{"has_updates": false}')
        else:
            self._reply(200, json.dumps(spec).encode())

    def _reply_file(self, name: str) -> None:
        content = self.server.content.lists[name].content
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if not self.server.content.knows_ranges:
            self._reply(200, content)
        elif start >= len(content):
            self._reply(416, b"")
        else:
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._reply(206, content[start:], {"Content-Range": place})

    def _is_troubled(self, path: str, query: dict[str, str]) -> bool:
        """Note a request, and do to it what was asked for; tells whether that was the reply."""
        content = self.server.content
        content.asked.append(Asked(path, query, {name.lower(): value for name, value in self.headers.items()}))
        trouble = content.take_trouble(path)
        if trouble.isdecimal():
            self._reply(int(trouble), b"no", {"Retry-After": "0"} if trouble == "429" else {})
        elif trouble == "redirect":
            self._send(302, {"Location": "/elsewhere", "Content-Length": "0"}, b"")
        elif trouble == "slow":
            time.sleep(SLOW_S)
        elif trouble == "cut":
            self._send(200, {"Content-Length": "1000"}, b'{"has_updates": tr')
            self.close_connection = True
        elif trouble == "cut_gzip":
            body = gzip.compress(json.dumps(content.spec).encode())[:-20]
            self._send(200, {"Content-Length": str(len(body)), "Content-Encoding": "gzip"}, body)
        elif trouble == "not_json":
            self._reply(200, b"<html>sorry</html>")
        return bool(trouble) and trouble != "slow"

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Reply, compressed when the client takes that; a range is of the file as it is."""
        extra = dict(headers or {})
        if "gzip" in self.headers.get("Accept-Encoding", "") and status == 200:
            body = gzip.compress(body)
            extra["Content-Encoding"] = "gzip"
        self._send(status, {"Content-Length": str(len(body)), **extra}, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def running_downloads(content: Content) -> Iterator[DownloadServer]:
    """Serve a project until the end of the block."""
    with DownloadServer(content) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
