"""`gatelet evaluate` answers lines, one JSON object each, and knows ID lists."""

import json
from pathlib import Path
from typing import Any

from publisher.files import read_id_list
from tests.publisher.running import run_gatelet

ASK = ("evaluate", "--now", "1760000000000", "--spec")


def evaluate(*arguments: str, lines: list[Any]) -> list[Any]:
    done = run_gatelet(*ASK, *arguments, given="".join(json.dumps(line) + "\n" for line in lines))
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_answers_each_case_in_order_and_nothing_for_users() -> None:
    answers = evaluate(
        "examples/spec.json",
        lines=[
            {"kind": "user", "uid": 1, "user": {"userID": "a-user"}},
            {"kind": "gate", "uid": 1, "name": "test_fastly"},
            {"kind": "layer", "uid": 1, "name": "storefront"},
        ],
    )
    assert [answer["value"] for answer in answers] == [True, {"color": "green", "columns": 3}]


def test_finds_a_user_in_an_id_list(tmp_path: Path) -> None:
    condition = {"type": "unit_id", "targetValue": "vips", "operator": "in_segment_list", "idType": "userID"}
    rule = {"name": "r", "id": "r", "passPercentage": 100, "conditions": ["c"], "returnValue": True, "idType": "userID"}
    gate = {"type": "feature_gate", "salt": "s", "enabled": True, "defaultValue": False, "idType": "userID"}
    spec = {
        "has_updates": True,
        "time": 1,
        "feature_gates": {"vip": {**gate, "entity": "feature_gate", "rules": [rule]}},
        "dynamic_configs": {},
        "layer_configs": {},
        "condition_map": {"c": {**condition, "field": None, "additionalValues": {}}},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    (tmp_path / "vips.txt").write_text("+Z/hEKLio\n")  # the first 8 characters of base64(sha256("a-user"))
    answers = evaluate(
        str(tmp_path / "spec.json"),
        "--id-list",
        f"vips={tmp_path / 'vips.txt'}",
        lines=[
            {"kind": "user", "uid": 1, "user": {"userID": "a-user"}},
            {"kind": "user", "uid": 2, "user": {"userID": "b-user"}},
            {"kind": "gate", "uid": 1, "name": "vip"},
            {"kind": "gate", "uid": 2, "name": "vip"},
        ],
    )
    assert [answer["value"] for answer in answers] == [True, False]


def test_an_id_list_adds_and_removes(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("+aaaaaaaa\n+bbbbbbbb\n\n-aaaaaaaa\n")
    assert read_id_list(tmp_path / "list") == {"bbbbbbbb"}


def test_says_what_is_wrong_with_a_spec(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text("{}")
    done = run_gatelet(*ASK, str(tmp_path / "spec.json"))
    assert done.returncode == 2
    assert "is not a spec: " in done.stderr


def test_the_bare_command_lists_its_commands() -> None:
    done = run_gatelet("--help")
    assert done.returncode == 0
    assert "evaluate" in done.stdout
    assert "explain" in done.stdout
