"""Cloudflare's API for Workers KV, as its reference says: values, metadata, bulk writes, listings with a cursor."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from email.parser import BytesParser
from urllib.parse import unquote

from devhost.apis.serving import Call, Reply, reply_json

ROOT = "/client/v4/accounts/"
LARGEST_VALUE = 25 * 1024 * 1024
LONGEST_KEY = 512
LARGEST_METADATA = 1_024
MOST_PAIRS = 10_000
LARGEST_BULK = 100_000_000


@dataclass(slots=True)
class Namespace:
    """The entries of a namespace: values, and metadata as JSON."""

    values: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, object] = field(default_factory=dict)

    def write(self, key: str, value: bytes, metadata: object) -> bool:
        """Write an entry if Cloudflare would take it."""
        size = 0 if metadata is None else len(json.dumps(metadata).encode())
        if len(key.encode()) > LONGEST_KEY or len(value) > LARGEST_VALUE or size > LARGEST_METADATA:
            return False
        self.values[key] = value
        self.metadata.pop(key, None)
        if metadata is not None:
            self.metadata[key] = metadata
        return True


@dataclass(slots=True)
class CloudflareAccount:
    """An account with its namespaces by their IDs; callable as an API."""

    token: str
    number: str
    namespaces: dict[str, Namespace]

    def __call__(self, call: Call) -> Reply | None:
        """Answer a call; None for a path that is not Cloudflare's."""
        if not call.path.startswith(ROOT):
            return None
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return refuse(403, 10000, "Authentication error")
        match [unquote(part) for part in call.path.removeprefix(ROOT).split("/")]:
            case [self.number, "storage", "kv", "namespaces", number, *rest] if number in self.namespaces:
                return answer_namespace(self.namespaces[number], call, rest)
        return refuse(404, 10013, "namespace not found")


def answer_namespace(namespace: Namespace, call: Call, rest: list[str]) -> Reply:
    """Answer a call to a namespace."""
    match rest:
        case ["keys"]:
            return list_keys(namespace, call)
        case ["bulk"] if call.method == "PUT":
            return write_bulk(namespace, call)
        case ["metadata", key] if key in namespace.values:
            return succeed(namespace.metadata.get(key))
        case ["values", key] if call.method == "PUT":
            return write_value(namespace, call, key)
        case ["values", key] if call.method == "DELETE":
            namespace.values.pop(key, None)
            namespace.metadata.pop(key, None)
            return succeed({})
        case ["values", key] if key in namespace.values:
            return Reply(200, namespace.values[key], {"content-type": "application/octet-stream"})
    return refuse(404, 10009, "get: 'key not found'")


def succeed(result: object, **more: object) -> Reply:
    """Reply as Cloudflare does when it did what it was asked."""
    return reply_json(200, {"success": True, "errors": [], "messages": [], "result": result, **more})


def refuse(status: int, code: int, message: str) -> Reply:
    """Reply as Cloudflare does when it did not."""
    return reply_json(status, {"success": False, "errors": [{"code": code, "message": message}], "result": None})


def list_keys(namespace: Namespace, call: Call) -> Reply:
    """List keys with their metadata; the cursor is the last key, encoded."""
    limit = int(call.query.get("limit") or 1000)
    if not 10 <= limit <= 1000:
        return refuse(400, 10023, "limit must be from 10 to 1000")
    after = b64decode(call.query.get("cursor", "")).decode()
    found = [key for key in sorted(namespace.values) if key > after and key.startswith(call.query.get("prefix", ""))]
    names = found[:limit]
    cursor = b64encode(names[-1].encode()).decode() if len(found) > limit else ""
    result = [{"name": key, **({"metadata": m} if (m := namespace.metadata.get(key)) else {})} for key in names]
    return succeed(result, result_info={"count": len(names), "cursor": cursor})


def write_value(namespace: Namespace, call: Call, key: str) -> Reply:
    """Write a value: the body itself, or a form with the parts `value` and `metadata`."""
    value, metadata = call.body, None
    kind = call.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        parts = read_form(kind, call.body)
        value, metadata = parts["value"], json.loads(parts.get("metadata", b"null"))
    return succeed({}) if namespace.write(key, value, metadata) else refuse(400, 10033, "key, value or metadata")


def read_form(kind: str, body: bytes) -> dict[str, bytes]:
    """Read the parts of a form."""
    form = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts: dict[str, bytes] = {}
    for part in form.walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            parts[str(part.get_param("name", "", "content-disposition"))] = content
    return parts


def write_bulk(namespace: Namespace, call: Call) -> Reply:
    """Write many entries; those that cannot be are named."""
    pairs = json.loads(call.body)
    if len(pairs) > MOST_PAIRS or len(call.body) > LARGEST_BULK:
        return refuse(413, 10147, "too many pairs")
    failed = []
    for pair in pairs:
        value = b64decode(pair["value"]) if pair.get("base64") else pair["value"].encode()
        if not namespace.write(pair["key"], value, pair.get("metadata")):
            failed.append(pair["key"])
    return succeed({"successful_key_count": len(pairs) - len(failed), "unsuccessful_keys": failed})
