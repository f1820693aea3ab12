"""Fastly's API for KV, Config and Secret Stores, as its reference says and as Fastly's own CLI expects it.

The values of KV stores live in the `KvStore` of the local hosts, so that what was published can be served at once. How
an answer looks beyond the reference was seen in the recordings that Fastly's Go client is tested with: 412 with an
empty body for a condition that does not hold, `{"title": "success", "errors": []}` for a batch, a listing without
`next_cursor` at its end, an empty header `metadata` where there are none: a write without them takes them away. Secrets
cannot be read back, as at Fastly; those that a client has encrypted are refused.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from time import gmtime, strftime
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from devhost.apis.serving import Call, Reply, reply_json
from devhost.fastly.kv import KvStore, is_valid_key
from devhost.fastly.values import Err

ROOT = "/resources/stores/"
# Fastly's CLI asks for this before every command, also with a token (FASTLY_ACCOUNT_ENDPOINT names the server).
OPENID = "/realms/fastly/.well-known/openid-configuration"
OPENID_FIELDS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
LARGEST_VALUE = 25_000_000
LARGEST_METADATA = 2_000


class KvPlace(NamedTuple):
    """A KV store under the name that services link it by."""

    name: str
    store: KvStore


@dataclass(slots=True)
class Named:
    """A Config or Secret Store: its name, and its items."""

    name: str
    items: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class FastlyAccount:
    """What an account has, by the IDs of the stores; callable as an API."""

    token: str
    kv: dict[str, KvPlace] = field(default_factory=dict)
    config: dict[str, Named] = field(default_factory=dict)
    secret: dict[str, Named] = field(default_factory=dict)

    def __call__(self, call: Call) -> Reply | None:
        """Answer a call; None for a path that is not Fastly's."""
        if call.path == OPENID:
            return reply_json(200, dict.fromkeys(OPENID_FIELDS, f"http://{call.headers.get('host', '')}/none"))
        if not call.path.startswith(ROOT):
            return None
        if call.headers.get("fastly-key") != self.token:
            return reply_json(401, {"msg": "Provided credentials are missing or invalid"})
        kind, *rest = (unquote(part) for part in call.path.removeprefix(ROOT).split("/"))
        answer: Callable[[Call, list[str]], Reply] | None
        answer = {"kv": self._answer_kv, "config": self._answer_config, "secret": self._answer_secret}.get(kind)
        return None if answer is None else answer(call, rest)

    def _answer_kv(self, call: Call, rest: list[str]) -> Reply:
        if not rest:
            return self._list_or_make_kv(call)
        if rest[0] not in self.kv:
            return reply_json(404, {"title": "not found", "detail": f"no KV store {rest[0]}", "status": 404})
        place = self.kv[rest[0]]
        match rest[1:]:
            case []:
                return reply_json(200, describe_store(rest[0], place.name))
            case ["keys"]:
                return list_keys(place.store, call.query)
            case ["keys", key]:
                return answer_item(place.store, call, key)
            case ["batch"] if call.method == "PUT":
                return write_batch(place.store, call.body)
        return Reply(404)

    def _list_or_make_kv(self, call: Call) -> Reply:
        if call.method == "POST":
            name = str(json.loads(call.body)["name"])
            number = f"kv{len(self.kv) + 1}"
            self.kv[number] = KvPlace(name, KvStore())
            return reply_json(201, describe_store(number, name))
        named = {number: place.name for number, place in self.kv.items()}
        return reply_json(200, {"data": list_stores(named, call.query), "meta": {"limit": 1000, "total": len(named)}})

    def _answer_config(self, call: Call, rest: list[str]) -> Reply:
        if not rest:
            return reply_json(200, list_stores({number: one.name for number, one in self.config.items()}, call.query))
        store = self.config.get(rest[0])
        if store is None:
            return reply_json(404, {"msg": "Record not found"})
        match rest[1:]:
            case []:
                return reply_json(200, describe_store(rest[0], store.name))
            case ["items"]:
                return reply_json(200, [describe_item(rest[0], key, value) for key, value in store.items.items()])
            case ["item"] if call.method == "POST":
                form = parse_qs(call.body.decode(), keep_blank_values=True)
                return write_item(rest[0], store, form["item_key"][0], form.get("item_value", [""])[0])
            case ["item", key]:
                return answer_config_item(rest[0], store, call, key)
        return Reply(404)

    def _answer_secret(self, call: Call, rest: list[str]) -> Reply:
        if not rest:
            stores = list_stores({number: one.name for number, one in self.secret.items()}, call.query)
            return reply_json(200, {"data": stores, "meta": {"limit": 100}})
        store = self.secret.get(rest[0])
        if store is None:
            return reply_json(404, {"title": "not found", "status": 404})
        match rest[1:]:
            case []:
                return reply_json(200, describe_store(rest[0], store.name))
            case ["secrets"] if call.method == "GET":
                secrets = [describe_secret(name, value) for name, value in store.items.items()]
                return reply_json(200, {"data": secrets, "meta": {"limit": 100}})
            case ["secrets"]:
                return write_secret(store, call)
            case ["secrets", name] if name in store.items and call.method == "GET":
                return reply_json(200, describe_secret(name, store.items[name]))
            case ["secrets", name] if store.items.pop(name, None) is not None:
                return Reply(204)
        return reply_json(404, {"title": "not found", "status": 404})


def list_stores(named: Mapping[str, str], query: Mapping[str, str]) -> list[dict[str, object]]:
    """List stores, those of one name when asked so."""
    wanted = query.get("name")
    return [describe_store(number, name) for number, name in named.items() if wanted in (None, "", name)]


def describe_store(number: str, name: str) -> dict[str, object]:
    """Return what the API says of a store."""
    return {"id": number, "name": name, "created_at": now(), "updated_at": now()}


def now() -> str:
    """Return the time as the API writes it."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime())


def list_keys(store: KvStore, query: Mapping[str, str]) -> Reply:
    """List the keys of a KV store."""
    try:
        limit = int(query.get("limit") or 100)
        listing = store.list_keys(query.get("cursor") or None, query.get("prefix") or None, limit)
    except (ValueError, Err):
        return reply_json(400, {"title": "bad request", "detail": "limit or cursor", "status": 400})
    return Reply(200, listing, {"content-type": "application/json"})


def answer_item(store: KvStore, call: Call, key: str) -> Reply:
    """Read, write or delete an item of a KV store."""
    if not is_valid_key(key):
        return reply_json(400, {"title": "bad request", "detail": "the key", "status": 400})
    found = store.lookup(key)
    condition = call.headers.get("if-generation-match")
    if call.method == "PUT":
        return write_value(store, call, key)
    if call.method == "DELETE":
        if found is None:
            return Reply(204 if call.query.get("force") == "true" else 404)
        if condition not in (None, str(found.generation)):
            return Reply(412)
        store.delete(key)
        return Reply(204)
    if found is None:
        return Reply(404)
    headers = {"content-type": "application/octet-stream", "generation": str(found.generation)}
    about = {"metadata": found.metadata or "", "stored-content-length": str(len(found.content))}
    return Reply(200, found.content, {**headers, **about})


def write_value(store: KvStore, call: Call, key: str) -> Reply:
    """Write an item of a KV store."""
    metadata = call.headers.get("metadata")
    if len(call.body) > LARGEST_VALUE or len(metadata or "") > LARGEST_METADATA:
        return reply_json(413, {"title": "too large", "status": 413})
    mode = next((one for one in ("add", "append", "prepend") if call.query.get(one) == "true"), "overwrite")
    condition = call.headers.get("if-generation-match")
    ttl = call.headers.get("time_to_live_sec")
    try:
        generation = None if condition is None else int(condition)
        if generation is not None and store.lookup(key) is None:
            return Reply(412)
        store.insert(
            key,
            call.body,
            mode=mode,
            if_generation=generation,
            metadata=metadata,
            ttl=None if ttl is None else int(ttl),
        )
    except ValueError:
        return reply_json(400, {"title": "bad request", "status": 400})
    except Err:
        return Reply(412)
    return Reply(200)


def write_batch(store: KvStore, body: bytes) -> Reply:
    """Write a batch; what cannot be written is named by its index, and the rest is written."""
    errors = [error for error in write_lines(store, body) if error is not None]
    if errors:
        return reply_json(400, {"type": "", "title": "some items were not written", "errors": errors})
    return reply_json(200, {"type": "", "title": "success", "errors": []})


def write_lines(store: KvStore, body: bytes) -> Iterator[dict[str, object] | None]:
    """Write the JSON objects of a batch, each on a line, and yield what is wrong with each."""
    for index, line in enumerate(filter(bytes.strip, body.split(b"\n"))):
        try:
            item = json.loads(line)
            value = b64decode(item["value"], validate=True)
            is_too_large = len(value) > LARGEST_VALUE
            if not is_too_large:
                store.insert(str(item["key"]), value, metadata=item.get("metadata"), ttl=item.get("time_to_live_sec"))
            yield {"index": index, "code": "bad_request", "reason": "too large"} if is_too_large else None
        except (ValueError, KeyError, TypeError, Err) as problem:
            yield {"index": index, "code": "bad_request", "reason": str(problem)}


def describe_item(store_id: str, key: str, value: str) -> dict[str, object]:
    """Return what the API says of an item of a Config Store."""
    times = {"created_at": now(), "updated_at": now(), "deleted_at": None}
    return {"store_id": store_id, "item_key": key, "item_value": value, **times}


def write_item(store_id: str, store: Named, key: str, value: str) -> Reply:
    """Write an item of a Config Store."""
    store.items[key] = value
    return reply_json(200, describe_item(store_id, key, value))


def answer_config_item(store_id: str, store: Named, call: Call, key: str) -> Reply:
    """Read, write or delete an item of a Config Store; PATCH only changes one that is there, PUT makes it too."""
    if call.method in ("PUT", "PATCH"):
        if call.method == "PATCH" and key not in store.items:
            return reply_json(404, {"msg": "Record not found"})
        form = parse_qs(call.body.decode(), keep_blank_values=True)
        return write_item(store_id, store, key, form.get("item_value", [""])[0])
    if key not in store.items:
        return reply_json(404, {"msg": "Record not found"})
    if call.method == "DELETE":
        del store.items[key]
        return reply_json(200, {"status": "ok"})
    return reply_json(200, describe_item(store_id, key, store.items[key]))


def describe_secret(name: str, value: str) -> dict[str, object]:
    """Return what the API says of a secret, which is not the secret."""
    return {"name": name, "digest": b64encode(sha256(value.encode()).digest()).decode(), "created_at": now()}


def write_secret(store: Named, call: Call) -> Reply:
    """Write a secret: POST only a new one, PATCH only one that is there, PUT either."""
    document = json.loads(call.body)
    name = str(document["name"])
    if document.get("client_key"):
        return reply_json(400, {"title": "bad request", "detail": "encrypted secrets are not read here", "status": 400})
    if (call.method == "POST" and name in store.items) or (call.method == "PATCH" and name not in store.items):
        return reply_json(409 if call.method == "POST" else 404, {"title": "conflict or not found"})
    was_there = name in store.items
    store.items[name] = b64decode(document["secret"]).decode()
    return reply_json(200, {**describe_secret(name, store.items[name]), "recreated": was_there})
