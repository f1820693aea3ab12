"""The config of `make serve` is the committed one with what was asked for changed, and nothing else."""

import json
import tomllib
from typing import Any

import tomli_w

from devhost.local_config import EXAMPLE_SPEC, derive_config, find_spec_key, read_committed, with_settings
from devhost.local_store import Item

ENTRIES = [{"key": "statsig-local", "file": "/spec.json", "metadata": "m"}, {"key": "other", "file": "/other"}]


def derive(entries: list[Item] = ENTRIES, url: str = "http://127.0.0.1:9", reuse: int | None = None) -> Any:
    config = derive_config(read_committed(), entries=entries, events_url=url, requests_per_sandbox=reuse)
    return tomllib.loads(tomli_w.dumps(config))


def files(config: Any) -> list[str]:
    return [item["file"] for items in config["local_server"]["kv_stores"].values() for item in items if "file" in item]


def settings(config: Any) -> dict[str, str]:
    contents: dict[str, str] = config["local_server"]["config_stores"]["gatelet"]["contents"]
    together: dict[str, str] = json.loads(contents.get("settings", "{}"))
    assert not contents.keys() & together.keys()
    return {**contents, **together}


def test_the_committed_config_serves_the_example_spec() -> None:
    assert files(read_committed()) == [EXAMPLE_SPEC]
    assert find_spec_key(read_committed()) == settings(read_committed())["spec_key"]


def test_entries_take_the_place_of_the_example() -> None:
    (items,) = derive()["local_server"]["kv_stores"].values()
    assert items == ENTRIES


def test_without_entries_the_store_is_there_and_empty() -> None:
    stores = derive(entries=[])["local_server"]["kv_stores"]
    assert stores
    assert not any(stores.values())


def test_events_go_where_they_are_asked_to_go() -> None:
    assert derive(url="http://127.0.0.1:81")["local_server"]["backends"]["events"]["url"] == "http://127.0.0.1:81"
    assert "events_url" not in settings(derive(url="http://127.0.0.1:81/"))


def test_the_path_of_an_events_address_reaches_the_service() -> None:
    config = derive(url="http://127.0.0.1:81/sink")
    assert config["local_server"]["backends"]["events"]["url"] == "http://127.0.0.1:81"
    assert settings(config)["events_url"] == "http://127.0.0.1:81/sink"


def test_reuse_is_a_setting_only_when_asked_for() -> None:
    assert "requests_per_sandbox" not in settings(derive())
    assert settings(derive(reuse=1))["requests_per_sandbox"] == "1"


def test_settings_stand_in_one_item_and_what_is_no_setting_beside_it() -> None:
    stores = {"gatelet": {"contents": {"spec_key": "a", "spec_item": "my_spec", "my_spec": "{}"}}}
    contents = with_settings(stores, {"spec_key": "b"})["gatelet"]["contents"]
    assert contents == {"my_spec": "{}", "settings": '{"spec_item": "my_spec", "spec_key": "b"}'}
    assert with_settings({"gatelet": {"contents": contents}}, {})["gatelet"]["contents"] == contents


def test_everything_else_stays_as_committed() -> None:
    before, after = read_committed(), derive(reuse=3, url="http://127.0.0.1:81/x")
    for config in (before, after):
        for part in ("kv_stores", "backends", "config_stores"):
            del config["local_server"][part]
    assert after == before
