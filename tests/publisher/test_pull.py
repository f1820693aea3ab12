"""`pull` by Statsig's download protocol: what is asked for, what comes of it, and what a bad server cannot do."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from publisher.exit_codes import ExitCode, Failed, Unusable
from publisher.profiles.profile import Source
from publisher.sources.choosing import pull
from publisher.sources.fetching import Fetcher
from publisher.sources.pulled import Pulled, PulledList, read_pulled, write_pulled
from tests.publisher.download_server import KEY, Content, DownloadServer, ListedFile, running_downloads
from tests.publisher.running import ROOT, run_gatelet

LINES = b"+Z/hEKLio\n+M5m6a10x\n"


def make_spec(time: int = 5, *lists: str) -> dict[str, Any]:
    """Return a spec with a gate for each list; v1, so that conditions are inline."""
    gates = [make_gate(name, name) for name in lists]
    return {"has_updates": True, "time": time, "feature_gates": gates, "dynamic_configs": [], "layer_configs": []}


def make_gate(name: str, asks: str, apps: list[str] | None = None, kind: str = "unit_id") -> dict[str, Any]:
    operator = "in_segment_list" if kind == "unit_id" else None
    condition = {"type": kind, "operator": operator, "targetValue": asks, "idType": "userID"}
    rule = {"id": "r", "salt": "r", "passPercentage": 100, "conditions": [condition], "returnValue": True}
    fields = {"name": name, "salt": name, "enabled": True, "defaultValue": False, "rules": [rule]}
    return fields | ({} if apps is None else {"targetAppIDs": apps})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DownloadServer]:
    monkeypatch.setenv("STATSIG_SECRET_KEY", KEY)
    with running_downloads(Content(make_spec())) as running:
        yield running


def make_source(server: DownloadServer) -> Source:
    return Source(spec_urls=(server.spec_url,), id_lists_url=server.id_lists_url)


def pull_with(source: Source, held: Pulled | None = None, *, timeout: float = 5.0, deadline_s: float = 60.0) -> Pulled:
    with httpx.Client(timeout=timeout) as client:
        return pull(Fetcher(client, sleep=lambda _seconds: None, deadline_s=deadline_s), source, held)


def pull_from(server: DownloadServer, held: Pulled | None = None) -> Pulled:
    return pull_with(make_source(server), held)


# ------------------------------------------------------------------ the spec


def test_the_spec_comes_as_it_is_and_compressed(server: DownloadServer) -> None:
    pulled = pull_from(server)
    assert json.loads(pulled.spec) == server.content.spec
    asked = server.content.asked[0]
    assert (asked.path, asked.query) == (f"/v2/download_config_specs/{KEY}.json", {})
    assert asked.headers["accept-encoding"] == "gzip"
    assert KEY not in pulled.origin


def test_what_is_held_is_asked_about_and_stays_when_nothing_is_new(server: DownloadServer) -> None:
    held = pull_from(server)
    assert pull_from(server, held) == held
    assert server.content.asked[1].query == {"sinceTime": "5"}


def test_a_newer_spec_replaces_the_one_held(server: DownloadServer) -> None:
    held = pull_from(server)
    server.content.spec = make_spec(6)
    assert json.loads(pull_from(server, held).spec)["time"] == 6


def test_an_older_spec_does_not_replace_the_one_held(server: DownloadServer) -> None:
    held = pull_from(server)
    server.content.spec = make_spec(4)
    assert pull_from(server, held) == held


def test_what_another_key_pulled_is_not_held(server: DownloadServer) -> None:
    pull_from(server, Pulled(b'{"time": 5}', {}, "statsig, key other"))
    assert server.content.asked[0].query == {}


def test_a_held_spec_that_was_damaged_is_pulled_anew(server: DownloadServer) -> None:
    held = replace(pull_from(server), spec=b"{")
    assert json.loads(pull_from(server, held).spec) == server.content.spec


def test_no_spec_at_all_is_said(server: DownloadServer) -> None:
    server.content.spec = None
    with pytest.raises(Failed, match="has_updates is not true"):
        pull_from(server)


@pytest.mark.parametrize("trouble", ["429", "500", "503", "cut", "cut_gzip"])
def test_a_trouble_that_passes_is_waited_out(server: DownloadServer, trouble: str) -> None:
    server.content.troubles = [("/v2/", trouble)]
    assert json.loads(pull_from(server).spec) == server.content.spec
    assert len(server.content.asked) == 2


@pytest.mark.parametrize(("trouble", "reason"), [("500", "answered 500, 3 times"), ("cut", "the connection broke")])
def test_a_trouble_that_stays_is_said_without_the_key(server: DownloadServer, trouble: str, reason: str) -> None:
    server.content.troubles = [("/v2/", trouble)] * 3
    with pytest.raises(Failed, match=reason) as caught:
        pull_from(server)
    assert KEY not in str(caught.value)


def test_a_slow_server_is_given_up(server: DownloadServer) -> None:
    server.content.troubles = [("/v2/", "slow")] * 3
    with pytest.raises(Failed, match="did not answer in time, 3 times"):
        pull_with(make_source(server), timeout=0.1)


def test_a_reply_that_never_ends_is_given_up(server: DownloadServer) -> None:
    with pytest.raises(Failed, match="not whole after 0 s"):
        pull_with(make_source(server), deadline_s=0.0)


def test_the_next_address_is_asked_when_the_first_fails(server: DownloadServer) -> None:
    server.content.troubles = [("/v1/", "500")] * 3
    source = replace(make_source(server), spec_urls=(f"{server.url}/v1/download_config_specs", server.spec_url))
    assert json.loads(pull_with(source).spec) == server.content.spec
    paths = server.content.list_paths()
    assert paths == ["/v1/download_config_specs/KEY.json"] * 3 + ["/v2/download_config_specs/KEY.json"]


def test_something_that_is_no_json_leads_to_the_next_address(server: DownloadServer) -> None:
    server.content.troubles = [("/v1/", "not_json")]
    source = replace(make_source(server), spec_urls=(f"{server.url}/v1/download_config_specs", server.spec_url))
    assert json.loads(pull_with(source).spec) == server.content.spec


def test_a_wrong_key_is_said_at_once(server: DownloadServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_SECRET_KEY", "other")
    with pytest.raises(Failed, match="401: it does not know the key"):
        pull_from(server)
    assert len(server.content.asked) == 1


def test_no_connection_is_said(server: DownloadServer) -> None:
    source = replace(make_source(server), spec_urls=("http://127.0.0.1:9",))
    with pytest.raises(Failed, match="there is no connection"):
        pull_with(source)


def test_a_missing_key_says_where_it_should_be(server: DownloadServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATSIG_SECRET_KEY")
    with pytest.raises(Unusable, match="STATSIG_SECRET_KEY"):
        pull_from(server)


# ------------------------------------------------------------------ the target app


def test_an_app_keeps_its_entities_and_what_they_ask(server: DownloadServer) -> None:
    gates = [
        make_gate("shop", "inner", ["web"], kind="pass_gate"),
        make_gate("inner", "x", ["phone"]),
        make_gate("other", "y", ["phone"]),
        make_gate("nobody's", "z"),
    ]
    server.content.spec = make_spec() | {"feature_gates": gates}
    server.content.lists = {"x": ListedFile(LINES), "y": ListedFile(LINES)}
    pulled = pull_with(replace(make_source(server), app="web"))
    assert [gate["name"] for gate in json.loads(pulled.spec)["feature_gates"]] == ["shop", "inner"]
    assert list(pulled.lists or {}) == ["x"]
    assert pulled.origin.endswith(", app web")


def test_an_app_narrows_a_v2_spec_with_its_conditions(server: DownloadServer) -> None:
    rule = {"id": "r", "passPercentage": 100, "conditions": ["c1"], "returnValue": True}
    gate = {"salt": "s", "enabled": True, "defaultValue": False, "rules": [rule], "targetAppIDs": ["web"]}
    shared = {"type": "public"}
    server.content.spec = {
        **make_spec(),
        "dynamic_configs": {},
        "layer_configs": {},
        "feature_gates": {"a": gate, "b": {**gate, "targetAppIDs": ["phone"]}},
        "condition_map": {"c1": shared, "c2": shared},
    }
    narrowed = json.loads(pull_with(replace(make_source(server), app="web")).spec)
    assert (list(narrowed["feature_gates"]), list(narrowed["condition_map"])) == (["a"], ["c1"])


# ------------------------------------------------------------------ ID lists


def hold_list(server: DownloadServer, file: ListedFile) -> Pulled:
    """Pull a list as it is, so that it is held."""
    server.content.spec = make_spec(5, "beta")
    server.content.lists = {"beta": file}
    held = pull_from(server)
    server.content.asked.clear()
    return held


def test_only_the_lists_that_the_spec_asks_for_are_fetched(server: DownloadServer) -> None:
    server.content.spec = make_spec(5, "beta", "gone")
    server.content.lists = {"beta": ListedFile(LINES), "unused": ListedFile(LINES)}
    pulled = pull_from(server)
    assert pulled.lists == {"beta": PulledList("file-1", 1_700_000_000_000, LINES)}
    file = server.content.asked[-1]
    assert (file.headers["range"], file.headers["statsig-id-list-file-size"]) == ("bytes=0-", "20")


def test_no_lookup_is_made_for_a_spec_without_lists(server: DownloadServer) -> None:
    assert pull_from(server).lists == {}
    assert len(server.content.asked) == 1


def test_lists_are_left_out_on_request(server: DownloadServer) -> None:
    server.content.spec = make_spec(5, "beta")
    assert pull_with(replace(make_source(server), lists=False)).lists is None


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_list_that_has_grown_is_brought_up_to_date(server: DownloadServer, knows_ranges: bool) -> None:
    held = hold_list(server, ListedFile(LINES))
    server.content.knows_ranges = knows_ranges
    server.content.lists["beta"].content = LINES + b"-Z/hEKLio\n"
    pulled = pull_from(server, held)
    assert (pulled.lists or {})["beta"].content == LINES + b"-Z/hEKLio\n"
    assert server.content.asked[-1].headers["range"] == "bytes=20-"


def test_a_list_that_has_not_grown_is_not_fetched(server: DownloadServer) -> None:
    held = hold_list(server, ListedFile(LINES))
    assert pull_from(server, held) == held
    assert [one for one in server.content.list_paths() if one.startswith("/files")] == []


def test_a_new_file_resets_a_list(server: DownloadServer) -> None:
    held = hold_list(server, ListedFile(LINES))
    server.content.lists["beta"] = ListedFile(b"+AAAAAAAA\n", "file-2", 1_700_000_000_001)
    pulled = pull_from(server, held)
    assert pulled.lists == {"beta": PulledList("file-2", 1_700_000_000_001, b"+AAAAAAAA\n")}
    assert server.content.asked[-1].headers["range"] == "bytes=0-"


def test_an_older_file_does_not_reset_a_list(server: DownloadServer) -> None:
    held = hold_list(server, ListedFile(LINES))
    server.content.lists["beta"] = ListedFile(b"+AAAAAAAA\n", "file-0", 1)
    assert pull_from(server, held).lists == held.lists


def test_a_rest_that_does_not_fit_has_the_whole_file_fetched(server: DownloadServer) -> None:
    held = hold_list(server, ListedFile(LINES))
    server.content.lists["beta"].content = b"+BBBBBBBBBBBBBBBBBB\nx+CCCCCCCC\n"
    pulled = pull_from(server, held)
    assert (pulled.lists or {})["beta"].content == server.content.lists["beta"].content
    assert [one.headers["range"] for one in server.content.asked[-2:]] == ["bytes=20-", "bytes=0-"]


def test_a_list_that_is_shorter_than_the_lookup_says_is_refused(server: DownloadServer) -> None:
    server.content.spec = make_spec(5, "beta")
    server.content.lists = {"beta": ListedFile(LINES, size=30)}
    with pytest.raises(Failed, match="beta: 20 bytes came, and its file has 30"):
        pull_from(server)


def test_a_list_that_is_something_else_is_refused(server: DownloadServer) -> None:
    server.content.spec = make_spec(5, "beta")
    server.content.lists = {"beta": ListedFile(b"<html>")}
    with pytest.raises(Failed, match="does not begin with"):
        pull_from(server)


def test_a_key_in_a_header_is_not_taken_along_to_another_address(server: DownloadServer) -> None:
    server.content.spec = make_spec(5, "beta")
    server.content.lists = {"beta": ListedFile(LINES)}
    server.content.troubles = [("/v1/get_id_lists", "redirect"), ("/files", "redirect")]
    with pytest.raises(Failed, match="lookup of ID lists: it answered 302"):
        pull_from(server)
    assert "/elsewhere" not in server.content.list_paths()
    with pytest.raises(Failed, match="does not begin with"):
        pull_from(server)
    assert server.content.list_paths()[-1] == "/elsewhere"


@pytest.mark.parametrize("trouble", ["429", "500", "cut"])
def test_a_list_is_asked_for_again(server: DownloadServer, trouble: str) -> None:
    server.content.spec = make_spec(5, "beta")
    server.content.lists = {"beta": ListedFile(LINES)}
    server.content.troubles = [("/v1/get_id_lists", trouble), ("/files", trouble)]
    assert (pull_from(server).lists or {})["beta"].content == LINES


# ------------------------------------------------------------------ the folder and the command


def test_a_folder_gives_back_what_was_written(tmp_path: Path) -> None:
    pulled = Pulled(b'{"time": 5}', {"a/../b": PulledList("f", 7, LINES)}, "here")
    write_pulled(tmp_path / "p", pulled)
    found = read_pulled(tmp_path / "p")
    assert found == replace(pulled, path=tmp_path / "p")


def test_a_list_whose_file_grew_before_a_break_is_read_as_the_index_says(tmp_path: Path) -> None:
    write_pulled(tmp_path, Pulled(b"{}", {"beta": PulledList("f", 7, LINES)}))
    file = next((tmp_path / "lists").iterdir())
    file.write_bytes(LINES + b"+more")
    assert (read_pulled(tmp_path).lists or {})["beta"].content == LINES
    file.write_bytes(b"+")
    with pytest.raises(Unusable, match="beta is cut"):
        read_pulled(tmp_path)


@pytest.mark.parametrize("index", ["[]", "{", '{"lists": {"a": {}}}', '{"lists": {"a": 1}}'])
def test_a_damaged_folder_says_so(tmp_path: Path, index: str) -> None:
    (tmp_path / "spec.json").write_text("{}", encoding="utf-8")
    (tmp_path / "pulled.json").write_text(index, encoding="utf-8")
    with pytest.raises(Unusable, match="pulled"):
        read_pulled(tmp_path)


def run_pull(server: DownloadServer, tmp_path: Path, *arguments: str) -> dict[str, Any]:
    options = ["--url", server.spec_url, "--id-lists-url", server.id_lists_url, "--json", *arguments]
    done = run_gatelet("pull", str(tmp_path / "p"), *options, variables={"STATSIG_SECRET_KEY": KEY})
    assert (done.returncode, KEY in done.stdout + done.stderr) == (0, False), done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_command_fills_a_folder_and_brings_it_up_to_date(server: DownloadServer, tmp_path: Path) -> None:
    server.content.spec = make_spec(5, "beta", "gone")
    server.content.lists = {"beta": ListedFile(LINES)}
    first = run_pull(server, tmp_path)
    assert (first["spec_is_new"], first["time"], first["requests"]) == (True, 5, 3)
    assert first["missing_lists"] == ["gone"]
    second = run_pull(server, tmp_path)
    assert (second["spec_is_new"], second["requests"], second["lists"]["beta"]["is_new"]) == (False, 2, False)
    assert read_pulled(tmp_path / "p").lists == {"beta": PulledList("file-1", 1_700_000_000_000, LINES)}


def test_the_command_copies_a_file(tmp_path: Path) -> None:
    done = run_gatelet("pull", str(tmp_path / "p"), "--from", "file", "--file", "examples/spec.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'p'}: new spec, ")
    assert read_pulled(tmp_path / "p").spec == (ROOT / "examples/spec.json").read_bytes()


def test_the_command_fails_with_its_code(server: DownloadServer, tmp_path: Path) -> None:
    options = ["--url", server.spec_url]
    wrong = run_gatelet("pull", str(tmp_path / "p"), *options, variables={"STATSIG_SECRET_KEY": "wrong"})
    assert (wrong.returncode, wrong.stdout) == (ExitCode.FAILED, "")
    assert run_gatelet("pull", str(tmp_path / "p"), *options).returncode == ExitCode.UNUSABLE
    assert run_gatelet("pull", "--from", "file", folder=tmp_path).returncode == ExitCode.UNUSABLE
