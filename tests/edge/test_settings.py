import tomllib
from pathlib import Path

import pytest

from edge.events.batch import SDK_VERSION
from edge.keys import Access, Keys, find_access, read_keys
from edge.sandbox import Sandbox
from edge.settings import BackgroundSettings, ReplySettings, read_background_settings, read_reply_settings
from tests.edge.builders import ask, json_of, platform, request

ROOT = Path(__file__).resolve().parents[2]


def test_defaults_stand_when_nothing_is_configured() -> None:
    assert read_reply_settings(lambda _: None) == (ReplySettings(), ())
    assert read_background_settings(lambda _: None) == (BackgroundSettings(), ())


def test_settings_are_read_as_the_type_of_their_default() -> None:
    texts = {"spec_key": " statsig-x ", "sync_interval_ms": "250", "open_gate_check": "TRUE"}
    settings, faults = read_reply_settings(texts.get)
    assert (settings.spec_key, settings.sync_interval_ms, settings.open_gate_check) == ("statsig-x", 250, True)
    assert faults == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [("sync_interval_ms", "soon"), ("sync_interval_ms", "-1"), ("sync_interval_ms", "٣"), ("open_gate_check", "maybe")],
)
def test_setting_that_does_not_fit_is_named_and_replaced_by_its_default(name: str, text: str) -> None:
    settings, faults = read_reply_settings({name: text}.get)
    assert settings == ReplySettings()
    assert [fault.split(":")[0] for fault in faults] == [name]


def test_health_names_settings_that_do_not_fit() -> None:
    outside = platform(sync_interval_ms="soon")
    faults = json_of(ask(Sandbox(outside), request("/healthz")))["settings_faults"]
    assert isinstance(faults, list)
    assert "sync_interval_ms" in faults[0]
    assert len(outside.lines) == 1


def test_secret_may_hold_several_keys() -> None:
    secrets = {"client_key": b"old new\n", "server_secret": None}
    assert read_keys(secrets.get) == Keys((b"old", b"new"), ())


def test_key_opens_what_it_was_made_for() -> None:
    keys = Keys((b"c",), (b"s",))
    assert [find_access(keys, key) for key in (b"c", b"s", b"x", b"")] == [
        Access.CLIENT,
        Access.SERVER,
        Access.NONE,
        Access.NONE,
    ]


def test_version_in_events_is_the_projects() -> None:
    with (ROOT / "pyproject.toml").open("rb") as source:
        assert tomllib.load(source)["project"]["version"] == SDK_VERSION
