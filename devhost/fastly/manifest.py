"""Read the `local_server` tables of a fastly.toml, the same ones that Viceroy reads.

Files are named from the directory the host is started in, as with Viceroy. Anything that is not understood is an error
which says where it stands: a table that a host skips silently costs an evening.
"""

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from devhost.fastly.backends import BackendTarget
from devhost.fastly.kv import KvStore
from devhost.fastly.service import Service
from devhost.fastly.values import Err

BACKEND_KEYS = frozenset(
    {"url", "override_host", "health", "first_byte_timeout_ms", "between_bytes_timeout_ms", "cert_host", "use_sni"}
)


class InvalidManifest(Exception):
    """The manifest cannot be served; the message says where and why."""


def read_manifest(path: Path) -> Service:
    """Read what a service finds around it; raises `InvalidManifest`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InvalidManifest(f"{path}: {problem}") from problem
    return decode_service(document.get("local_server", {}))


def decode_service(tables: Mapping[str, Any]) -> Service:
    """Decode the tables of `local_server`."""
    return Service(
        kv_stores=decode_each("kv_stores", tables, decode_kv_store, old_name="object_stores"),
        config_stores=decode_each("config_stores", tables, decode_config_store, old_name="dictionaries"),
        secret_stores=decode_each("secret_stores", tables, decode_secret_store),
        backends=decode_each("backends", tables, decode_backend),
        places=decode_places(tables.get("geolocation", {})),
    )


def decode_each[Value](
    table: str, tables: Mapping[str, Any], decode: Callable[[Any], Value], *, old_name: str = ""
) -> dict[str, Value]:
    """Decode each entry of a table, and say which one is wrong."""
    decoded = {}
    for name, entry in {**tables.get(old_name, {}), **tables.get(table, {})}.items():
        try:
            decoded[name] = decode(entry)
        except (InvalidManifest, KeyError, TypeError, AttributeError, OSError, ValueError) as problem:
            raise InvalidManifest(f"local_server.{table}.{name}: {type(problem).__name__}: {problem}") from problem
    return decoded


def decode_kv_store(entry: Any) -> KvStore:
    """Decode a KV store: a list of items, or a JSON file of them."""
    store = KvStore()
    for item in list_items(entry):
        try:
            store.insert(item["key"], read_content(item), metadata=item.get("metadata"))
        except Err as problem:
            raise InvalidManifest(f"no store takes the key {item['key']!r}") from problem
    return store


def decode_secret_store(entry: Any) -> dict[str, bytes]:
    """Decode a secret store: a list of items, or a JSON file of them."""
    return {item["key"]: read_content(item) for item in list_items(entry)}


def list_items(entry: Any) -> list[dict[str, Any]]:
    """Return the items of a store; in a JSON file a value is a text, or an object with `data` or `file`."""
    if isinstance(entry, list):
        return entry
    require_format(entry, "json")
    content = json.loads(Path(entry["file"]).read_text(encoding="utf-8"))
    return [{"key": key, **(value if isinstance(value, dict) else {"data": value})} for key, value in content.items()]


def read_content(item: Mapping[str, Any]) -> bytes:
    """Return the value of an item: from a file, from the text itself, or from an environment variable."""
    sources = [name for name in ("file", "path", "data", "env") if name in item]
    if len(sources) != 1:
        raise InvalidManifest(f"{item['key']!r} needs one of file, data and env")
    text = str(item[sources[0]])
    if sources[0] in ("file", "path"):
        return Path(text).read_bytes()
    return (os.environ.get(text, "") if sources[0] == "env" else text).encode()


def decode_config_store(entry: Any) -> dict[str, str]:
    """Decode a config store: its contents, or a JSON file of them."""
    if entry["format"] == "inline-toml":
        contents = entry["contents"]
    else:
        require_format(entry, "json")
        contents = json.loads(Path(entry["file"]).read_text(encoding="utf-8"))
    for key, value in contents.items():
        if not isinstance(value, str):
            raise InvalidManifest(f"{key} is no text")
    return dict(contents)


def require_format(entry: Mapping[str, Any], wanted: str) -> None:
    """Raise unless an entry has the format."""
    if entry["format"] != wanted:
        raise InvalidManifest(f"the format {entry['format']!r} is unknown")


def decode_backend(entry: Mapping[str, Any]) -> BackendTarget:
    """Decode a backend."""
    unknown = sorted(entry.keys() - BACKEND_KEYS)
    if unknown:
        raise InvalidManifest(f"{unknown[0]} is unknown here")
    return BackendTarget(
        url=entry["url"],
        override_host=entry.get("override_host"),
        health=str(entry.get("health", "unknown")).lower(),
        first_byte_ms=entry.get("first_byte_timeout_ms"),
    )


def decode_places(entry: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    """Decode what is known of addresses."""
    if not entry.get("format"):
        return {}
    if entry["format"] == "inline-toml":
        return dict(entry["addresses"])
    require_format(entry, "json")
    return dict(json.loads(Path(entry["file"]).read_text(encoding="utf-8")))
