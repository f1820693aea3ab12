import json
import tomllib
from pathlib import Path

import pytest

from edge.callers.keys import Access, Keys, find_access
from edge.events.batch import SDK_VERSION
from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox
from edge.service import answer
from edge.settings import ReplySettings, SettingTexts, list_faults
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


def list_asked(outside: MemoryPlatform) -> list[str]:
    """Check a gate, and return the items of the Config Store that were looked up until the reply."""
    put_both(outside, document())
    asked: list[str] = []
    find = outside.find_setting

    def note(name: str) -> str | None:
        asked.append(name)
        return find(name)

    outside.find_setting = note  # type: ignore[method-assign]
    sandbox = Sandbox(outside)
    reply = answer(sandbox, request("/v1/check_gate", {"user": {"userID": "u"}, "gateName": "open"}))
    assert json_of(reply)["value"] is True
    return asked


def test_check_asks_for_the_settings_that_it_depends_on() -> None:
    """Each costs a fresh sandbox a call of the host."""
    asked = list_asked(platform())
    assert set(asked) == {
        "settings",
        "key_rate_limit",
        "max_body_bytes",
        "projects",
        "spec_key",
        "spec_item",
        "spec_store",
        "environment",
    }
    assert len(asked) == len(set(asked))


def test_check_looks_one_item_up_when_it_holds_all_settings() -> None:
    outside = platform()
    outside.settings = {"settings": json.dumps(outside.settings)}
    assert list_asked(outside) == ["settings"]


def test_item_for_several_settings_replaces_those_for_one() -> None:
    together = {"spec_key": "together", "sync_interval_ms": 250, "open_gate_check": True, "environment": None}
    texts = SettingTexts(
        {"settings": json.dumps(together), "spec_key": "single", "spec_store": "single"}.get, pytest.fail
    )
    settings = ReplySettings(texts.find, pytest.fail)
    assert (settings.spec_key, settings.sync_interval_ms, settings.open_gate_check) == ("together", 250, True)
    assert settings.spec_store == "gatelet-specs"


@pytest.mark.parametrize("text", ["", "spec_key=together", "[]", '"spec_key"', "[" * 60_000])
def test_item_for_several_settings_that_is_no_object_is_a_fault_and_left_out(text: str) -> None:
    faults: list[str] = []
    texts = SettingTexts({"settings": text, "spec_key": "single"}.get, faults.append)
    assert [texts.find(name) for name in ("spec_key", "spec_store")] == ["single", None]
    assert len(faults) == 1
    assert faults[0].startswith("settings: ")
    assert list_faults({"settings": text}.get) == faults


def test_name_that_no_setting_has_is_said_with_what_does_not_fit() -> None:
    found = list_faults({"settings": '{"spec_kye": "x", "sync_interval_ms": "soon"}'}.get)
    assert [fault.split(";")[0] for fault in found] == [
        "sync_interval_ms: expected a whole number",
        "settings: there is no setting spec_kye",
    ]


def test_health_names_settings_that_do_not_fit() -> None:
    outside = platform(sync_interval_ms="soon")
    faults = json_of(ask(Sandbox(outside), request("/healthz")))["settings_faults"]
    assert isinstance(faults, list)
    assert "sync_interval_ms" in faults[0]
    assert len(outside.lines) == 1


def test_health_names_what_is_no_setting() -> None:
    outside = platform()
    outside.settings = {"settings": json.dumps({**outside.settings, "spec_kye": "x"})}
    body = json_of(ask(Sandbox(outside), request("/healthz")))
    assert body["settings_faults"] == ["settings: there is no setting spec_kye"]


def test_secret_may_hold_several_keys() -> None:
    keys = Keys({"client_key": b"old new\n"}.get)
    assert (keys.client, keys.server) == ((b"old", b"new"), ())


@pytest.mark.parametrize(
    ("presented", "access", "read"),
    [
        (b"secret-1", Access.SERVER, ["server_secret"]),
        (b"client-1", Access.CLIENT, ["client_key"]),
        (b"client-both", Access.CLIENT, ["client_key"]),
        (b"plain-both", Access.SERVER, ["server_secret"]),
        (b"plain-client", Access.CLIENT, ["server_secret", "client_key"]),
        (b"client-server", Access.SERVER, ["client_key", "server_secret"]),
        (b"client-x", Access.NONE, ["client_key", "server_secret"]),
        (b"secret-x", Access.NONE, ["server_secret", "client_key"]),
        (b"", Access.NONE, ["server_secret", "client_key"]),
    ],
)
def test_key_opens_what_it_was_made_for_and_no_more_is_read_than_tells(
    presented: bytes, access: Access, read: list[str]
) -> None:
    secrets = {
        "client_key": b"client-1 plain-client client-both plain-both",
        "server_secret": b"secret-1 client-server client-both plain-both",
    }
    asked: list[str] = []

    def find(name: str) -> bytes:
        asked.append(name)
        return secrets[name]

    keys = Keys(find)
    assert [find_access(keys, presented) for _ in range(2)] == [access, access]
    assert asked == read


def test_version_in_events_is_the_projects() -> None:
    with (ROOT / "pyproject.toml").open("rb") as source:
        assert tomllib.load(source)["project"]["version"] == SDK_VERSION
