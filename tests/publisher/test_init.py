"""`init` writes a profile that can be read, by asking or from options, and changes nothing else of a file."""

import tomllib
from pathlib import Path

import pytest

from publisher.exit_codes import ExitCode
from publisher.profiles.profile import read_profile
from publisher.profiles.toml_blocks import put_tables, split_blocks
from tests.publisher.running import ROOT, run_gatelet


def init(folder: Path, *arguments: str, given: str = "") -> str:
    done = run_gatelet("init", *arguments, given=given, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_answers_make_a_profile(tmp_path: Path) -> None:
    answers = ["", "redis", "redis://10.0.0.1:6379/2", "web", "statsig-abc", "fastly", "kv-1", "", "https://e.example"]
    shown = init(tmp_path, given="\n".join([*answers, ""]))
    profile = read_profile(tmp_path / "gatelet.toml")
    assert (profile.name, profile.spec_key) == ("production", "statsig-abc")
    assert (profile.source.kind, profile.source.redis_url, profile.source.app) == (
        "redis",
        "redis://10.0.0.1:6379/2",
        "web",
    )
    fastly = profile.find_fastly()
    assert (fastly.kv_store_id, fastly.service_id, fastly.service_url) == ("kv-1", "", "https://e.example")
    assert "set STATSIG_SECRET_KEY and FASTLY_API_TOKEN in the environment" in shown


def test_a_wrong_choice_is_asked_again(tmp_path: Path) -> None:
    init(tmp_path, "--source", "file", "--source-at", "s.json", "--spec-key", "k", given="p\nnowhere\ndir\nout\n")
    profile = read_profile(tmp_path / "gatelet.toml", "p")
    assert (profile.source.path, list(profile.stores)) == (tmp_path / "s.json", ["dir"])


@pytest.mark.parametrize(
    ("store", "at", "field", "value"),
    [
        ("fastly", "kv-1", "kv_store_id", "kv-1"),
        ("cloudflare", "a/n", "namespace_id", "n"),
        ("redis", "redis://h:1/0", "url", "redis://h:1/0"),
        ("dir", "out", "path", "out"),
    ],
)
def test_options_alone_make_a_profile(tmp_path: Path, store: str, at: str, field: str, value: str) -> None:
    init(tmp_path, "--yes", "--spec-key", "statsig-abc", "--store", store, "--at", at)
    found = getattr(read_profile(tmp_path / "gatelet.toml").find_store(), field)
    assert str(found).endswith(value)


def test_another_profile_is_added_and_the_same_one_is_refused(tmp_path: Path) -> None:
    init(tmp_path, "--yes", "--spec-key", "one")
    path = tmp_path / "gatelet.toml"
    path.write_text("# mine\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    init(tmp_path, "--yes", "--name", "next", "--spec-key", "two")
    assert path.read_text(encoding="utf-8").startswith("# mine\n")
    assert [read_profile(path, name).spec_key for name in ("production", "next")] == ["one", "two"]
    again = run_gatelet("init", "--yes", "--spec-key", "three", folder=tmp_path)
    assert (again.returncode, "has a profile production" in again.stderr) == (ExitCode.UNUSABLE, True)
    init(tmp_path, "--yes", "--force", "--spec-key", "three", "--store", "dir")
    assert read_profile(path, "production").stores.keys() == {"dir"}
    assert read_profile(path, "next").spec_key == "two"


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    assert run_gatelet("init", "--yes", "--name", "a b", folder=tmp_path).returncode == ExitCode.UNUSABLE


def test_the_setup_of_a_service_is_written_and_the_rest_of_the_file_kept(tmp_path: Path) -> None:
    committed = (ROOT / "fastly.toml").read_text(encoding="utf-8")
    theirs = '[setup.backends.origin]\naddress = "shop.example"\n\n[local_server'
    (tmp_path / "fastly.toml").write_text(committed.replace("[local_server", theirs, 1), encoding="utf-8")
    init(tmp_path, "--yes", "--spec-key", "statsig-abc")
    before, after = tomllib.loads(committed), tomllib.loads((tmp_path / "fastly.toml").read_text(encoding="utf-8"))
    assert after["setup"]["config_stores"]["gatelet"]["items"]["spec_key"].pop("value") == "statsig-abc"
    assert after["setup"]["backends"].pop("origin") == {"address": "shop.example"}
    assert after == before


def test_a_fastly_toml_without_setup_gets_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "fastly.toml").write_text('name = "mine"\n', encoding="utf-8")
    init(tmp_path, "--yes", "--spec-key", "statsig-abc")
    written = tomllib.loads((tmp_path / "fastly.toml").read_text(encoding="utf-8"))
    committed = tomllib.loads((ROOT / "fastly.toml").read_text(encoding="utf-8"))
    assert written["name"] == "mine"
    for kind, stores in committed["setup"].items():
        assert written["setup"][kind].keys() == stores.keys()
    entries = committed["setup"]["secret_stores"]["gatelet"]["entries"]
    assert written["setup"]["secret_stores"]["gatelet"]["entries"].keys() == entries.keys()


def test_a_folder_without_fastly_toml_gets_none(tmp_path: Path) -> None:
    assert init(tmp_path, "--yes").startswith("wrote gatelet.toml\n")
    assert not (tmp_path / "fastly.toml").exists()


def test_blocks_joined_are_the_file() -> None:
    text = (ROOT / "fastly.toml").read_text(encoding="utf-8")
    blocks = split_blocks(text)
    assert "".join(one.text for one in blocks) == text
    assert "local_server.kv_stores.gatelet-specs" in [one.header for one in blocks]


def test_tables_are_put_into_an_empty_file() -> None:
    assert put_tables("", {"a.b": {"c": 'q"', "d": 5, "e": True}}) == '[a.b]\nc = "q\\""\nd = 5\ne = true\n'


def test_a_profile_that_is_not_the_default_says_how_to_use_it(tmp_path: Path) -> None:
    assert "-p " not in init(tmp_path, "--yes")
    assert "give every command -p next" in init(tmp_path, "--yes", "--name", "next")


def test_a_password_in_an_address_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    address = "redis://:hidden@h:6379/0"
    done = run_gatelet("init", "--yes", "--store", "redis", "--at", address, folder=tmp_path)
    assert (done.returncode, "hidden" in done.stdout + done.stderr) == (ExitCode.UNUSABLE, False)
    assert not (tmp_path / "gatelet.toml").exists()
    done = run_gatelet("pull", "--from", "redis", "--redis-url", address, folder=tmp_path)
    assert (done.returncode, "hidden" in done.stdout + done.stderr) == (ExitCode.UNUSABLE, False)
    assert "GATELET_SOURCE_REDIS_PASSWORD" in done.stderr
