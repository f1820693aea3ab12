"""`sync`: pull, check, push, once or for good; what fails is tried again, and nobody else gets between."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from publisher.exit_codes import Conflict, ExitCode, Failed, Unusable
from publisher.judging.findings import Severity
from publisher.profiles.profile import DirStore, FastlyStore, Profile, RedisStore, Source
from publisher.publication.history import list_versions, roll_back
from publisher.sources.fetching import Fetcher
from publisher.stores.folder import FolderStore
from publisher.sync.locking import locked
from publisher.sync.rounds import (
    BELIEVED_S,
    LONGEST_PAUSE_S,
    Loop,
    Round,
    Syncer,
    find_pause,
    probe_health,
    write_health,
)
from tests.publisher.download_server import KEY, Content, DownloadServer, ListedFile, running_downloads
from tests.publisher.redis_server import name_url, running_redis
from tests.publisher.running import ROOT, run_gatelet
from tests.publisher.test_check import ask, make_document, make_rule
from tests.publisher.test_check import make_spec as make_gate
from tests.publisher.test_pull import LINES, make_spec

SPEC_KEY = "statsig-abc"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DownloadServer]:
    monkeypatch.setenv("STATSIG_SECRET_KEY", KEY)
    with running_downloads(Content(make_spec())) as running:
        yield running


def make_profile(server: DownloadServer) -> Profile:
    return Profile(spec_key=SPEC_KEY, source=Source(spec_urls=(server.spec_url,), id_lists_url=server.id_lists_url))


@contextmanager
def syncing(server: DownloadServer, tmp_path: Path, *stores: DirStore | RedisStore | FastlyStore) -> Iterator[Syncer]:
    places = stores or (DirStore(tmp_path / "store"),)
    with httpx.Client() as client:
        fetcher = Fetcher(client, sleep=lambda _seconds: None)
        yield Syncer(make_profile(server), places, tmp_path / "pulled", fetcher, patience_s=0.1)


def read_store(tmp_path: Path, key: str = SPEC_KEY) -> bytes | None:
    item = FolderStore(tmp_path / "store").find(key)
    return None if item is None else item.value


def find_version(store: FolderStore, time_: int) -> str:
    return next(one.name for one in list_versions(store, SPEC_KEY) if one.manifest.time == time_)


def published_time(tmp_path: Path) -> int:
    time_: int = json.loads(read_store(tmp_path) or b"{}")["time"]
    return time_


# ------------------------------------------------------------------ a round


def test_a_round_publishes_the_spec_and_its_lists(server: DownloadServer, tmp_path: Path) -> None:
    server.content.spec = make_spec(5, "beta")
    server.content.lists = {"beta": ListedFile(LINES)}
    with syncing(server, tmp_path) as syncer:
        done = syncer.do_round()
    assert (done.trouble, done.is_new, done.time) == (None, True, 5)
    assert published_time(tmp_path) == 5
    assert read_store(tmp_path, f"gatelet/{SPEC_KEY}/manifest")
    assert b"beta" in (read_store(tmp_path, f"gatelet/{SPEC_KEY}/lists") or b"")
    assert "manifest 1" in done.describe()


def test_nothing_new_leaves_the_store_alone(server: DownloadServer, tmp_path: Path) -> None:
    with syncing(server, tmp_path) as syncer:
        syncer.do_round()
        (tmp_path / "store").rename(tmp_path / "moved")
        done = syncer.do_round()
        assert (done.describe(), (tmp_path / "store").exists()) == ("nothing new, time 5 (1970-01-01 00:00:00Z)", False)


def test_what_somebody_did_to_the_store_is_mended_after_a_while(server: DownloadServer, tmp_path: Path) -> None:
    with syncing(server, tmp_path) as syncer:
        syncer.do_round()
        (tmp_path / "store").rename(tmp_path / "moved")
        syncer._pushed_at -= BELIEVED_S
        assert syncer.do_round().published
    assert published_time(tmp_path) == 5


def test_a_new_spec_replaces_the_one_before(server: DownloadServer, tmp_path: Path) -> None:
    with syncing(server, tmp_path) as syncer:
        syncer.do_round()
        server.content.spec = make_spec(6)
        assert syncer.do_round().is_new
    assert published_time(tmp_path) == 6


def test_a_spec_with_errors_is_not_published(server: DownloadServer, tmp_path: Path) -> None:
    with syncing(server, tmp_path) as syncer:
        syncer.do_round()
        server.content.spec = make_document({"a": make_gate(make_rule(ask("a")))}) | {"time": 6}
        done = syncer.do_round()
        assert done.trouble is not None
        assert done.trouble.exit_code is ExitCode.FOUND
        assert "not published: gate a: a asks a" in str(done.trouble)
        assert published_time(tmp_path) == 5
        syncer.refuse = None
        assert syncer.do_round().trouble is None
    assert published_time(tmp_path) == 6


def test_a_spec_with_warnings_is_refused_on_request(server: DownloadServer, tmp_path: Path) -> None:
    server.content.spec = make_document({"a": make_gate(make_rule(ask("gone")))})
    with syncing(server, tmp_path) as syncer:
        syncer.refuse = Severity.WARNING
        assert syncer.do_round().trouble is not None
        syncer.refuse = Severity.ERROR
        assert syncer.do_round().trouble is None


def test_a_rollback_holds_until_the_source_has_a_newer_spec(server: DownloadServer, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    for time_ in (5, 6, 7):
        server.content.spec = make_spec(time_)
        with syncing(server, tmp_path) as syncer:
            assert syncer.do_round().trouble is None
    for _ in range(2):  # the second one goes back further, so what was left last is not what the source has
        roll_back(store, SPEC_KEY, find_version(store, published_time(tmp_path) - 1), 0.0)
        with syncing(server, tmp_path) as syncer:
            done = syncer.do_round()
            assert (done.trouble, done.published["dir"]["written"]) == (None, {})
            assert "rolled back from it" in done.describe()
    assert published_time(tmp_path) == 5
    server.content.spec = make_spec(8)
    with syncing(server, tmp_path) as syncer:
        assert "rolled back" not in syncer.do_round().describe()
    assert published_time(tmp_path) == 8


def test_lists_are_kept_up_to_date_through_a_rollback(server: DownloadServer, tmp_path: Path) -> None:
    for time_ in (5, 6):
        server.content.spec = make_spec(time_, "beta")
        server.content.lists = {"beta": ListedFile(LINES)}
        with syncing(server, tmp_path) as syncer:
            syncer.do_round()
    before = read_store(tmp_path, f"gatelet/{SPEC_KEY}/lists")
    roll_back(FolderStore(tmp_path / "store"), SPEC_KEY, "", 0.0)
    server.content.lists = {"beta": ListedFile(LINES + b"+AAAAAAAA\n")}
    with syncing(server, tmp_path) as syncer:
        assert syncer.do_round().published["dir"]["written"] == {"digests": 2, "shards": 1, "index": 1}
    assert (published_time(tmp_path), read_store(tmp_path, f"gatelet/{SPEC_KEY}/lists") != before) == (5, True)


def test_a_source_that_fails_leaves_the_store_as_it_is(server: DownloadServer, tmp_path: Path) -> None:
    with syncing(server, tmp_path) as syncer:
        syncer.do_round()
        server.content.troubles = [("/v2/", "500")] * 3
        done = syncer.do_round()
        assert isinstance(done.trouble, Failed)
        assert published_time(tmp_path) == 5
        assert syncer.do_round().trouble is None


def test_a_store_that_fails_does_not_keep_the_others_back(server: DownloadServer, tmp_path: Path) -> None:
    with syncing(server, tmp_path, RedisStore("redis://127.0.0.1:9/0"), DirStore(tmp_path / "store")) as syncer:
        assert syncer.do_round().trouble is not None
        assert published_time(tmp_path) == 5
        assert syncer.do_round().trouble is not None  # the one that failed is tried again


def test_two_stores_are_kept_up_to_date(server: DownloadServer, tmp_path: Path) -> None:
    with running_redis(tmp_path) as connection:
        with syncing(server, tmp_path, RedisStore(name_url(connection)), DirStore(tmp_path / "store")) as syncer:
            done = syncer.do_round()
        assert list(done.published) == ["redis", "dir"]
        assert connection.exists(SPEC_KEY) or connection.keys("*")


# ------------------------------------------------------------------ round after round


def test_pauses_double_with_failures_up_to_a_limit() -> None:
    for failures, seconds in ((0, 30.0), (1, 60.0), (3, 240.0), (10, LONGEST_PAUSE_S), (10_000, LONGEST_PAUSE_S)):
        pauses = [find_pause(30.0, failures) for _ in range(200)]
        assert all(0.8 * seconds <= one <= 1.2 * seconds for one in pauses)
        assert len(set(pauses)) > 100
    assert find_pause(1_000.0, 5) >= 800


def test_a_loop_counts_failures_in_a_row_and_ends_when_told() -> None:
    results = iter([Round(True, 1, trouble=Failed("a")), Round(True, 1, trouble=Failed("b")), Round(True, 2)])
    loop = Loop(lambda: next(results), 0.001)
    counted = []
    for done in loop.run():
        counted.append(loop.failures)
        if done.trouble is None:
            loop.stop.set()
    assert counted == [1, 2, 0]


def test_a_pause_ends_at_once_when_told() -> None:
    loop = Loop(lambda: Round(False, 1), 3_600.0)
    threading.Timer(0.2, loop.stop.set).start()
    began = time.monotonic()
    assert len(list(loop.run())) == 1
    assert time.monotonic() - began < 5


def test_the_lock_of_a_folder_keeps_others_out(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Conflict, match="another gatelet works in"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


# ------------------------------------------------------------------ health


def test_health_keeps_the_last_success_through_failures(tmp_path: Path) -> None:
    path = tmp_path / "run" / "health.json"
    write_health(path, Round(True, 5), 0, 30.0, 1_000_000)
    write_health(path, Round(False, 0, trouble=Failed("it is down")), 1, 30.0, 1_080_000)
    assert "worked 80 s ago" in probe_health(path, 1_080_000)
    with pytest.raises(Failed, match="91 s ago; the last one said: it is down"):
        probe_health(path, 1_091_000)


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_health_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "health.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Unusable, match="health"):
        probe_health(path, 0)


# ------------------------------------------------------------------ the command


@dataclass
class Setting:
    """A folder with a profile, for the command."""

    folder: Path
    server: DownloadServer

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_gatelet("sync", *arguments, folder=self.folder, variables={"STATSIG_SECRET_KEY": KEY})

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "STATSIG_SECRET_KEY": KEY}
        command = [sys.executable, "-m", "publisher.cli", "sync", *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def setting(server: DownloadServer, tmp_path: Path) -> Setting:
    profile = f"""
[profiles.p]
spec_key = "{SPEC_KEY}"
[profiles.p.source]
spec_urls = ["{server.spec_url}"]
id_lists_url = "{server.id_lists_url}"
[profiles.p.dir]
path = "store"
"""
    (tmp_path / "gatelet.toml").write_text(profile, encoding="utf-8")
    return Setting(tmp_path, server)


def test_once_tells_how_it_went_by_its_exit_code(setting: Setting) -> None:
    first = setting.run("--once", "--health", "health.json", "--json")
    report: dict[str, Any] = json.loads(first.stdout)
    assert (first.returncode, report["ok"], report["spec_is_new"]) == (0, True, True)
    assert report["published"]["dir"]["written"]["manifest"] == 1
    assert "nothing to write" in setting.run("--once").stdout
    setting.server.content.spec = {"has_updates": True, "time": 9}
    broken = setting.run("--once", "--health", "health.json")
    assert (broken.returncode, broken.stdout) == (ExitCode.FOUND, "")
    assert "not published" in broken.stderr
    assert setting.run("--probe", "--health", "health.json").returncode == 0


def test_a_loop_follows_the_source_until_it_is_told_to_end(setting: Setting) -> None:
    with setting.start("--every", "0.2", "--health", "health.json", "--json") as loop:
        assert loop.stdout is not None
        first = json.loads(loop.stdout.readline())
        setting.server.content.spec = make_spec(6)
        other = setting.run("--once")
        second = next(line for line in map(json.loads, loop.stdout) if line["spec_is_new"])
        loop.send_signal(signal.SIGTERM)
        assert loop.wait(20) == 0
    assert (first["time"], second["time"], published_time(setting.folder)) == (5, 6, 6)
    assert (other.returncode, "another gatelet works" in other.stderr) == (ExitCode.CONFLICT, True)


def test_a_loop_goes_on_after_a_failure(setting: Setting) -> None:
    setting.server.content.troubles = [("/v2/", "401")]
    with setting.start("--every", "0.2") as loop:
        assert loop.stdout is not None
        lines = [loop.stdout.readline(), loop.stdout.readline()]
        loop.send_signal(signal.SIGINT)
        assert loop.wait(20) == 0
    assert "not done: 127.0.0.1 did not give the spec: it answered 401" in lines[0]
    assert "new spec, time 5 (1970-01-01 00:00:00Z): dir (" in lines[1]


def test_a_push_publishes_again_what_was_rolled_back_from(setting: Setting) -> None:
    for time_ in (5, 6):
        setting.server.content.spec = make_spec(time_)
        setting.run("--once")
    gatelet = partial(run_gatelet, folder=setting.folder)
    assert gatelet("rollback").returncode == 0
    assert "rolled back from it" in setting.run("--once").stdout
    assert gatelet("push").returncode == 0
    assert "nothing to write" in setting.run("--once").stdout
    assert published_time(setting.folder) == 6


def test_what_is_missing_is_said_before_anything_is_done(setting: Setting) -> None:
    (setting.folder / "gatelet.toml").write_text(f'[profiles.p]\nspec_key = "{SPEC_KEY}"\n', encoding="utf-8")
    assert "which store? The profile p has none" in setting.run("--once").stderr
    assert "--probe needs --health" in setting.run("--probe").stderr
    (setting.folder / "gatelet.toml").write_text("[profiles.p]\n[profiles.p.dir]\n", encoding="utf-8")
    assert "which key" in setting.run("--once").stderr
    assert not setting.server.content.asked
