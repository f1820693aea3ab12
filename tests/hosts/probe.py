"""A guest that asks its host for odd things and replies with what came of them, as JSON.

The same file is built to a component, for the hosts that run one, and runs on this Python natively. Each function of
the table at the end is one probe and returns what `describe` can write; it uses keys of its own, so the order does not
matter. What stands here is how the guest sees the host: `test_probes.py` has what must be seen.
"""

import json
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from importlib import import_module
from typing import Any

STORE = "probes"
exports: Any = import_module("wit_world.exports")
(
    async_io,
    backend,
    compute_runtime,
    config_store,
    geo,
    http_body,
    http_downstream,
    http_req,
    http_resp,
    http_types,
    kv_store,
    log,
    secret_store,
    types,
) = (
    import_module(f"wit_world.imports.{name}")
    for name in (
        "async_io",
        "backend",
        "compute_runtime",
        "config_store",
        "geo",
        "http_body",
        "http_downstream",
        "http_req",
        "http_resp",
        "http_types",
        "kv_store",
        "log",
        "secret_store",
        "types",
    )
)
Err: Any = import_module("componentize_py_types").Err

type Probe = Callable[[Any], object]


def describe(value: Any) -> object:
    """Write a value as JSON can have it: an enum by its name, an object of the bindings by its class."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        fields = {name: describe(field) for name, field in vars(value).items()}
        return [type(value).__name__, fields] if fields else type(value).__name__
    return value if value is None or isinstance(value, str | int | float | dict) else type(value).__name__


def attempt(action: Callable[..., object], *arguments: object) -> object:
    """Describe what comes of an action: its value, or the error that the host gives, or the guest's own."""
    try:
        return describe(action(*arguments))
    except Err as problem:
        return {"err": describe(problem.value)}
    except (AttributeError, TypeError, ValueError, KeyError) as problem:
        return {"raised": type(problem).__name__}


def read(body: Any) -> bytes:
    """Read a body to its end."""
    return b"".join(iter(lambda: http_body.read(body, 1 << 16), b""))


def make_body(content: bytes) -> Any:
    """Make a body."""
    body = http_body.new()
    http_body.write(body, content)
    return body


def store() -> Any:
    """Open the KV store."""
    return kv_store.Store.open(STORE)


def options(mode: str = "OVERWRITE", generation: int | None = None, metadata: str | None = None) -> Any:
    """Make the options of an insert."""
    return kv_store.InsertOptions(False, generation, metadata, None, kv_store.InsertMode[mode], None)


def put(key: str, content: bytes, *arguments: Any) -> object:
    """Insert, waiting."""
    return attempt(lambda: store().insert(key, make_body(content), options(*arguments)))


def put_async(key: str, content: bytes, *arguments: Any) -> object:
    """Insert, beginning and end apart."""
    pending = attempt_begin(lambda: store().insert_async(key, make_body(content), options(*arguments)))
    return pending if isinstance(pending, dict) else attempt(lambda: kv_store.await_insert(pending))


def attempt_begin(action: Callable[[], Any]) -> Any:
    """Begin something, or describe why it does not."""
    try:
        return action()
    except Err as problem:
        return {"begin": describe(problem.value)}


def get(key: str) -> object:
    """Look a key up, waiting."""
    return attempt(lambda: show_entry(store().lookup(key)))


def get_async(key: str) -> object:
    """Look a key up, beginning and end apart."""
    pending = attempt_begin(lambda: store().lookup_async(key))
    return pending if isinstance(pending, dict) else attempt(lambda: show_entry(kv_store.await_lookup(pending)))


def show_entry(entry: Any) -> object:
    """Return what an entry holds, but its generation, which differs from run to run."""
    return None if entry is None else [read(entry.take_body()), entry.metadata(1000)]


def list_keys(**given: Any) -> object:
    """List keys and decode the listing, its cursor by whether there is one."""
    wanted = {"mode": kv_store.ListMode.STRONG, "cursor": None, "limit": None, "prefix": None, "extra": None} | given

    def ask() -> object:
        listing: Any = json.loads(read(store().list(kv_store.ListOptions(**wanted))))
        if "next_cursor" in listing["meta"]:
            listing["meta"]["next_cursor"] = "some"
        return listing

    return attempt(ask)


def probe_open(_request: Any) -> object:
    """Open stores that are not there."""
    return [attempt(kv_store.Store.open, name) for name in ("nowhere", "", "a" * 300)]


KEYS = (
    "",
    ".",
    "..",
    "a/.",
    "a/..",
    "./a",
    "a#b",
    "a;b",
    "a?b",
    "a^b",
    "a|b",
    "a\nb",
    "a\rb",
    " ",
    "a b",
    "ä",
    "a" * 1025,
)
MORE_KEYS = (".well-known/acme-challenge/a", "a" * 1024, "a/b", "\t", "a*b")


def probe_bad_keys(_request: Any) -> object:
    """Look up odd keys, waiting."""
    return [get(key) for key in (*KEYS, *MORE_KEYS)]


def probe_bad_keys_async(_request: Any) -> object:
    """Look up odd keys, beginning and end apart."""
    return [get_async(key) for key in (*KEYS, *MORE_KEYS)]


def probe_bad_keys_written(_request: Any) -> object:
    """Insert and delete odd keys."""
    return [[put(key, b""), attempt(store().delete, key)] for key in ("", "..", "a#b", "a\nb")]


def probe_missing_key(_request: Any) -> object:
    """Look up and delete what is not there."""
    pending = store().delete_async("missing")
    return [
        get("missing"),
        get_async("missing"),
        attempt(lambda: store().delete("missing")),
        attempt(lambda: kv_store.await_delete(pending)),
    ]


def probe_manifest_value(_request: Any) -> object:
    """Look up what the manifest holds."""
    return [get("given"), get_async("given")]


def probe_entry(_request: Any) -> object:
    """Take the parts of an entry twice, and look at generations."""
    put("entry", b"content", "OVERWRITE", None, "about it")
    entry, again = store().lookup("entry"), store().lookup("entry")
    short = attempt(lambda: again.metadata(3))
    seen = [
        read(entry.take_body()),
        entry.take_body(),
        entry.metadata(100),
        entry.metadata(100),
        entry.generation() == again.generation(),
        entry.generation() > 0,
    ]
    put("entry", b"other")
    return [
        describe(seen),
        short,
        attempt(lambda: again.metadata(100)),
        store().lookup("entry").generation() > entry.generation(),
    ]


def probe_modes(_request: Any) -> object:
    """Insert in each mode, on a missing key and on one that is there."""
    seen = []
    for mode in ("OVERWRITE", "ADD", "APPEND", "PREPEND"):
        key = f"mode-{mode}"
        seen.append([put(key, b"1", mode), get(key), put(key, b"2", mode), get(key)])
    return seen


def probe_modes_async(_request: Any) -> object:
    """Add what is there, beginning and end apart."""
    return [put_async("added", b"1", "ADD"), put_async("added", b"2", "ADD"), get("added")]


def probe_generations(_request: Any) -> object:
    """Insert with the generation that is there, and with others."""
    put("generation", b"1")
    current = store().lookup("generation").generation()
    return [
        put("generation", b"stale", "OVERWRITE", current - 1),
        put_async("generation", b"stale", "OVERWRITE", current + 1),
        get("generation"),
        put("generation", b"2", "OVERWRITE", current),
        put("generation", b"3", "OVERWRITE", current),
        get("generation"),
        put("generation-missing", b"1", "OVERWRITE", 7),
        get("generation-missing"),
    ]


def probe_delete(_request: Any) -> object:
    """Delete a key twice, and insert it again."""
    put("deleted", b"1")
    seen = [attempt(lambda: store().delete("deleted")) for _ in range(2)]
    return [seen, get("deleted"), put("deleted", b"2", "ADD"), get("deleted")]


def probe_list(_request: Any) -> object:
    """List by prefix, limit and cursor."""
    for name in ("c", "a", "b"):
        put(f"list/{name}", b"")
    first = json.loads(read(store().list(kv_store.ListOptions(kv_store.ListMode.STRONG, None, 2, "list/", None))))
    return [
        list_keys(prefix="list/"),
        list_keys(prefix="list/", limit=2),
        list_keys(prefix="list/", limit=2, cursor=first["meta"]["next_cursor"]),
        list_keys(prefix="list/", limit=3),
        list_keys(prefix="list/", mode=kv_store.ListMode.EVENTUAL),
        list_keys(prefix="no such/"),
        list_keys(prefix="list/", cursor="not a cursor"),
    ]


def probe_large_value(_request: Any) -> object:
    """Write and read a value that takes many reads."""
    content = bytes(range(256)) * 2000
    put("large", content)
    return [
        read(store().lookup("large").take_body()) == content,
        attempt(lambda: http_body.get_known_length(make_body(b"abc"))),
    ]


def probe_bodies(_request: Any) -> object:
    """Put bodies together and read them."""
    body, other = make_body(b"b"), make_body(b"c")
    http_body.write_front(body, b"a")
    http_body.append(body, other)
    lengths = [http_body.get_known_length(body), http_body.read(body, 1), http_body.read(body, 0)]
    return [
        describe(lengths),
        describe([read(body), read(body), http_body.get_known_length(body)]),
        attempt(lambda: http_body.close(body)),
    ]


def probe_used_after_giving(_request: Any) -> object:
    """Use what was given away."""
    first, second = http_body.new(), http_body.new()
    http_body.append(first, second)
    return attempt(http_body.read, second, 1)


def probe_used_after_leaving(_request: Any) -> object:
    """Use what was let go at the end of its block."""
    with http_req.Request.new() as request:
        pass
    return attempt(request.get_method, 10)


def probe_left_after_giving(_request: Any) -> object:
    """Leave the block of what was given away."""
    first, second = http_body.new(), http_body.new()
    http_body.append(first, second)
    return attempt(second.__exit__, None, None, None)


def probe_argument_of_another_type(_request: Any) -> object:
    """Write text where bytes are asked for."""
    return attempt(http_body.write, http_body.new(), "text")


def probe_select(_request: Any) -> object:
    """Wait for one of two: lists of two borrowed handles."""
    store_now = store()
    lookups = [store_now.lookup_async("given") for _ in range(2)]
    chosen = async_io.select(lookups)
    timed = async_io.select_with_timeout(lookups, 1000)
    ready = [pollable.is_ready() for pollable in lookups]
    shown = [show_entry(kv_store.await_lookup(pending)) for pending in lookups]
    new = async_io.Pollable.new_ready()
    return [chosen, timed, ready, describe(shown), new.is_ready(), async_io.select([new, make_body(b"")])]


def probe_slow_backend(_request: Any) -> object:
    """Wait for a backend that answers in 0.5 s, not long enough and then as long as it takes."""
    pending = send("slow")
    other = send("slow")
    early = async_io.select_with_timeout([pending, other], 20)
    was_ready = pending.is_ready()
    late = async_io.select_with_timeout([pending, other], 5000) in (0, 1)
    response, body = http_req.await_response(pending)
    return [early, was_ready, late, response.get_status(), json.loads(read(body))["path"]]


def send(name: str, method: str = "POST", content: bytes = b"hello") -> Any:
    """Begin to send a request to a backend."""
    request = http_req.Request.new()
    request.set_method(method)
    request.set_uri("http://probe.test/path?query=1")
    request.insert_header("x-probe", b"1")
    return http_req.send_async_uncached(request, make_body(content), backend.Backend.open(name))


def probe_backend_reply(_request: Any) -> object:
    """Send to a backend that echoes what it got."""
    response, body = http_req.await_response(send("echo"))
    echoed: Any = json.loads(read(body))
    wanted = ("x-probe", "host", "content-length", "transfer-encoding")
    headers = {name: value for name, value in echoed["headers"].items() if name in wanted}
    return [
        response.get_status(),
        describe(response.get_header_value("x-echo", 10)),
        echoed["method"],
        echoed["path"],
        headers,
        echoed["body"],
    ]


def probe_backend_down(_request: Any) -> object:
    """Send to a backend that takes no connection."""
    return [
        attempt(lambda: http_req.await_response(send("down"))),
        attempt(lambda: http_req.send(http_req.Request.new(), make_body(b""), backend.Backend.open("echo"))),
        attempt(lambda: backend.Backend.open("nowhere")),
    ]


def probe_backend_facts(_request: Any) -> object:
    """Ask what is known of a backend."""
    opened = backend.Backend.open("named")
    return [
        opened.get_name(),
        describe(opened.is_healthy()),
        opened.is_dynamic(),
        opened.is_tls(),
        opened.get_host(100),
        opened.get_port(),
        describe(opened.get_override_host(100)),
        attempt(lambda: opened.get_host(1)),
        attempt(lambda: opened.get_override_host(1)),
    ]


def probe_request(_request: Any) -> object:
    """Fill a request with what fits and what does not."""
    made = http_req.Request.new()
    before = describe([made.get_method(10), made.get_uri(100), made.get_version()])
    changes: list[Callable[[], object]] = [
        lambda: made.set_method("PUT"),
        lambda: made.set_method("bad method"),
        lambda: made.set_uri("http://a.test/ü"),
        lambda: made.set_uri("http://a.test/a b"),
        lambda: made.set_uri("/relative"),
        lambda: made.set_version(http_types.HttpVersion.H2),
    ]
    return [
        before,
        [attempt(change) for change in changes],
        attempt(lambda: made.get_method(1)),
        describe([made.get_method(10), made.get_uri(100), made.get_version()]),
    ]


def probe_headers(_request: Any) -> object:
    """Set, add, list and remove headers, good and bad."""
    made = http_req.Request.new()
    changes: list[Callable[[], object]] = [
        lambda: made.insert_header("X-One", b"1"),
        lambda: made.append_header("x-one", b"2"),
        lambda: made.insert_header("bad name", b"1"),
        lambda: made.insert_header("", b"1"),
        lambda: made.insert_header("x-bad", b"a\nb"),
        lambda: made.insert_header("x-latin", b"\xe9"),
        lambda: made.remove_header("x-none"),
        lambda: made.set_header_values("x-two", b"a\0b\0"),
    ]
    seen = [attempt(change) for change in changes]
    asked: list[Callable[[], object]] = [
        lambda: made.get_header_value("x-ONE", 10),
        lambda: made.get_header_value("x-one", 0),
        lambda: made.get_header_value("x-none", 10),
        lambda: made.get_header_value("bad name", 10),
        lambda: made.get_header_values("x-one", 100, 0),
        lambda: made.get_header_values("x-one", 2, 0),
        lambda: made.get_header_values("x-one", 2, 1),
        lambda: made.get_header_values("x-one", 1, 0),
        lambda: made.get_header_values("x-two", 100, 0),
        lambda: made.get_header_names(100, 0),
        lambda: made.remove_header("x-one"),
        lambda: made.get_header_value("x-one", 10),
    ]
    return [seen, [attempt(ask) for ask in asked]]


def probe_response(_request: Any) -> object:
    """Fill a response with what fits and what does not."""
    made = http_resp.Response.new()
    statuses = [attempt(made.set_status, status) for status in (99, 100, 599, 999, 1000, 204)]
    return [
        statuses,
        made.get_status(),
        describe([made.get_remote_ip_addr(), made.get_remote_port(), made.get_version()]),
    ]


def probe_early_reply(_request: Any) -> object:
    """Try to reply with statuses that are no reply yet, before the one that is."""
    return [attempt(reply, status) for status in (100, 101, 102, 103, 104, 199)]


def reply(status: int) -> None:
    """Reply with a status and nothing else."""
    made = http_resp.Response.new()
    made.set_status(status)
    http_resp.send_downstream(made, make_body(b""))


def probe_downstream(request: Any) -> object:
    """Ask what is known of the client."""
    return [
        describe(http_downstream.downstream_client_ip_addr(request)),
        describe(http_downstream.downstream_server_ip_addr(request)),
        attempt(lambda: len(http_downstream.downstream_client_request_id(request, 100))),
        attempt(lambda: http_downstream.downstream_client_ddos_detected(request)),
        attempt(lambda: http_downstream.downstream_tls_protocol(request, 100)),
        attempt(lambda: http_downstream.downstream_tls_ja3_md5(request)),
        attempt(lambda: http_downstream.downstream_tls_client_servername(request, 100)),
        attempt(lambda: http_downstream.downstream_original_header_count(request)),
        attempt(lambda: http_downstream.downstream_original_header_names(request, 1000, 0)),
        describe(
            [request.get_method(10), request.get_uri(1000).rpartition("/")[2], request.get_header_value("x-asked", 10)]
        ),
    ]


def probe_config_store(_request: Any) -> object:
    """Ask config stores."""
    opened = config_store.Store.open("settings")
    return [
        attempt(lambda: config_store.Store.open("nowhere")),
        attempt(lambda: opened.get("word", 100)),
        attempt(lambda: opened.get("word", 1)),
        attempt(lambda: opened.get("missing", 100)),
        attempt(lambda: opened.get("", 100)),
        attempt(lambda: opened.get("empty", 100)),
    ]


def probe_secret_store(_request: Any) -> object:
    """Ask secret stores."""
    opened = secret_store.Store.open("keys")
    return [
        attempt(lambda: secret_store.Store.open("nowhere")),
        attempt(lambda: opened.get("key").plaintext(100)),
        attempt(lambda: opened.get("key").plaintext(1)),
        attempt(lambda: opened.get("missing")),
        attempt(lambda: secret_store.Secret.from_bytes(b"own").plaintext(100)),
    ]


def probe_log(_request: Any) -> object:
    """Open logs and write."""
    names = ("mine", "stdout", "STDERR", "fst_managed_x", "")
    return [
        *(attempt(log.Endpoint.open, name) for name in names),
        attempt(lambda: log.Endpoint.open("mine").write(b"a line")),
    ]


def probe_geo(_request: Any) -> object:
    """Ask where addresses are."""
    addresses = [
        types.IpAddress_Ipv4((127, 0, 0, 1)),
        types.IpAddress_Ipv4((10, 1, 2, 3)),
        types.IpAddress_Ipv6((0, 0, 0, 0, 0, 0, 0, 1)),
    ]
    return [attempt(look_up_place, address) for address in addresses]


def look_up_place(address: Any) -> object:
    """Return some of what is known of a place."""
    text = geo.lookup(address, 10_000)
    place: Any = json.loads(text) if text else {}
    return {name: place.get(name) for name in ("country_code", "city", "latitude")} if place else text


def probe_runtime(_request: Any) -> object:
    """Ask what the runtime says of itself."""
    return [
        len(compute_runtime.get_sandbox_id()),
        compute_runtime.get_vcpu_ms() >= 0,
        compute_runtime.get_pop(),
        compute_runtime.get_region(),
        compute_runtime.get_hostname(),
        compute_runtime.get_is_staging(),
        compute_runtime.get_service_version(),
        compute_runtime.get_cache_generation(),
    ]


PROBES: dict[str, Probe] = {
    name.removeprefix("probe_").replace("_", "-"): value
    for name, value in list(globals().items())
    if name.startswith("probe_")
}


class HttpIncoming(exports.HttpIncoming):  # type: ignore[misc]  # its class is known to the builder only
    """Answers `/NAME` with what the probe saw."""

    def handle(self, request: Any, _body: Any) -> None:
        """Run one probe and reply; a second reply is refused, which is one of the probes."""
        name = request.get_uri(1000).rpartition("/")[2]
        seen = PROBES[name](request) if name in PROBES else attempt(lambda: name)
        response = http_resp.Response.new()
        response.set_status(200)
        http_resp.send_downstream(response, make_body(json.dumps(seen).encode()))
