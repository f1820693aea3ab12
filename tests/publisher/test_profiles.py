"""`gatelet.toml`: profiles are read whole or refused by name, and no secret stands in them or comes out of them."""

from pathlib import Path

import pytest

from publisher.exit_codes import Unusable
from publisher.profiles.profile import DirStore, FastlyStore, Profile, Source, load_profile, read_profile
from publisher.profiles.secret import Secret

WHOLE = """
default_profile = "production"

[profiles.production]
spec_key = "statsig-abc"

[profiles.production.source]
kind = "statsig"
key_file = "secrets/statsig"
spec_urls = ["https://one.example/v2/download_config_specs"]
app = "web"
lists = false

[profiles.production.fastly]
kv_store_id = "kv"
token_env = "EDGE_TOKEN"

[profiles.production.dir]
path = "out"

[profiles.laptop.dir]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gatelet.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_every_table_with_paths_beside_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    profile = read_profile(path)
    assert (profile.name, profile.spec_key, profile.origin) == ("production", "statsig-abc", path)
    assert profile.source.spec_urls == ("https://one.example/v2/download_config_specs",)
    assert (profile.source.app, profile.source.lists) == ("web", False)
    assert profile.source.key == Secret("Statsig server secret", "", tmp_path / "secrets/statsig")
    assert profile.find_fastly().kv_store_id == "kv"
    assert profile.find_store("dir") == DirStore(tmp_path / "out")
    assert isinstance(profile.find_store("fastly"), FastlyStore)


def test_the_only_store_needs_no_name(tmp_path: Path) -> None:
    assert read_profile(write(tmp_path, WHOLE), "laptop").find_store() == DirStore()
    with pytest.raises(Unusable, match="which store"):
        read_profile(write(tmp_path, WHOLE)).find_store()


def test_no_file_means_defaults_unless_a_profile_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_profile() == Profile()
    with pytest.raises(Unusable, match="gatelet init"):
        load_profile("production")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "is not TOML"),
        ("", "has no profiles"),
        ("other = 1\n[profiles.a]", "other is not known"),
        ("[profiles.a]\n[profiles.b]", "which profile"),
        ('default_profile = "c"\n[profiles.a]', "no profile c; it has a"),
        ("[profiles]\na = 1", "profiles.a must be a table"),
        ("[profiles.a]\nspec_key = 1", "profiles.a.spec_key must be a text"),
        ("[profiles.a.fasly]", "profiles.a.fasly is not known"),
        ('[profiles.a.source]\nkind = "ftp"', "'ftp' is not one of statsig, redis, file"),
        ('[profiles.a.source]\nkey = "secret-x"', "no secret may stand in the file; name its variable with key_env"),
        ('[profiles.a.fastly]\ntoken = "t"', "name its variable with token_env"),
        ('[profiles.a.fastly]\nkv_store = "t"', "fastly.kv_store is not known; it has api_url, "),
        ('[profiles.a.redis]\nurl = "redis://:pw@h/0"', "the address holds a name or password"),
        ("[profiles.a.source]\nspec_urls = []", "spec_urls must be an array of texts"),
        ('[profiles.a.source]\nlists = "no"', "lists must be true or false"),
        ("[profiles.a.dir]\npath = 5", "path must be a text"),
        ("[profiles.a.fastly]\ntoken_env = 5", "token_env must be a text"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Unusable) as caught:
        read_profile(write(tmp_path, text))
    assert message in str(caught.value)


def test_a_secret_is_read_from_its_variable_before_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s").write_text("from the file\n", encoding="utf-8")
    secret = Secret("token", "A_TOKEN", tmp_path / "s")
    monkeypatch.delenv("A_TOKEN", raising=False)
    assert secret.read() == "from the file"
    monkeypatch.setenv("A_TOKEN", "from the variable")
    assert secret.read() == "from the variable"
    assert "from the" not in repr(secret)


def test_a_missing_secret_says_where_it_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_TOKEN", raising=False)
    with pytest.raises(Unusable, match="there is no token: set the environment variable A_TOKEN or put it into"):
        Secret("token", "A_TOKEN", tmp_path / "s").read()
    with pytest.raises(Unusable, match="names neither a variable nor a file"):
        Secret("token").read()


def test_each_profile_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    profile = Profile("staging")
    assert profile.folder == Path("pulled/staging")
    with pytest.raises(Unusable, match=r"Nothing was pulled into pulled/staging yet"):
        profile.find_spec()
    with_file = Profile("staging", source=Source(kind="file", path=Path("spec.json")))
    assert with_file.find_spec() == Path("spec.json")
    profile.folder.mkdir(parents=True)
    assert with_file.find_spec() == Path("spec.json")
    (profile.folder / "spec.json").write_text("{}", encoding="utf-8")
    assert profile.find_spec() == with_file.find_spec() == Path("pulled/staging")


def test_the_address_of_fastlys_api_is_the_one_of_its_own_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, '[profiles.a.fastly]\n[profiles.b.fastly]\napi_url = "http://b.example"')
    monkeypatch.setenv("FASTLY_API_URL", "http://127.0.0.1:7680")
    addresses = [read_profile(path, name).find_fastly().api_url for name in ("a", "b")]
    assert addresses == ["http://127.0.0.1:7680", "http://b.example"]
    monkeypatch.delenv("FASTLY_API_URL")
    assert read_profile(path, "a").find_fastly().api_url == "https://api.fastly.com"
