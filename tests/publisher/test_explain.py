"""`gatelet explain` shows the walk of an evaluation to a person, and the same as JSON to a program."""

import json

import pytest

from tests.publisher.running import run_gatelet

USER = json.dumps({"userID": "a-user", "email": "x@y.example", "appVersion": "2.10", "country": "FR"})


def explain(*arguments: str) -> list[str]:
    done = run_gatelet("explain", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_shows_the_bucket_and_the_threshold() -> None:
    assert explain("test_fastly", "--user", '{"userID": "a-user"}') == [
        "gate test_fastly is true  rule half_of_all_users",
        "└── ✓ rule half_of_all_users  matches; passes its 50 %: bucket 1432 is below 5000",
        "    └── ✓ public",
    ]


def test_shows_each_condition_with_the_value_seen_and_the_gate_inside() -> None:
    lines = explain("new_checkout", "--user", USER)
    assert '│   ├── ✗ pass_gate "staff" found it false' in lines
    assert "│   └── gate staff is false  rule default" in lines
    assert '    ├── ✓ user_field appVersion is "2.10"; wanted version_gte "2.4.0"' in lines


def test_shows_the_experiment_a_layer_delegates_to() -> None:
    lines = explain("storefront", "--kind", "layer", "--user", USER)
    assert "└── ✓ rule button_color_slice  matches and delegates" in lines
    assert any("experiment button_color is" in line for line in lines)


def test_says_that_a_gate_is_not_known() -> None:
    assert explain("no_such", "--user", "{}") == [
        "gate no_such is false  Unrecognized",
        "└── no rule was tried; state Unrecognized",
    ]


def test_prints_the_trace_as_json() -> None:
    trace = json.loads("\n".join(explain("test_fastly", "--user", USER, "--json")))
    assert trace["value"] is True
    assert trace["rules"][0]["bucket"] == 1432


def test_takes_markup_in_a_name_as_text() -> None:
    assert explain("[red]x[/nope]", "--user", "{}")[0] == "gate [red]x[/nope] is false  Unrecognized"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--user", "{"), "gatelet: --user is not JSON: "),
        (("--user", "[]"), "gatelet: --user: user: must be an object"),
        (("--user", "@no/such"), "gatelet: cannot read no/such: "),
        (("--user", "{}", "--spec", "README.md"), "gatelet: README.md is not JSON: "),
        (("--user", "{}", "--id-list", "x"), "gatelet: --id-list x: expected NAME=FILE"),
    ],
)
def test_says_what_it_cannot_use_and_exits_with_2(arguments: tuple[str, ...], message: str) -> None:
    done = run_gatelet("explain", "test_fastly", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
