"""A small spec and a platform that serves it, for tests of the edge."""

import json
from collections.abc import Mapping
from dataclasses import replace

from edge.memory import MemoryPlatform
from edge.messages import BodyTooLarge, Reply, Request
from edge.sandbox import Sandbox
from edge.service import answer
from evaluator.decode import decode_project
from specstore.cut import cut_project, digest_page
from specstore.keys import manifest_key, page_key
from specstore.manifest import Manifest, encode_manifest, make_manifest

STORE = "gatelet-specs"
KEY = "statsig-test"
CLIENT = "client-test"
SERVER = "secret-test"
TIME = 1_600_000_000_000
NO_PAGES = {"page_writing_limit_bytes": "0"}

type Json = dict[str, object]


def gate(share: float = 100.0, **changes: object) -> Json:
    """A gate with one rule for everyone, `pass_all`, that lets this share of users pass."""
    rule = {
        "name": "pass_all",
        "id": "pass_all",
        "salt": "pass_all",
        "passPercentage": share,
        "conditions": ["everyone"],
        "returnValue": True,
        "idType": "userID",
    }
    spec = {"type": "feature_gate", "entity": "feature_gate", "salt": "s", "enabled": True, "defaultValue": False}
    return {**spec, "idType": "userID", "version": 3, "rules": [rule], **changes}


def document(time_ms: int = TIME, **gates: Json) -> Json:
    """A v2 spec with these gates."""
    return {
        "has_updates": True,
        "time": time_ms,
        "feature_gates": gates or {"open": gate(), "shut": gate(0.0)},
        "dynamic_configs": {},
        "layer_configs": {},
        "condition_map": {"everyone": {"type": "public", "targetValue": None, "operator": None, "field": None}},
    }


def platform(spec: object = None, **settings: str) -> MemoryPlatform:
    """A platform with keys, settings and a store that holds the spec: a JSON value, or bytes as they are."""
    made = MemoryPlatform(
        {"spec_key": KEY, "open_gate_check": "true", "events_batch_age_ms": "0", **NO_PAGES, **settings},
        {"client_key": CLIENT.encode(), "server_secret": SERVER.encode()},
    )
    value = document() if spec is None else spec
    made.put(STORE, KEY, value if isinstance(value, bytes) else json.dumps(value).encode())
    return made


def put_raw(outside: MemoryPlatform, value: object, metadata: str | None = None) -> int:
    """Write a raw value, a JSON value or bytes as they are, and return its generation."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return outside.put(STORE, KEY, content, metadata).generation


def put_pages(outside: MemoryPlatform, value: object, generation: int | None = None) -> Manifest:
    """Write the pages of a spec, then its manifest: made from a raw generation, or None when it leads."""
    cut = cut_project(decode_project(value))
    manifest = make_manifest(cut, generation=generation)
    for page in (*cut.pages, *cut.further, cut.rest):
        outside.put(STORE, page_key(KEY, digest_page(page)), page)
    outside.put(STORE, manifest_key(KEY), encode_manifest(manifest))
    return manifest


def put_both(outside: MemoryPlatform, value: object) -> Manifest:
    """Write a raw value and the pages made from it."""
    return put_pages(outside, value, put_raw(outside, value))


def request(
    target: str, body: object = None, *, method: str = "", key: str = SERVER, headers: Mapping[str, str] | None = None
) -> Request:
    """A request; with a body it is a POST, and a body of bytes is sent as it is."""
    path, _, query = target.partition("?")
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {**({"statsig-api-key": key} if key else {}), **(headers or {})}

    def read_body(limit: int) -> bytes:
        if len(content) > limit:
            raise BodyTooLarge
        return content

    return Request(method or ("GET" if body is None else "POST"), path, query, fields.get, read_body)


def ask(sandbox: Sandbox, asked: Request) -> Reply:
    """Answer a request and do what follows, as a host would; the events are made once, as they are there."""
    reply = answer(sandbox, asked)
    events = reply.events()
    reply = replace(reply, events=lambda: events)
    sandbox.after_reply(reply)
    return reply


def json_of(reply: Reply) -> Json:
    """The body of a reply, which must be a JSON object that says it is one."""
    assert reply.headers[0] == ("content-type", b"application/json")
    value = json.loads(reply.body)
    assert isinstance(value, dict)
    return value


def header_of(reply: Reply, name: str) -> str:
    """A header of a reply that must be there once."""
    (value,) = (value for key, value in reply.headers if key == name)
    return value.decode("ascii")
