"""Derive the fastly.toml that a local host runs on from the committed one.

The committed file already describes everything locally, with the example spec; this module changes what a developer
asked to change and nothing else: what stands in the store of the spec, the address events go to, the requests a sandbox
may take. The spec's entry is recognised by its file, so a renamed store or key needs no change here. All settings go
into the one item that holds several, because a sandbox reads it quicker than an item for each.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tomli_w

from devhost.local_store import Item
from edge.settings import KNOWN, TOGETHER

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = ROOT / "fastly.toml"
EXAMPLE_SPEC = "examples/spec.json"
SETTINGS_STORE = "gatelet"
EVENTS_BACKEND = "events"
REUSE_SETTING = "requests_per_sandbox"
EVENTS_SETTING = "events_url"


def derive_config(
    committed: dict[str, Any], *, entries: list[Item], events_url: str, requests_per_sandbox: int | None
) -> dict[str, Any]:
    """Return the config with other entries in the spec's place (none: an empty store), events address and reuse."""
    server = dict(committed["local_server"])
    server["kv_stores"] = {name: place_entries(items, entries) for name, items in server["kv_stores"].items()}
    origin, path = split_origin(events_url)
    events = server["backends"][EVENTS_BACKEND]
    server["backends"] = {**server["backends"], EVENTS_BACKEND: {**events, "url": origin}}
    settings = {EVENTS_SETTING: events_url} if path else {}
    if requests_per_sandbox is not None:
        settings[REUSE_SETTING] = str(requests_per_sandbox)
    server["config_stores"] = with_settings(server["config_stores"], settings)
    return {**committed, "local_server": server}


def split_origin(url: str) -> tuple[str, str]:
    """Split an address into its origin and its path, empty when it is only a slash."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")


def find_spec_key(committed: dict[str, Any]) -> str:
    """Return the key of the example spec."""
    stores = committed["local_server"]["kv_stores"].values()
    return next(str(item["key"]) for items in stores for item in items if item.get("file") == EXAMPLE_SPEC)


def place_entries(items: list[dict[str, Any]], entries: list[Item]) -> list[dict[str, Any]]:
    """Return a store's items with others in place of the example spec, and every file named by its whole path."""
    placed: list[dict[str, Any]] = []
    for item in items:
        file = item.get("file")
        if file == EXAMPLE_SPEC:
            placed += entries
        else:
            placed.append(item if file is None else {**item, "file": str(ROOT / file)})
    return placed


def with_settings(stores: dict[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the config stores with some settings of ours changed, and all of ours in one item."""
    ours = stores[SETTINGS_STORE]
    contents = {**ours["contents"], **settings}
    together = json.loads(contents.pop(TOGETHER, "{}"))
    together |= {name: contents.pop(name) for name in KNOWN & contents.keys()}
    contents[TOGETHER] = json.dumps(together, sort_keys=True)
    return {**stores, SETTINGS_STORE: {**ours, "contents": contents}}


def read_committed() -> dict[str, Any]:
    """Read the project's own fastly.toml."""
    with COMMITTED.open("rb") as source:
        return tomllib.load(source)


def write_config(config: dict[str, Any], target: Path) -> None:
    """Write a config where a host will read it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(tomli_w.dumps(config), encoding="utf-8")
