"""Fastly's API for the items of a KV store, on loopback, over the store of the local hosts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from devhost.fastly.kv import KvStore
from devhost.fastly.values import Err

TOKEN = "token-test"
BASE = "/resources/stores/kv/store-test/keys"


class KvServer(ThreadingHTTPServer):
    """Serves one store."""

    daemon_threads = True

    def __init__(self, store: KvStore) -> None:
        self.store = store
        super().__init__(("127.0.0.1", 0), KvHandler)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class KvHandler(BaseHTTPRequestHandler):
    """Answers as the reference of Fastly's API says."""

    server: KvServer

    def do_GET(self) -> None:
        """List keys, or return a value."""
        key, query = self._read_target()
        if self.headers.get("Fastly-Key") != TOKEN:
            self._reply(401)
        elif not key:
            listing = self.server.store.list_keys(query.get("cursor"), query.get("prefix"), int(query["limit"]))
            self._reply(200, listing)
        elif (value := self.server.store.lookup(key)) is None:
            self._reply(404)
        else:
            self._reply(200, value.content, str(value.generation))

    def do_PUT(self) -> None:
        """Write a value."""
        key, query = self._read_target()
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        generation = self.headers.get("if-generation-match")
        mode = "add" if query.get("add") == "true" else "overwrite"
        try:
            self.server.store.insert(
                key, content, mode=mode, if_generation=None if generation is None else int(generation)
            )
        except Err:
            self._reply(412)
        else:
            self._reply(200)

    def do_DELETE(self) -> None:
        """Remove a key."""
        self._reply(204 if self.server.store.delete(self._read_target()[0]) else 404)

    def _read_target(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        assert parts.path.startswith(BASE)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return unquote(parts.path.removeprefix(BASE).removeprefix("/")), query

    def _reply(self, status: int, body: bytes = b"", generation: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if generation:
            self.send_header("generation", generation)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def running_store(store: KvStore) -> Iterator[KvServer]:
    """Serve a store until the end of the block."""
    with KvServer(store) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
