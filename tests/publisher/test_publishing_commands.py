"""push, status, versions, rollback, gc, override and events tail as a person calls them."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from devhost.fastly.kv import KvStore
from publisher.cli import main
from publisher.exit_codes import ExitCode
from publisher.sources.pulled import write_pulled
from publisher.stores.folder import FolderStore
from specstore.keys import overrides_key
from specstore.limits import Write
from tests.publisher.kv_server import ACCOUNT, NAMESPACE, STORE_ID, TOKEN, KvServer, running_store
from tests.publisher.made_specs import KEY, make_list, make_pulled, read_answering
from tests.publisher.redis_server import name_url, running_redis
from tests.publisher.running import run_gatelet


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed with --json."""
        return json.loads(self.out)


type Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command in this process and in a folder of its own."""
    for name in [one for one in os.environ if one.startswith(("FASTLY_", "GATELET_", "CLOUDFLARE_", "STATSIG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Said:
        monkeypatch.setattr("sys.argv", ["gatelet", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture
def server() -> Iterator[KvServer]:
    with running_store(KvStore()) as running:
        yield running


def spec(number: int, folder: Path) -> str:
    path = folder / f"spec-{number}.json"
    path.write_bytes(make_pulled(number).spec)
    return str(path)


HERE = ("dir", "--at", "published", "--spec-key", KEY)
BESIDE = ("--store", *HERE)


def test_push_says_what_it_wrote_and_the_same_again_that_there_is_nothing_to_do(run: Run, tmp_path: Path) -> None:
    said = run("push", "dir", spec(1, tmp_path), *HERE[1:])
    assert said.code == ExitCode.DONE, said.err
    assert f"{KEY} is published to dir, time 1700000000001 (2023-11-14 22:13:20Z): wrote pages " in said.out
    assert "all read back" in said.out
    again = run("push", "dir", spec(1, tmp_path), *HERE[1:], "--json")
    assert (again.json["written"], again.json["store"], again.err) == ({}, "dir", "")
    assert "nothing was written" in run("push", "dir", spec(1, tmp_path), *HERE[1:]).out


def test_push_takes_what_pull_wrote(run: Run, tmp_path: Path) -> None:
    pulled = make_pulled(1, {"a": make_list(1_000)})
    write_pulled(tmp_path / "pulled/default", pulled)
    assert run("push", *HERE).code == ExitCode.DONE
    assert run("status", *HERE, "--json").json[0]["lists"]["members"] == {"a": 1_000}


def test_push_to_fastly_takes_the_token_from_the_environment_and_never_shows_it(
    run: Run, server: KvServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("push", "fastly", spec(1, tmp_path), "--at", STORE_ID, "--spec-key", KEY)
    missing = run(*options, "--api", server.url)
    assert (missing.code, "set the environment variable FASTLY_API_TOKEN" in missing.err) == (ExitCode.UNUSABLE, True)
    monkeypatch.setenv("FASTLY_API_TOKEN", "token-wrong")
    wrong = run(*options, "--api", server.url)
    assert (wrong.code, "answered 401" in wrong.err, "token-wrong" in wrong.err) == (ExitCode.FAILED, True, False)
    monkeypatch.setenv("FASTLY_API_TOKEN", TOKEN)
    monkeypatch.setenv("FASTLY_API_URL", server.url)
    done = run(*options)
    assert (done.code, TOKEN in done.out + done.err) == (ExitCode.DONE, False)


def test_push_by_a_profile(run: Run, server: KvServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "gatelet.toml").write_text(
        f'[profiles.one]\nspec_key = "{KEY}"\n[profiles.one.source]\nkind = "file"\npath = "spec-1.json"\n'
        f'[profiles.one.fastly]\nkv_store_id = "{STORE_ID}"\napi_url = "{server.url}"\ntoken_file = "token"\n'
        f'[profiles.one.cloudflare]\naccount_id = "{ACCOUNT}"\nnamespace_id = "{NAMESPACE}"\n'
        f'api_url = "{server.url}/client/v4"\ntoken_file = "token"\n'
    )
    spec(1, tmp_path)
    assert run("push", "fastly").code == ExitCode.DONE
    cloudflare = run("push", "cloudflare")
    assert (cloudflare.code, "no generations" in cloudflare.err) == (ExitCode.DONE, True)
    said = run("status")
    assert said.out.count("answers from      pages") == 2
    assert [one["store"] for one in run("status", "--json").json] == ["fastly", "cloudflare"]
    assert "which store?" in run("push").err


def test_push_to_redis(run: Run, tmp_path: Path) -> None:
    with running_redis(tmp_path) as client:
        options = ("redis", "--at", name_url(client), "--spec-key", KEY)
        assert run("push", *options[:1], spec(1, tmp_path), *options[1:]).code == ExitCode.DONE
        assert client.get(KEY) == make_pulled(1).spec
        assert "answers from      pages" in run("status", *options).out


def test_a_canary_is_published_beside_the_live_spec(run: Run, tmp_path: Path) -> None:
    run("push", "dir", spec(1, tmp_path), *HERE[1:])
    assert run("push", "dir", spec(2, tmp_path), *HERE[1:], "--canary", "statsig-next").code == ExitCode.DONE
    store = FolderStore(tmp_path / "published")
    assert (read_answering(store), read_answering(store, "statsig-next")) == (("pages", 1), ("pages", 2))
    same = run("push", "dir", spec(2, tmp_path), *HERE[1:], "--canary", KEY)
    assert (same.code, "is the key of the live spec" in same.err) == (ExitCode.UNUSABLE, True)


def test_an_older_spec_has_the_exit_code_of_a_conflict(run: Run, tmp_path: Path) -> None:
    run("push", "dir", spec(2, tmp_path), *HERE[1:])
    said = run("push", "dir", spec(1, tmp_path), *HERE[1:], "--json")
    assert (said.code, said.json["kind"], said.json["exit_code"]) == (ExitCode.CONFLICT, "conflict", 4)
    assert run("push", "dir", spec(1, tmp_path), *HERE[1:], "--allow-older").code == ExitCode.DONE


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("push", "dir", "--spec-key", KEY), "which spec?"),
        (("push", "dir", "missing.json", "--spec-key", KEY), "cannot read missing.json"),
        (("push", "dir", "empty.json"), "which key has the spec in the store?"),
        (("status", "fastly", "--spec-key", KEY), "which KV store?"),
        (("push", "cloudflare", "empty.json", "--spec-key", KEY, "--at", "a"), "expected ACCOUNT/NAMESPACE"),
        (("push", "redis", "empty.json", "--spec-key", KEY, "--at", "redis://u:p@h"), "no password may stand"),
        (("push", "dir", "empty.json", "--spec-key", KEY), "empty.json is not JSON"),
        (("rollback", "dir", "--spec-key", KEY), "nothing to go back to"),
        (("override", "set", "gate", "g", "maybe", "--store", "dir", "--spec-key", KEY), "to true or false"),
        (("override", "set", "config", "c", "--store", "dir", "--spec-key", KEY), "give a JSON object"),
        (("override", "set", "config", "c", "[1]", "--store", "dir", "--spec-key", KEY), 'must be {"value"'),
        (("override", "clear", "--store", "dir", "--spec-key", KEY), "what is to be taken back?"),
        (("override", "clear", "gate", "g", "--store", "dir", "--spec-key", KEY), "nothing is forced for the gate g"),
        (("events", "tail", "missing"), "cannot read missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_used_is_said_in_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "empty.json").write_text("")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "t")
    monkeypatch.setenv("FASTLY_API_TOKEN", "t")
    said = run(*arguments)
    assert (said.code, said.out) == (ExitCode.UNUSABLE, "")
    assert words in said.err
    assert said.err.count("\n") == 1


def test_versions_lists_what_was_published_and_rollback_goes_there(run: Run, tmp_path: Path) -> None:
    assert "no pages of" in run("versions", *HERE).out
    for number in (1, 2):
        run("push", "dir", spec(number, tmp_path), *HERE[1:])
    listed = run("versions", *HERE, "--json").json
    assert [one["is_current"] for one in listed] == [True, False]
    assert "in use" in run("versions", *HERE).out.splitlines()[1]
    said = run("rollback", *HERE, "--to", listed[1]["version"])
    assert said.out == f"{KEY} in dir is {listed[1]['version']} again, time 1700000000001 (2023-11-14 22:13:20Z)\n"
    assert run("status", *HERE, "--json").json[0]["raw"]["time"] == 1_700_000_000_001


def test_gc_says_what_it_took_away(run: Run, tmp_path: Path) -> None:
    for number in (1, 2):
        run("push", "dir", spec(number, tmp_path), *HERE[1:])
    assert run("gc", *HERE).out.startswith("0 entries deleted; 0 out of use")
    assert run("gc", *HERE, "--keep", "0", "--grace", "0", "--json").json["deleted"] == 3


def test_a_trouble_in_the_store_is_shown_by_status(run: Run, tmp_path: Path) -> None:
    FolderStore(tmp_path / "published").write(Write(KEY, b"broken"))
    assert "trouble           the raw spec is not a config spec" in run("status", *HERE).out


def test_overrides_are_set_listed_and_cleared(run: Run) -> None:
    assert f"nothing is forced beside {KEY}" in run("override", "list", *BESIDE).out
    run("override", "set", "gate", "checkout", "false", "--note", "checkout is down", *BESIDE)
    run("override", "set", "gate", "checkout", "true", "--id", "user-1", *BESIDE)
    run("override", "set", "experiment", "button", "--group", "Control", *BESIDE)
    said = run("override", "set", "config", "banner", '{"text": "closed"}', *BESIDE)
    lines = said.out.splitlines()
    assert [line.split() for line in lines[1:5]] == [
        ["gate", "checkout", "everyone", "false"],
        ["gate", "checkout", "user-1", "true"],
        ["experiment", "button", "everyone", "group", "Control"],
        ["config", "banner", "everyone", '{"text":', '"closed"}'],
    ]
    assert lines[5] == "checkout is down"
    run("override", "clear", "gate", "checkout", *BESIDE)
    assert run("override", "list", *BESIDE, "--json").json == {
        "note": "checkout is down",
        "experiments": {"button": {"all": {"group": "Control"}}},
        "configs": {"banner": {"all": {"value": {"text": "closed"}}}},
    }
    assert run("override", "clear", "--all", *BESIDE).code == ExitCode.DONE
    assert run("override", "list", *BESIDE, "--json").json == {}


def test_an_override_for_one_id_goes_alone_and_the_last_one_takes_the_note_with_it(run: Run) -> None:
    run("override", "set", "gate", "checkout", "true", "--id", "user-1", "--note", "why", *BESIDE)
    run("override", "set", "gate", "checkout", "true", "--id", "user-2", *BESIDE)
    left = run("override", "clear", "gate", "checkout", "--id", "user-1", *BESIDE, "--json").json
    assert left == {"gates": {"checkout": {"ids": {"user-2": True}}}, "note": "why"}
    assert run("override", "clear", "gate", "checkout", "--id", "user-2", *BESIDE, "--json").json == {}


def test_overrides_that_are_not_understood_are_not_changed_but_cleared(run: Run, tmp_path: Path) -> None:
    FolderStore(tmp_path / "published").write(Write(overrides_key(KEY), b'{"gate": {}}'))
    said = run("override", "set", "gate", "checkout", "false", *BESIDE)
    assert (said.code, "clear --all begins anew" in said.err) == (ExitCode.UNUSABLE, True)
    assert run("override", "clear", "--all", *BESIDE).code == ExitCode.DONE
    assert run("override", "set", "gate", "checkout", "false", *BESIDE).code == ExitCode.DONE


def test_tail_shows_the_events_of_a_local_sink(run: Run, tmp_path: Path) -> None:
    event = {
        "eventName": "statsig::gate_exposure",
        "time": 1_700_000_000_000,
        "user": {"userID": "a", "email": "private"},
        "metadata": {"gate": "checkout", "gateValue": "true", "ruleID": "r"},
    }
    (tmp_path / "events.jsonl").write_text(json.dumps({"events": [event, {"eventName": "bought"}]}) + "\n{half")
    said = run("events", "tail", "events.jsonl", "--no-follow")
    first, second = said.out.splitlines()
    assert first.split("  ")[1:] == ["statsig::gate_exposure", "checkout", "gateValue=true", "ruleID=r", "user=a"]
    assert "bought" in second
    assert "private" not in said.out
    assert json.loads(run("events", "tail", "events.jsonl", "--no-follow", "--json").out.splitlines()[0]) == event


def test_tail_reads_standard_input() -> None:
    done = run_gatelet("events", "tail", "-", given='{"events": [{"eventName": "bought"}]}\nnonsense\n')
    assert "bought" in done.stdout
    assert (done.returncode, "no line of a local event sink" in done.stderr) == (ExitCode.UNUSABLE, True)


@pytest.mark.parametrize("command", ["push", "rollback", "versions", "gc", "status"])
def test_help_shows_examples(command: str) -> None:
    shown = run_gatelet(command, "--help").stdout
    assert f"gatelet {command}" in shown
    assert "Examples:" in shown
