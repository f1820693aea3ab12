"""The ports over Fastly's bindings.

The bindings raise `Err` with a value from the interface definition; each becomes one of our faults where it happens.
The package that turns them into exceptions of its own is left out on purpose: it wraps every function once more and
pulls in every interface. Bodies are read in large pieces: measured, 4 KiB at a time takes 7 ms for a spec of 432 KB,
1 MiB at a time 1 ms.
"""

import sys
import time
from collections.abc import Sequence
from enum import Enum
from typing import Final

from componentize_py_types import Err
from wit_world.imports import async_io, compute_runtime, config_store, http_body, http_req, kv_store, secret_store
from wit_world.imports.backend import Backend

from edge.messages import BodyTooLarge, Header
from edge.ports import DELIVERED, DeliveryFault, StoreFault

STORE_NAME: Final = "gatelet"  # of the Config Store and of the Secret Store
CHUNK: Final = 1 << 20
LONGEST_TEXT: Final = 1 << 16
ANSWER_READ: Final = 4096


class FastlyEntry:
    """A value in the KV store."""

    __slots__ = ("_entry", "generation")

    def __init__(self, entry: kv_store.Entry) -> None:
        self._entry = entry
        self.generation = entry.generation()

    def read(self) -> bytes:
        """Read the whole value."""
        body = self._entry.take_body()
        if body is None:
            raise StoreFault("the KV store gave an entry without a value")
        try:
            return read_all(body)
        except Err as problem:
            raise StoreFault(f"reading the KV store failed: {name_error(problem)}") from problem


class FastlyLookup:
    """A lookup on its way; holds the store open until it has ended."""

    __slots__ = ("_name", "_pending", "_store")

    def __init__(self, name: str, key: str) -> None:
        self._name = name
        try:
            self._store = kv_store.Store.open(name)
            self._pending = self._store.lookup_async(key)
        except Err as problem:
            raise StoreFault(f"the KV store {name} does not open: {name_error(problem)}") from problem

    def wait(self) -> FastlyEntry | None:
        """Return the entry."""
        try:
            entry = kv_store.await_lookup(self._pending)
        except Err as problem:
            raise StoreFault(f"the KV store {self._name} failed: {name_error(problem)}") from problem
        return None if entry is None else FastlyEntry(entry)


class FastlyDelivery:
    """A request to the events backend on its way."""

    __slots__ = ("_pending",)

    def __init__(self, pending: async_io.Pollable) -> None:
        self._pending = pending

    def settle(self, wait_ms: int) -> str | None:
        """Return what the backend answered, or None when it has not."""
        if wait_ms > 0:
            if async_io.select_with_timeout([self._pending], wait_ms) is None:
                return None
        elif not self._pending.is_ready():
            return None
        try:
            response, body = http_req.await_response(self._pending)
            with response:
                return judge_answer(response.get_status(), http_body.read(body, ANSWER_READ))
        except Err as problem:
            return f"the backend failed: {name_error(problem)}"


class FastlyPlatform:
    """Everything outside, on Fastly. Makes no host call until it is asked something."""

    __slots__ = ("_config", "_has_config", "_has_secrets", "_secrets", "_session")

    def __init__(self) -> None:
        self._config: config_store.Store | None = None
        self._has_config = True  # until opening it fails
        self._secrets: secret_store.Store | None = None
        self._has_secrets = True
        self._session = ""

    def find_setting(self, name: str) -> str | None:
        """Return an item of the Config Store; a service without one runs on defaults."""
        if self._config is None and self._has_config:
            try:
                self._config = config_store.Store.open(STORE_NAME)
            except Err as problem:
                self._has_config = False
                self.log(f"settings: the Config Store {STORE_NAME} does not open: {name_error(problem)}")
        return None if self._config is None else self._config.get(name, LONGEST_TEXT)

    def find_secret(self, name: str) -> bytes | None:
        """Return an item of the Secret Store; a service without one refuses every key."""
        if self._secrets is None and self._has_secrets:
            try:
                self._secrets = secret_store.Store.open(STORE_NAME)
            except Err as problem:
                self._has_secrets = False
                self.log(f"keys: the Secret Store {STORE_NAME} does not open: {name_error(problem)}")
        secret = None if self._secrets is None else self._secrets.get(name)
        return None if secret is None else secret.plaintext(LONGEST_TEXT)

    def begin_lookup(self, store: str, key: str) -> FastlyLookup:
        """Ask the KV store for a key."""
        return FastlyLookup(store, key)

    def begin_send(self, backend: str, url: str, headers: Sequence[Header], body: bytes) -> FastlyDelivery:
        """POST to a backend without waiting for its answer."""
        try:
            request = http_req.Request.new()
            request.set_method("POST")
            request.set_uri(url)
            for name, value in headers:
                request.insert_header(name, value)
            target = Backend.open(backend)
            return FastlyDelivery(http_req.send_async_uncached(request, make_body(body), target))
        except Err as problem:
            raise DeliveryFault(f"the backend {backend} takes nothing: {name_error(problem)}") from problem

    def session_id(self) -> str:
        """Return the sandbox's own ID."""
        if not self._session:
            self._session = compute_runtime.get_sandbox_id()
        return self._session

    def now_ms(self) -> int:
        """Return the wall clock."""
        return int(time.time() * 1000)

    def ticks(self) -> float:
        """Return the duration clock."""
        return time.perf_counter()

    def log(self, line: str) -> None:
        """Write a line to the service's log."""
        print(f"gatelet: {line}", file=sys.stderr, flush=True)


def make_body(content: bytes) -> async_io.Pollable:
    """Return a body that holds the content."""
    body = http_body.new()
    written = 0
    while written < len(content):
        written += http_body.write(body, content[written:] if written else content)
    return body


def read_all(body: async_io.Pollable) -> bytes:
    """Read a body to its end."""
    parts = []
    while part := http_body.read(body, CHUNK):
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_within(body: async_io.Pollable, limit: int) -> bytes:
    """Read a body of at most this length; raises BodyTooLarge without reading much more than that."""
    parts, length = [], 0
    while part := http_body.read(body, CHUNK):
        parts.append(part)
        length += len(part)
        if length > limit:
            raise BodyTooLarge
    return b"".join(parts)


def judge_answer(status: int, start: bytes) -> str:
    """Tell whether the events were taken: a 2xx that does not say otherwise."""
    if not 200 <= status < 300:
        return f"the backend answered {status}"
    if b'"success":false' in start.replace(b" ", b""):
        return f"the backend answered {status} with success false"
    return DELIVERED


def name_error(problem: Err[object]) -> str:
    """Return the name that the interface definition gives an error."""
    value = problem.value
    detail = getattr(value, "detail", None)
    if detail is not None:
        return type(detail).__name__.rpartition("_")[2]
    inner = getattr(value, "error", value)
    return inner.name.lower() if isinstance(inner, Enum) else type(inner).__name__.rpartition("_")[2]
