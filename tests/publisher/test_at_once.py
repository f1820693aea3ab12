"""Two pushes at once, each in a process of its own: one wins, the other says so, and nothing is mixed."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from devhost.apis.trouble import Trouble
from devhost.fastly.kv import KvStore
from publisher.exit_codes import ExitCode
from publisher.stores.folder import FolderStore
from publisher.stores.port import Store
from tests.publisher.four_stores import open_fastly
from tests.publisher.kv_server import STORE_ID, TOKEN, running_store
from tests.publisher.made_specs import KEY, make_pulled, read_answering
from tests.publisher.running import ROOT


def push_at_once(options: list[str], variables: dict[str, str], folder: Path) -> list[tuple[int, str]]:
    """Push specs 1 and 2 at the same time; returns how each ended and what it said."""
    files = [folder / f"spec-{number}.json" for number in (1, 2)]
    for number, file in enumerate(files, start=1):
        file.write_bytes(make_pulled(number).spec)
    pushes = [
        subprocess.Popen(
            [sys.executable, "-m", "publisher.cli", "push", *options[:1], str(file), *options[1:], "--allow-older"],
            env={"PYTHONPATH": str(ROOT), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for file in files
    ]
    said = [push.communicate(timeout=60)[1] for push in pushes]
    return [(push.returncode, text) for push, text in zip(pushes, said, strict=True)]


def check(store: Store, ends: list[tuple[int, str]]) -> None:
    """See that a winner's spec is there, whole, and that a loser knows that it lost."""
    won = [number for number, (code, _) in enumerate(ends, start=1) if code == ExitCode.DONE]
    lost = [text for code, text in ends if code == ExitCode.CONFLICT]
    assert won
    assert len(won) + len(lost) == 2, ends
    assert all("is at it" in text or "somebody else" in text for text in lost), lost
    form, number = read_answering(store)
    assert form == "pages"
    assert number in won
    raw = store.find(KEY)
    assert raw is not None
    assert raw.value == make_pulled(number).spec
    assert json.loads(raw.value)["time"] % 10 == number


@pytest.mark.parametrize("slow", [0.0, 0.05])
def test_over_fastlys_api(tmp_path: Path, slow: float) -> None:
    variables = {"FASTLY_API_TOKEN": TOKEN}
    with running_store(KvStore()) as server, open_fastly(server.api) as store:
        server.api.troubles.set(Trouble("slow", seconds=slow))
        options = ["fastly", "--at", STORE_ID, "--api", server.url, "--spec-key", KEY]
        ends = push_at_once(options, variables, tmp_path)
        server.api.troubles.set()
        check(store, ends)
        if slow:  # each takes longer than the other takes to start
            assert Counter(code for code, _ in ends) == {ExitCode.DONE: 1, ExitCode.CONFLICT: 1}


def test_into_a_folder(tmp_path: Path) -> None:
    target = tmp_path / "published"
    ends = push_at_once(["dir", "--at", str(target), "--spec-key", KEY], {}, tmp_path)
    check(FolderStore(target), ends)
