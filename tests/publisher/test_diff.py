"""`diff`: what changed in a spec, and exactly the users whose answers the official core changes too."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from evaluator.decode import decode_project
from publisher.exit_codes import ExitCode, Unusable
from publisher.judging.comparing import Comparison, Side, compare
from publisher.judging.samples import make_users, read_users
from tests.conformance.official_core import OfficialCore
from tests.conformance.shared_cases import FOLDER
from tests.publisher.running import ROOT, run_gatelet

type Json = dict[str, Any]

NOW = 1_760_000_000_000
USERS = 2_000
EXAMPLE: Json = json.loads((ROOT / "examples/spec.json").read_bytes())


def change(spec: Json, *path: Any, to: object) -> Json:
    """Return a spec that differs in one place."""
    changed = deepcopy(spec)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return changed


def compare_specs(old: Json, new: Json, users: list[Json] | None = None) -> Comparison:
    before, after = decode_project(deepcopy(old)), decode_project(deepcopy(new))
    sample = make_users([before, after], USERS) if users is None else users
    return compare(Side(before, {}), Side(after, {}), sample, NOW)


def describe(found: Comparison) -> list[tuple[str, str, str]]:
    return [(one.kind, one.name, one.how) for one in found.changes]


FIRST_RULE = ("feature_gates", "test_fastly", "rules", 0)


def test_the_same_spec_has_no_changes() -> None:
    assert compare_specs(EXAMPLE, EXAMPLE).changes == []


def test_a_changed_percentage_is_named_and_moves_its_share_of_the_users() -> None:
    found = compare_specs(EXAMPLE, change(EXAMPLE, *FIRST_RULE, "passPercentage", to=60))
    (only,) = found.changes
    assert [one._asdict() for one in only.differences] == [
        {"path": "rules.half_of_all_users.passPercentage", "old": 50, "new": 60}
    ]
    assert only.users == found.users_changed == pytest.approx(USERS * 0.1, rel=0.2)
    assert [(one.old.value, one.new.value) for one in only.examples] == [(False, True)] * 3


def test_what_asks_a_changed_gate_changes_indirectly_and_comes_last() -> None:
    new = change(EXAMPLE, "feature_gates", "staff", "rules", 0, "passPercentage", to=0)
    assert describe(compare_specs(EXAMPLE, new)) == [
        ("gate", "staff", "changed"),
        ("gate", "new_checkout", "indirect"),
    ]


def test_gates_come_and_go() -> None:
    without = deepcopy(EXAMPLE)
    del without["feature_gates"]["test_fastly"]
    removed, added = compare_specs(EXAMPLE, without), compare_specs(without, EXAMPLE)
    assert (describe(removed), describe(added)) == (
        [("gate", "test_fastly", "removed")],
        [("gate", "test_fastly", "added")],
    )
    assert removed.changes[0].users == added.changes[0].users == pytest.approx(USERS / 2, rel=0.1)


def test_a_condition_counts_to_the_rules_that_use_it() -> None:
    new = change(EXAMPLE, "condition_map", "company_mail", "targetValue", to=["@elsewhere.example"])
    found = compare_specs(EXAMPLE, new)
    assert ("gate", "staff", "changed") in describe(found)
    assert found.changes[0].differences[0].path == "rules.company_mail.conditions"


def test_another_form_of_the_same_spec_changes_for_nobody() -> None:
    arrays = {
        section: [
            {
                **spec,
                "name": name,
                "rules": [
                    {**rule, "conditions": [EXAMPLE["condition_map"][one] for one in rule["conditions"]]}
                    for rule in spec["rules"]
                ],
            }
            for name, spec in EXAMPLE[section].items()
        ]
        for section in ("feature_gates", "dynamic_configs", "layer_configs")
    }
    assert compare_specs(EXAMPLE, {**EXAMPLE, **arrays}).users_changed == 0


# ------------------------------------------------------------------ against the official core


def count_with_core(old: Json, new: Json, users: list[Json], ask: Callable[[OfficialCore, Json], object]) -> int:
    """Count the users who get another answer from the core."""
    answers = []
    for spec in (old, new):
        with OfficialCore(spec) as core:
            answers.append([json.dumps(ask(core, user), sort_keys=True) for user in users])
    return sum(was != is_now for was, is_now in zip(*answers, strict=True))


def ask_core(kind: str, name: str) -> Callable[[OfficialCore, Json], object]:
    """Return how the core is asked for what `diff` compares."""

    def ask(core: OfficialCore, user: Json) -> object:
        if kind == "gate":
            return core.check_gate(user, name)
        answer = {"experiment": core.get_experiment, "layer": core.get_layer}.get(kind, core.get_dynamic_config)(
            user, name
        )
        value = answer.get("value", answer.get("__value"))
        return [value, answer.get("rule_id", answer.get("ruleID")), answer.get("group_name", answer.get("groupName"))]

    return ask


def test_as_many_users_change_as_with_the_official_core() -> None:
    new = change(EXAMPLE, *FIRST_RULE, "passPercentage", to=60)
    compare_with_core(EXAMPLE, new, 1)


def test_as_many_users_of_a_real_project_change_as_with_the_official_core() -> None:
    path = FOLDER / "specs/eval_proj.json"
    if not path.exists():
        pytest.skip("no real spec: shared/conformance/specs/eval_proj.json is not beside the checkout")
    old = json.loads(path.read_bytes())
    new = change(old, "feature_gates", "test_50_50", "rules", 1, "passPercentage", to=60)
    compare_with_core(old, new, 5)


def compare_with_core(old: Json, new: Json, entities: int) -> None:
    """Compare the counts of every entity that changes for anyone, some at least."""
    users = make_users([decode_project(deepcopy(old)), decode_project(deepcopy(new))], USERS)
    found = compare_specs(old, new, users)
    moved = [one for one in found.changes if one.users]
    assert len(moved) == entities
    for one in moved:
        assert count_with_core(old, new, users, ask_core(one.kind, one.name)) == one.users, one.name


# ------------------------------------------------------------------ users


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "users.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        '{"userID": "a"}\n\n{"userID": "b"}\n{"userID": "a"}\n',
        '[{"userID": "a"}, {"userID": "b"}]',
        '{"eventName": "statsig::gate_exposure", "user": {"userID": "a"}}\n{"user": {"userID": "b"}}',
        '{"events": [{"user": {"userID": "a"}}, {"user": {"userID": "b"}}, {"user": null}], "statsigMetadata": {}}',
    ],
)
def test_users_are_read_from_users_events_and_bodies_each_once(tmp_path: Path, text: str) -> None:
    assert read_users(write(tmp_path, text)) == [{"userID": "a"}, {"userID": "b"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no users"),
        ("[]", "has no users"),
        ('{"userID": "a"}\n{', "line 2 is not JSON"),
        ("[", "is not JSON"),
        ("5", "line 1: user: must be an object"),
        ('[{"custom": 5}]', "item 1: user.custom: must be an object"),
    ],
)
def test_a_file_without_users_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Unusable, match=message):
        read_users(write(tmp_path, text))


def test_made_up_users_are_the_same_each_time_and_get_to_the_rules() -> None:
    users = make_users([decode_project(deepcopy(EXAMPLE))], 200)
    assert users == make_users([decode_project(deepcopy(EXAMPLE))], 200)
    assert len({user["userID"] for user in users}) == 200
    assert any("@" in str(user.get("email", "")) for user in users)
    assert any("email" not in user for user in users)


# ------------------------------------------------------------------ the command


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    new = tmp_path / "new.json"
    new.write_text(json.dumps(change(EXAMPLE, *FIRST_RULE, "passPercentage", to=60)), encoding="utf-8")
    return "examples/spec.json", str(new)


def test_the_command_says_what_changes(pair: tuple[str, str]) -> None:
    lines = run_gatelet("diff", *pair, "--generate", "1000").stdout.splitlines()
    assert lines[0].split() == ["Kind", "Name", "Change", "Users", "Share"]
    assert lines[1].startswith("gate  test_fastly  changed")
    assert "  rules.half_of_all_users.passPercentage: 50 → 60" in lines
    assert lines[-1].endswith(" of 1,000 made-up users change group somewhere")
    assert sum("e.g. user-" in line for line in lines) == 3


def test_the_command_takes_users_and_prints_json(pair: tuple[str, str], tmp_path: Path) -> None:
    users = write(tmp_path, "\n".join(json.dumps({"userID": str(one), "email": "x@y"}) for one in range(300)))
    done = run_gatelet("diff", *pair, "--users", str(users), "--json")
    report = json.loads(done.stdout)
    (entity,) = report["entities"]
    assert (report["users"], entity["users_changed"]) == (300, report["users_changed"])
    assert entity["examples"][0]["user"].keys() == {"userID"}


def test_the_command_can_refuse_a_large_change(pair: tuple[str, str]) -> None:
    assert run_gatelet("diff", *pair, "--generate", "500", "--most", "1").returncode == ExitCode.FOUND
    assert run_gatelet("diff", *pair, "--generate", "500", "--most", "50").returncode == ExitCode.DONE
    assert run_gatelet("diff", pair[0], pair[0]).stdout == "nothing changed\n"


def test_the_command_says_which_side_is_no_spec(pair: tuple[str, str]) -> None:
    done = run_gatelet("diff", pair[0], "README.md")
    assert (done.returncode, done.stderr[:33]) == (ExitCode.UNUSABLE, "gatelet: README.md is not JSON: E")
