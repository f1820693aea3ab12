"""A host for the rehearsal: the requests of the build go through the entry, the bindings and back as in earnest.

There is no host yet while the component is built, so `ScriptedHost` answers the calls of the bindings; its outside is
a platform in memory. Code is thereby rewritten for the very objects it meets later: rehearsed against another platform,
each place that asks the platform would have to be rewritten in every sandbox. A function without an answer here ends
the build.
"""

from contextlib import redirect_stderr
from io import BytesIO, TextIOWrapper
from types import CodeType
from typing import Any, Final

from componentize_py_types import Err, Ok
from wit_world.imports import async_io, config_store, http_req, http_resp, kv_store, secret_store
from wit_world.imports.backend import Backend
from wit_world.imports.types import IpAddress_Ipv4

from edge.cold.made_up import Rehearsed
from edge.host.incoming import NEW_STATUS, handle_requests
from edge.host.platform import FastlyPlatform
from edge.host.scripting import answering, make_handle
from edge.memory import MemoryEntry, MemoryPending, MemoryPlatform
from edge.messages import encode_json
from edge.ports import InsertRules, StoreFault
from edge.sandbox import Sandbox

BUG: Final = b"gatelet: bug:"  # how the line begins that the outermost guard logs
DONE: Final = Ok(None)
# Where a rehearsed request logs to, an object of the same kind as in earnest. There is one: making it asks a class for
# an attribute by a name of its own, which Python remembers, and with it the page that the name lies on.
LOG: Final = BytesIO()
LOG_WRITER: Final = TextIOWrapper(LOG, write_through=True)


class RehearsalFailed(Exception):
    """Something went wrong that a client would not see; the message is what the service logged of it."""


class Unscripted(Exception):
    """The bindings called a function that the script lacks."""


def serve_through_bindings(outside: MemoryPlatform, rehearsed: Rehearsed) -> int:
    """Answer a request in a sandbox of its own through the bindings, and do what follows; returns the status.

    The entry turns whatever goes wrong into a line of its log, which is looked through: raises RehearsalFailed.
    """
    host = ScriptedHost(outside, rehearsed)
    with answering(host.call), redirect_stderr(LOG_WRITER):
        platform = FastlyPlatform()
        handle_requests(platform, Sandbox(platform), *host.give_request())
    said = LOG.getvalue()
    LOG.seek(0)
    LOG.truncate()
    if BUG in said:
        raise RehearsalFailed(said.decode())
    return host.status


class ScriptedHost:
    """Answers the calls of one request; what lies behind a handle is kept by its number."""

    def __init__(self, outside: MemoryPlatform, rehearsed: Rehearsed) -> None:
        self.status = 0  # of the reply that was sent
        self._new_status = NEW_STATUS
        self._outside = outside
        self._request = rehearsed.request
        self._left = rehearsed.times
        self._held: list[Any] = []

    def call(self, caller: CodeType, arguments: list[Any]) -> object:
        """Answer what a function of the bindings asks; raises Unscripted."""
        module = caller.co_filename.rpartition("/")[2].removesuffix(".py")
        name = f"_{module}_{caller.co_qualname}".lower().replace(".", "_")
        answer = vars(ScriptedHost).get(name)  # asked as an attribute, Python would remember the name, and its page
        if answer is None:
            raise Unscripted(name)
        return answer(self, *arguments)

    def give[Kind](self, kind: type[Kind], content: object) -> Kind:
        """Make a handle with something behind it."""
        self._held.append(content)
        return make_handle(kind, len(self._held) - 1)

    def give_body(self, content: bytes = b"") -> async_io.Pollable:
        """Make a body."""
        return self.give(async_io.Pollable, bytearray(content))

    def give_request(self) -> tuple[http_req.Request, async_io.Pollable]:
        """Make the request and its body, once more."""
        self._left -= 1
        return self.give(http_req.Request, None), self.give_body(self._request.read_body(1 << 20))

    def find(self, handle: Any) -> Any:
        """Return what lies behind a handle."""
        return self._held[handle.handle]

    # The stores.

    def _config_store_store_open(self, _name: str) -> object:
        return Ok(self.give(config_store.Store, None))

    def _config_store_store_get(self, _store: object, name: str, _limit: int) -> object:
        return Ok(self._outside.find_setting(name))

    def _secret_store_store_open(self, _name: str) -> object:
        return Ok(self.give(secret_store.Store, None))

    def _secret_store_store_get(self, _store: object, name: str) -> object:
        secret = self._outside.find_secret(name)
        return Ok(None if secret is None else self.give(secret_store.Secret, secret))

    def _secret_store_secret_plaintext(self, secret: object, _limit: int) -> object:
        return Ok(self.find(secret))

    def _kv_store_store_open(self, name: str) -> object:
        return Ok(self.give(kv_store.Store, name))

    def _kv_store_store_lookup_async(self, store: object, key: str) -> object:
        return Ok(self.give(async_io.Pollable, self._outside.begin_lookup(self.find(store), key)))

    def _kv_store_store_lookup(self, store: object, key: str) -> object:
        pending = self._outside.begin_lookup(self.find(store), key)
        return self._kv_store_await_lookup(self.give(async_io.Pollable, pending))

    def _kv_store_await_lookup(self, handle: object) -> object:
        pending: MemoryPending[MemoryEntry | None] = self.find(handle)
        try:
            entry = pending.wait()
        except StoreFault:
            return Err(kv_store.KvError_InternalError())
        return Ok(None if entry is None else self.give(kv_store.Entry, entry))

    def _kv_store_entry_take_body(self, entry: object) -> object:
        return self.give_body(self.find(entry).read())

    def _kv_store_entry_generation(self, entry: object) -> object:
        return self.find(entry).generation

    def _kv_store_entry_metadata(self, entry: object, _limit: int) -> object:
        return Ok(self.find(entry).metadata())

    def _kv_store_store_insert_async(self, store: object, key: str, body: object, rules: Any) -> object:
        only_new = rules.mode == kv_store.InsertMode.ADD
        kept = InsertRules(only_new, rules.if_generation_match, rules.metadata, rules.time_to_live_sec)
        pending = self._outside.begin_insert(self.find(store), key, bytes(self.find(body)), kept)
        return Ok(self.give(async_io.Pollable, pending))

    def _kv_store_await_insert(self, handle: object) -> object:
        try:
            was_written = self.find(handle).wait()
        except StoreFault:
            return Err(kv_store.KvError_InternalError())
        return DONE if was_written else Err(kv_store.KvError_PreconditionFailed())

    def _kv_store_store_delete_async(self, store: object, key: str) -> object:
        return Ok(self.give(async_io.Pollable, self._outside.begin_delete(self.find(store), key)))

    def _kv_store_await_delete(self, handle: object) -> object:
        return Ok(self.find(handle).wait())

    def _kv_store_store_list_async(self, store: object, options: Any) -> object:
        pending = self._outside.begin_list(self.find(store), options.prefix, options.cursor or "")
        return Ok(self.give(async_io.Pollable, pending))

    def _kv_store_await_list(self, handle: object) -> object:
        listing = self.find(handle).wait()
        return Ok(self.give_body(encode_json({"data": listing.keys, "meta": {"next_cursor": listing.cursor}})))

    # The request, the reply and what is sent behind it.

    def _http_req_request_get_uri(self, _request: object, _limit: int) -> object:
        query = f"?{self._request.query}" if self._request.query else ""
        return Ok(f"{self._request.path}{query}")

    def _http_req_request_get_method(self, _request: object, _limit: int) -> object:
        return Ok(self._request.method)

    def _http_req_request_get_header_value(self, _request: object, name: str, _limit: int) -> object:
        value = self._request.find_header(name)
        return Ok(None if value is None else value.encode())

    def _http_req_request_new(self) -> object:
        return Ok(self.give(http_req.Request, None))

    def _http_req_request_set_method(self, *_arguments: object) -> object:
        return DONE

    def _http_req_request_set_uri(self, *_arguments: object) -> object:
        return DONE

    def _http_req_request_insert_header(self, *_arguments: object) -> object:
        return DONE

    def _backend_backend_open(self, name: str) -> object:
        return Ok(self.give(Backend, name))

    def _http_req_send_async_uncached(self, _request: object, body: object, backend: object) -> object:
        pending = self._outside.begin_send(self.find(backend), "", (), bytes(self.find(body)))
        return Ok(self.give(async_io.Pollable, pending))

    def _http_req_await_response(self, handle: object) -> object:
        answered = self.find(handle).wait()
        return Ok((self.give(http_resp.Response, answered.status), self.give_body(answered.start)))

    def _http_resp_response_new(self) -> object:
        return Ok(self.give(http_resp.Response, None))

    def _http_resp_response_set_status(self, _response: object, status: int) -> object:
        self._new_status = status
        return DONE

    def _http_resp_response_get_status(self, response: object) -> object:
        return Ok(self.find(response))

    def _http_resp_response_insert_header(self, *_arguments: object) -> object:
        return DONE

    def _http_resp_response_get_header_value(self, *_arguments: object) -> object:
        return Ok(None)

    def _http_resp_send_downstream(self, *_arguments: object) -> object:
        self.status = self._new_status
        return DONE

    def _http_body_new(self) -> object:
        return Ok(self.give_body())

    def _http_body_read(self, body: object, size: int) -> object:
        content = self.find(body)
        part = bytes(content[:size])
        del content[:size]
        return Ok(part)

    def _http_body_write(self, body: object, content: bytes) -> object:
        self.find(body).extend(content)
        return Ok(len(content))

    def _http_body_get_known_length(self, body: object) -> object:
        return len(self.find(body))

    def _http_downstream_next_request(self, _options: object) -> object:
        return Ok(self.give(async_io.Pollable, None))

    def _http_downstream_await_request(self, _handle: object) -> object:
        return Ok(self.give_request()) if self._left else DONE

    def _http_downstream_downstream_client_ip_addr(self, _request: object) -> object:
        return IpAddress_Ipv4((192, 0, 2, 2))

    def _async_io_pollable_is_ready(self, _pollable: object) -> object:
        return True

    def _async_io_select(self, pollables: list[object]) -> object:
        return len(pollables) - 1

    def _async_io_select_with_timeout(self, pollables: list[object], _timeout_ms: int) -> object:
        return len(pollables) - 1

    def _compute_runtime_get_sandbox_id(self) -> object:
        return "rehearsal"

    def _geo_lookup(self, _address: object, _limit: int) -> object:
        return Ok("{}")
