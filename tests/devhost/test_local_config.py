"""The config of `make serve` is the committed one with what was asked for changed, and nothing else."""

import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from devhost.local_config import EXAMPLE_SPEC, ROOT, derive_config, read_committed


def derive(spec: Path | None = ROOT / EXAMPLE_SPEC, url: str = "http://127.0.0.1:9", reuse: int | None = None) -> Any:
    config = derive_config(read_committed(), spec=spec, events_url=url, requests_per_sandbox=reuse)
    return tomllib.loads(tomli_w.dumps(config))


def files(config: Any) -> list[str]:
    return [item["file"] for items in config["local_server"]["kv_stores"].values() for item in items if "file" in item]


def settings(config: Any) -> dict[str, str]:
    contents: dict[str, str] = config["local_server"]["config_stores"]["gatelet"]["contents"]
    return contents


def test_the_committed_config_serves_the_example_spec() -> None:
    assert files(read_committed()) == [EXAMPLE_SPEC]
    assert files(derive()) == [str(ROOT / EXAMPLE_SPEC)]


def test_another_spec_takes_the_place_of_the_example(tmp_path: Path) -> None:
    assert files(derive(spec=tmp_path / "other.json")) == [str(tmp_path / "other.json")]


def test_without_a_spec_the_store_is_there_and_empty() -> None:
    stores = derive(spec=None)["local_server"]["kv_stores"]
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


def test_everything_else_stays_as_committed() -> None:
    before, after = read_committed(), derive(reuse=3, url="http://127.0.0.1:81/x")
    for config in (before, after):
        for part in ("kv_stores", "backends", "config_stores"):
            del config["local_server"][part]
    assert after == before
