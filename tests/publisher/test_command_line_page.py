"""docs/command-line.md: its transcripts are real, and every command, exit code and key of the profile is in it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import pytest

from publisher.cli import COMMANDS
from publisher.exit_codes import MEANINGS
from publisher.profiles.profile import STORES, Source
from publisher.profiles.secret import Secret
from publisher.sync.rounds import Round, read_health, write_health
from tests.publisher.running import ROOT

PAGE = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "examples/spec.json").read_text(encoding="utf-8")
PRODUCTION = "```toml\n"


class Shown(NamedTuple):
    """A command of the page and the output that is shown."""

    command: str
    output: str


def list_shown() -> list[Shown]:
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [
        Shown(*one.partition("\n")[::2]) for block in blocks for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]


def write_files(folder: Path) -> None:
    """Write the files that the page names."""
    spec = json.loads(EXAMPLE)
    spec["condition_map"]["company_mail"] = {"type": "pass_gate", "targetValue": "new_checkout"}
    listed = {"type": "unit_id", "idType": "userID", "operator": "in_segment_list", "targetValue": "beta_users"}
    spec["condition_map"]["listed"] = listed
    spec["feature_gates"]["test_fastly"]["rules"][0]["conditions"] = ["listed"]
    texts = {
        "spec.json": EXAMPLE,
        "next.json": EXAMPLE.replace('"passPercentage": 50', '"passPercentage": 60').replace(
            "1760000000000", "1760000060000"
        ),
        "broken.json": json.dumps(spec),
        "production.toml": PAGE.split(PRODUCTION, 1)[1].split("```", 1)[0],
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def match_shown(shown: str, real: str) -> bool:
    """Tell whether an output is the one shown; `…` stands for anything, alone in a line for any lines."""
    lines = [re.escape(line.rstrip()).replace("…", ".*") for line in shown.splitlines()]
    pattern = "".join(r"(?:.*\n)*" if line == ".*" else rf"{line}\n" for line in lines)
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in real.splitlines())) is not None


def test_the_transcripts_are_real(tmp_path: Path) -> None:
    write_files(tmp_path)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("FASTLY_", "GATELET_", "STATSIG_"))
    }
    environment = {**kept, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}
    shown = list_shown()
    assert len(shown) >= 15
    for one in shown:
        done = subprocess.run(
            ["sh", "-c", one.command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert match_shown(one.output, done.stdout), f"$ {one.command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    ("shown", "real", "matches"),
    [
        ("a … c\n", "a b c\n", True),
        ("a\n…\nb\n", "a\nx\ny\nb \n", True),
        ("a\n", "b\n", False),
        ("…\na\n", "a\nb\n", False),
    ],
)
def test_a_transcript_that_is_not_real_would_be_seen(shown: str, real: str, matches: bool) -> None:
    assert match_shown(shown, real) is matches


def test_every_command_has_its_chapter() -> None:
    assert sorted(re.findall(r"^## `gatelet (\w+)`$", PAGE, re.MULTILINE)) == sorted(COMMANDS)


def test_every_exit_code_is_explained() -> None:
    rows = re.findall(r"^\| (\d) \| (.+) \|$", PAGE, re.MULTILINE)
    assert {int(code): text for code, text in rows} == {int(code): text for code, text in MEANINGS.items()}


@pytest.mark.parametrize("table", ["source", *STORES])
def test_every_key_of_a_profile_is_explained(table: str) -> None:
    cells = re.findall(rf"^\| `{table}` \| (.+?) \| ", PAGE, re.MULTILINE)
    kind = Source if table == "source" else STORES[table]
    keys: list[str] = []
    for one in fields(kind):
        is_secret = isinstance(getattr(kind(), one.name), Secret)
        keys += [f"{one.name}_env", f"{one.name}_file"] if is_secret else [one.name]
    assert sorted(re.findall(r"`(\w+)`", " ".join(cells))) == sorted(keys)


def test_every_member_of_the_health_file_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    write_health(path, Round(True, 5), 0, 30.0, 1)
    page = (ROOT / "docs/sync.md").read_text(encoding="utf-8").split("## The health file", 1)[1]
    assert sorted(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", page, re.MULTILINE)))) == sorted(
        read_health(path)
    )
