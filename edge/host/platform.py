"""The ports over Fastly's bindings.

The bindings raise `Err` with a value from the interface definition; each becomes one of our faults where it happens.
The package that turns them into exceptions of its own is left out on purpose: it wraps every function once more and
pulls in every interface. Bodies are read in large pieces: measured, 4 KiB at a time takes 7 ms for a spec of 432 KB,
1 MiB at a time 1 ms.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from json import loads
from typing import Final

from componentize_py_types import Err
from wit_world.imports import async_io, compute_runtime, config_store, http_body, http_req, kv_store, log, secret_store
from wit_world.imports.backend import Backend

from edge.events.answers import Answer
from edge.host.addresses import find_place_country
from edge.host.rates import count_request
from edge.messages import BodyTooLarge, Header
from edge.ports import ALWAYS, LARGEST_VALUE, DeliveryFault, InsertRules, Listing, Pending, StoreFault, ValueTooLarge

STORE_NAME: Final = "gatelet"  # of the Config Store and of the Secret Store
CHUNK: Final = 1 << 20
LONGEST_TEXT: Final = 1 << 16
ANSWER_READ: Final = 4096
HTTP_FAULT: Final = 400  # statuses from here on say that something went wrong
MOST_LINES: Final = 50  # kept for a log endpoint
MOST_KEYS: Final = 1000  # of one listing, as Fastly documents it

type Keep = Callable[[object], None]  # takes a handle that is done with


class FastlyEntry:
    """A value in the KV store."""

    __slots__ = ("_entry", "_generation", "_keep")

    def __init__(self, entry: kv_store.Entry, keep: Keep) -> None:
        self._entry = entry
        self._keep = keep
        self._generation: int | None = None

    @property
    def generation(self) -> int:
        """Tell this value from an earlier one under the same key; asked of the host once."""
        if self._generation is None:
            self._generation = self._entry.generation()
        return self._generation

    def metadata(self) -> str | None:
        """Return the metadata."""
        try:
            return self._entry.metadata(LONGEST_TEXT)
        except Err as problem:
            raise StoreFault(f"reading the KV store's metadata failed: {name_error(problem)}") from problem

    def read(self, limit: int = LARGEST_VALUE) -> bytes:
        """Read the whole value."""
        body = self._entry.take_body()
        if body is None:
            raise StoreFault("the KV store gave an entry without a value")
        self._keep(body)
        try:
            return read_value(body, limit)
        except Err as problem:
            raise StoreFault(f"reading the KV store failed: {name_error(problem)}") from problem


class FastlyPending:
    """Something on its way; `pollable` is the host's handle for it."""

    __slots__ = ("pollable",)

    def __init__(self, pollable: async_io.Pollable) -> None:
        self.pollable = pollable

    def is_ready(self) -> bool:
        """Tell whether its outcome is there."""
        return self.pollable.is_ready()


class FastlyStorePending(FastlyPending):
    """Something asked of a KV store; the name is for messages."""

    __slots__ = ("_name",)

    def __init__(self, name: str, pollable: async_io.Pollable) -> None:
        super().__init__(pollable)
        self._name = name


class FastlyLookup(FastlyStorePending):
    """A lookup on its way."""

    __slots__ = ("_keep",)

    def __init__(self, name: str, pollable: async_io.Pollable, keep: Keep) -> None:  # no `super`: each is a call more
        self.pollable = pollable
        self._name = name
        self._keep = keep

    def wait(self) -> FastlyEntry | None:
        """Return the entry."""
        try:
            entry = kv_store.await_lookup(self.pollable)
        except Err as problem:
            raise store_fault(self._name, problem) from problem
        return None if entry is None else FastlyEntry(entry, self._keep)


class FastlyInsert(FastlyStorePending):
    """An insert on its way."""

    __slots__ = ()

    def wait(self) -> bool:
        """Tell whether the value was written."""
        try:
            kv_store.await_insert(self.pollable)
        except Err as problem:
            if isinstance(problem.value, kv_store.KvError_PreconditionFailed):
                return False
            raise store_fault(self._name, problem) from problem
        return True


class FastlyDelete(FastlyStorePending):
    """A deletion on its way."""

    __slots__ = ()

    def wait(self) -> bool:
        """Tell whether there was something to delete."""
        try:
            return kv_store.await_delete(self.pollable)
        except Err as problem:
            raise store_fault(self._name, problem) from problem


class FastlyListing(FastlyStorePending):
    """A listing on its way."""

    __slots__ = ()

    def wait(self) -> Listing:
        """Return the listing."""
        try:
            return read_listing(read_value(kv_store.await_list(self.pollable), LARGEST_VALUE))
        except Err as problem:
            raise store_fault(self._name, problem) from problem


class FastlyDelivery(FastlyPending):
    """A request to the events backend on its way: first its response, then the beginning of the body."""

    __slots__ = ("_answer",)

    def __init__(self, pollable: async_io.Pollable) -> None:
        super().__init__(pollable)
        self._answer: Answer | None = None

    def find_answer(self) -> Answer | None:
        """Return what the backend answered, once it is there."""
        try:
            if self._answer is None and self.pollable.is_ready():
                self._read_head()
            if self._answer is None or not self.pollable.is_ready():
                return None
        except Err as problem:
            return Answer(0, problem=f"the backend failed: {name_error(problem)}")
        return Answer(self._answer.status, self._read_start(), self._answer.retry_after)

    def _read_head(self) -> None:
        response, body = http_req.await_response(self.pollable)
        with response:
            status = response.get_status()
            retry_after = b"" if status < HTTP_FAULT else response.get_header_value("retry-after", LONGEST_TEXT) or b""
        self._answer = Answer(status, retry_after=retry_after.decode("latin-1"))
        self.pollable = body

    def _read_start(self) -> bytes:
        """Read the beginning of the body; when it breaks, the status has said enough."""
        try:
            return http_body.read(self.pollable, ANSWER_READ)
        except Err:
            return b""


class FastlyPlatform:
    """Everything outside, on Fastly. Makes no host call until it is asked something."""

    __slots__ = (
        "_config",
        "_endpoints",
        "_has_config",
        "_has_secrets",
        "_kept",
        "_lines",
        "_secrets",
        "_session",
        "_stores",
    )

    def __init__(self) -> None:
        self._config: config_store.Store | None = None
        self._has_config = True  # until opening it fails
        self._secrets: secret_store.Store | None = None
        self._has_secrets = True
        self._kept: list[object] | None = None
        self._session = ""
        self._lines: deque[str] = deque(maxlen=MOST_LINES)  # for a log endpoint
        self._endpoints: dict[str, log.Endpoint] = {}
        self._stores: dict[str, kv_store.Store] = {}  # opening one costs about as much as a lookup in it

    def begin_reply(self) -> None:
        """Keep handles that are done with from here on: letting one go is a call of the host, which can wait."""
        self._kept = []

    def end_reply(self) -> None:
        """Let the kept handles go, and all others as soon as they are done with."""
        self._kept = None

    def keep(self, handle: object) -> None:
        """Keep a handle until the client has its reply."""
        if self._kept is not None:
            self._kept.append(handle)

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
        if secret is None:
            return None
        self.keep(secret)
        return secret.plaintext(LONGEST_TEXT)

    def lookup(self, store: str, key: str) -> FastlyEntry | None:
        """Look a key up in the KV store and wait for it."""
        try:
            entry = self.open_store(store).lookup(key)
        except Err as problem:
            raise store_fault(store, problem) from problem
        if entry is None:
            return None
        self.keep(entry)
        return FastlyEntry(entry, self.keep)

    def begin_lookup(self, store: str, key: str) -> FastlyLookup:
        """Ask the KV store for a key."""
        try:
            return FastlyLookup(store, self.open_store(store).lookup_async(key), self.keep)
        except Err as problem:
            raise store_fault(store, problem) from problem

    def begin_insert(self, store: str, key: str, value: bytes, rules: InsertRules = ALWAYS) -> FastlyInsert:
        """Write to the KV store."""
        mode = kv_store.InsertMode.ADD if rules.only_new else kv_store.InsertMode.OVERWRITE
        options = kv_store.InsertOptions(False, rules.if_generation, rules.metadata, rules.ttl_seconds, mode, None)
        try:
            return FastlyInsert(store, self.open_store(store).insert_async(key, make_body(value), options))
        except Err as problem:
            raise store_fault(store, problem) from problem

    def begin_delete(self, store: str, key: str) -> FastlyDelete:
        """Remove a key from the KV store."""
        try:
            return FastlyDelete(store, self.open_store(store).delete_async(key))
        except Err as problem:
            raise store_fault(store, problem) from problem

    def list_keys(self, store: str, prefix: str, limit: int) -> tuple[str, ...]:
        """List keys of the KV store, as they are everywhere by now."""
        return self.begin_list(store, prefix).wait().keys[:limit]

    def begin_list(self, store: str, prefix: str, cursor: str = "") -> FastlyListing:
        """Ask for keys of the KV store."""
        options = kv_store.ListOptions(kv_store.ListMode.STRONG, cursor or None, MOST_KEYS, prefix, None)
        try:
            return FastlyListing(store, self.open_store(store).list_async(options))
        except Err as problem:
            raise store_fault(store, problem) from problem

    def wait_any(self, pendings: Sequence[Pending], seconds: float) -> None:
        """Wait for one of these."""
        pollables = list_pollables(pendings)
        if pollables:
            async_io.select_with_timeout(pollables, int(seconds * 1000) + 1)
        else:
            time.sleep(seconds)

    def open_store(self, name: str) -> kv_store.Store:
        """Open a KV store, once."""
        opened = self._stores.get(name)
        if opened is not None:
            return opened
        try:
            opened = self._stores[name] = kv_store.Store.open(name)
        except Err as problem:
            raise StoreFault(f"the KV store {name} does not open: {name_error(problem)}") from problem
        return opened

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

    def is_over_rate(self, entry: str, limit: int) -> bool:
        """Ask Fastly's rate limiter; without one nobody is limited, and the log says so."""
        try:
            return count_request(entry, limit)
        except Err as problem:
            self.log(f"rates: not limited: {name_error(problem)}")
            return False

    def find_country(self, ip: str) -> str | None:
        """Return the two-letter country that Fastly's geolocation gives an address."""
        return find_place_country(ip)

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
        self._lines.append(line)
        sys.stderr.write(f"gatelet: {line}\n")
        sys.stderr.flush()

    def take_lines(self) -> tuple[str, ...]:
        """Return the lines written since the last call, the latest few of them."""
        lines = tuple(self._lines)
        self._lines.clear()
        return lines

    def write_log(self, endpoint: str, message: bytes) -> None:
        """Write to one of Fastly's log endpoints; what it does not take is not worth a word in the same log."""
        try:
            opened = self._endpoints.get(endpoint) or log.Endpoint.open(endpoint)
            self._endpoints[endpoint] = opened
            opened.write(message)
        except Err as problem:
            sys.stderr.write(f"gatelet: log: the endpoint {endpoint} does not open: {name_error(problem)}\n")
            sys.stderr.flush()


def list_pollables(pendings: Sequence[Pending]) -> list[async_io.Pollable]:
    """Return the host's handles for what is on its way."""
    return [pending.pollable for pending in pendings if isinstance(pending, FastlyPending)]


def make_body(content: bytes) -> async_io.Pollable:
    """Return a body that holds the content."""
    body = http_body.new()
    written = 0
    while written < len(content):
        written += http_body.write(body, content[written:] if written else content)
    return body


def read_value(body: async_io.Pollable, limit: int) -> bytes:
    """Read a value to its end; raises ValueTooLarge as soon as it is known to be longer than the limit."""
    content = read_to_end(body, limit)
    if content is None:
        raise ValueTooLarge(f"the value is longer than {limit} bytes")
    return content


def read_within(body: async_io.Pollable, limit: int) -> bytes:
    """Read a body of at most this length; raises BodyTooLarge without reading much more than that."""
    content = read_to_end(body, limit)
    if content is None:
        raise BodyTooLarge
    return content


def read_to_end(body: async_io.Pollable, limit: int) -> bytes | None:
    """Read a body to its end; None, without reading much more, when it is longer than the limit.

    Where the host knows the length, that much is asked for and no more: a host that makes room for all that is asked
    for (Viceroy does) touches less memory, and the last read, which finds nothing, falls away.
    """
    known = http_body.get_known_length(body)
    if known is not None and known > limit:
        return None
    parts: list[bytes] = []
    length = 0
    while length <= limit and length != known and (part := http_body.read(body, choose_read(known, length))):
        if len(part) == known:  # nearly always
            return part
        parts.append(part)
        length += len(part)
    if length > limit:
        return None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def choose_read(known: int | None, length: int) -> int:
    """Return how much to ask for behind what was read."""
    return CHUNK if known is None else min(CHUNK, known - length)


def read_listing(listing: bytes) -> Listing:
    """Read a listing, the JSON object `{"data": [keys], "meta": {"next_cursor": …}}`; raises StoreFault."""
    try:
        document = loads(listing)
        return Listing(tuple(document["data"]), document["meta"].get("next_cursor") or "")
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise StoreFault("the KV store gave a listing that is none") from problem


def store_fault(name: str, problem: Err[object]) -> StoreFault:
    """Return our fault for what a KV store answered."""
    return StoreFault(f"the KV store {name} failed: {name_error(problem)}")


def name_error(problem: Err[object]) -> str:
    """Return the name that the interface definition gives an error."""
    value = problem.value
    detail = getattr(value, "detail", None)
    if detail is not None:
        return type(detail).__name__.rpartition("_")[2]
    inner = getattr(value, "error", value)
    return inner.name.lower() if isinstance(inner, Enum) else type(inner).__name__.rpartition("_")[2]
