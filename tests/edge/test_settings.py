import tomllib
from pathlib import Path

import pytest

from edge.callers.keys import Access, Keys, find_access, read_keys
from edge.events.batch import SDK_VERSION
from edge.sandbox import Sandbox
from edge.service import answer
from edge.settings import ReplySettings
from tests.edge.builders import ask, document, json_of, platform, put_both, request

ROOT = Path(__file__).resolve().parents[2]


def test_defaults_stand_when_nothing_is_configured() -> None:
    settings = ReplySettings()
    assert {name: getattr(settings, name) for name in settings.list_defaults()} == ReplySettings.list_defaults()


def test_settings_are_read_as_the_type_of_their_default() -> None:
    texts = {"spec_key": " statsig-x ", "sync_interval_ms": "250", "open_gate_check": "TRUE"}
    settings = ReplySettings(texts.get, pytest.fail)
    assert (settings.spec_key, settings.sync_interval_ms, settings.open_gate_check) == ("statsig-x", 250, True)


@pytest.mark.parametrize(
    ("name", "text"),
    [("sync_interval_ms", "soon"), ("sync_interval_ms", "-1"), ("sync_interval_ms", "٣"), ("open_gate_check", "maybe")],
)
def test_setting_that_does_not_fit_is_named_and_replaced_by_its_default(name: str, text: str) -> None:
    faults: list[str] = []
    assert getattr(ReplySettings({name: text}.get, faults.append), name) == ReplySettings.list_defaults()[name]
    assert [fault.split(":")[0] for fault in faults] == [name]


def test_setting_is_looked_up_when_it_is_asked_for_and_once() -> None:
    asked: list[str] = []
    settings = ReplySettings(asked.append)
    assert asked == []
    assert (settings.spec_store, settings.spec_store, settings.spec_key) == ("gatelet-specs", "gatelet-specs", "")
    assert asked == ["spec_store", "spec_key"]


def test_check_asks_for_the_settings_that_it_depends_on() -> None:
    """Each costs a fresh sandbox a call of the host."""
    outside = platform()
    put_both(outside, document())
    asked: list[str] = []
    find = outside.find_setting

    def note(name: str) -> str | None:
        asked.append(name)
        return find(name)

    outside.find_setting = note  # type: ignore[method-assign]
    sandbox = Sandbox(outside)
    assert answer(sandbox, request("/v1/check_gate", {"user": {"userID": "u"}, "gateName": "open"})).status == 200
    assert set(asked) == {
        "key_rate_limit",
        "max_body_bytes",
        "projects",
        "spec_key",
        "spec_item",
        "spec_store",
        "environment",
    }
    assert len(asked) == len(set(asked))


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
