"""Results go to standard output, everything else to standard error; with `--json` a program reads both alike."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from publisher.cli import COMMANDS, build_app
from publisher.console import Output, make_table, print_trouble, show_age, show_count, show_size, show_time
from publisher.exit_codes import MEANINGS, Conflict, ExitCode
from tests.publisher.running import run_gatelet


def test_a_result_is_shown_or_written_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json, wanted in ((False, "[red]x[/] is 3\n"), (True, '{\n  "x": 3\n}\n')):
        Output(as_json).print_result({"x": 3}, "[red]x[/] is 3")
        assert capsys.readouterr().out == wanted


def test_notes_do_not_get_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    Output().note("reading")
    Output(as_json=True).note("reading")
    assert capsys.readouterr() == ("", "reading\n")


def test_tracked_items_are_all_there_without_a_terminal() -> None:
    assert list(Output().track(range(3), "counting")) == [0, 1, 2]


def test_a_table_is_plain_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    Output().print_result({}, make_table(["Key", "Bytes"], [["[b]a", 10], ["b", 2]], numbers=["Bytes"]))
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "Key   Bytes",
        "[b]a     10",
        "b         2",
    ]


def test_a_trouble_is_a_line_for_a_person_and_a_document_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    print_trouble(Conflict("somebody else writes"), as_json=True)
    captured = capsys.readouterr()
    assert captured.err == "gatelet: somebody else writes\n"
    assert json.loads(captured.out) == {"error": "somebody else writes", "exit_code": 4, "kind": "conflict"}


def test_every_exit_code_has_a_meaning() -> None:
    assert list(MEANINGS) == list(ExitCode)


@pytest.mark.parametrize(("size", "shown"), [(999, "999 B"), (12_400, "12.4 KB"), (1_200_000, "1.20 MB")])
def test_sizes_are_written_for_people(size: int, shown: str) -> None:
    assert show_size(size) == shown


@pytest.mark.parametrize(("age", "shown"), [(-5, "0 s"), (119_999, "119 s"), (7_200_000, "2 h"), (172_800_000, "2 d")])
def test_ages_are_written_for_people(age: int, shown: str) -> None:
    assert show_age(age) == shown


def test_instants_are_written_for_people_and_programs() -> None:
    assert show_time(1_760_000_000_000) == "1760000000000 (2025-10-09 08:53:20Z)"
    assert (show_time(0), show_time(10**18)) == ("0", "1000000000000000000")


def test_one_thing_is_not_many() -> None:
    assert (show_count(1, "gate"), show_count(1_200, "gate")) == ("1 gate", "1,200 gates")


def test_help_names_every_command() -> None:
    done = run_gatelet("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f" {name} " in done.stdout


def list_commands(command: Any, name: str = "gatelet") -> Iterator[tuple[str, Any]]:
    """Yield every command of Typer's with its whole name, those of groups too."""
    inner = getattr(command, "commands", {})
    for part, one in inner.items():
        yield from list_commands(one, f"{name} {part}")
    if not inner:
        yield name, command


def test_every_command_has_an_example_and_prints_json() -> None:
    commands = dict(list_commands(get_command(build_app([]))))
    assert len(commands) >= len(COMMANDS)
    without_json = {name for name, one in commands.items() if not any("--json" in option.opts for option in one.params)}
    assert without_json == {"gatelet evaluate"}
    assert [name for name, one in commands.items() if "gatelet " not in (one.help or "")] == []


def test_a_trouble_ends_the_command_with_its_code_in_json_too() -> None:
    done = run_gatelet("explain", "x", "--user", "{", "--json")
    assert done.returncode == ExitCode.UNUSABLE
    assert json.loads(done.stdout)["kind"] == "unusable"


def test_the_shell_completes_commands_and_options() -> None:
    def complete(words: str) -> list[str]:
        variables = {"_GATELET_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return run_installed(variables).splitlines()

    assert complete("gatelet pu") == ["pull", "push"]
    assert "--fail-on" in complete("gatelet check --")


def run_installed(variables: dict[str, str]) -> str:
    program = Path(sys.executable).with_name("gatelet")
    return subprocess.run(
        [program], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    ).stdout
