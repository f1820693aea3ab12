"""Results go to standard output, everything else to standard error; with `--json` a program reads both alike."""

import json

import pytest

from publisher.console import Output, make_table, print_trouble, show_age, show_size
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


def test_help_names_every_command() -> None:
    done = run_gatelet("--help")
    assert done.returncode == 0
    for name in ("evaluate", "events", "explain"):
        assert f" {name} " in done.stdout


def test_a_trouble_ends_the_command_with_its_code_in_json_too() -> None:
    done = run_gatelet("explain", "x", "--user", "{", "--json")
    assert done.returncode == ExitCode.UNUSABLE
    assert json.loads(done.stdout)["kind"] == "unusable"
