"""`check`: each kind of finding is found, and only where it is; sizes and costs follow what was counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.settings import ReplySettings
from evaluator.decode import decode_project
from evaluator.evaluate import evaluate_gate
from evaluator.user import decode_user
from evaluator.view import UserView
from publisher.exit_codes import ExitCode
from publisher.judging.checking import Report, check
from publisher.judging.estimates import RAW_LIMIT_BYTES, estimate_paged, estimate_raw
from publisher.judging.findings import KINDS, Severity
from publisher.sources.pulled import Pulled, PulledList
from tests.publisher.running import ROOT, run_gatelet

type Json = dict[str, Any]

PUBLIC: Json = {"type": "public"}
STAFF: Json = {"type": "user_field", "field": "email", "operator": "str_contains_any", "targetValue": ["@staff"]}
LISTED: Json = {"type": "unit_id", "idType": "userID", "operator": "in_segment_list", "targetValue": "beta"}


def ask(name: object, kind: str = "pass_gate") -> Json:
    return {"type": kind, "targetValue": name}


def make_rule(*conditions: object, **fields: object) -> Json:
    return {"id": "r", "passPercentage": 100, "conditions": list(conditions), "returnValue": True, **fields}


def make_spec(*rules: Json, **fields: object) -> Json:
    return {"salt": "s", "enabled": True, "defaultValue": False, "rules": list(rules), **fields}


def make_document(gates: Json, **fields: object) -> Json:
    sections = {"feature_gates": gates, "dynamic_configs": {}, "layer_configs": {}}
    return {"has_updates": True, "time": 5, **sections, "condition_map": {}, **fields}


def check_document(document: Json, *lists: str) -> Report:
    content = {name: PulledList("f", 1, b"") for name in lists}
    return check(Pulled(json.dumps(document).encode(), content))


def find(document: Json, *lists: str) -> list[tuple[str, str]]:
    return [(one.code, one.place) for one in check_document(document, *lists).findings]


def test_a_good_spec_has_no_findings() -> None:
    gates = {"a": make_spec(make_rule(STAFF), make_rule(PUBLIC)), "b": make_spec(make_rule(ask("a")))}
    assert find(make_document(gates)) == []


@pytest.mark.parametrize(
    ("rules", "code", "place"),
    [
        ([make_rule(ask("gone"))], "missing-gate", "gate a, rule 1 (r)"),
        ([make_rule(ask(["no", "name"], "fail_gate"))], "missing-gate", "gate a, rule 1 (r)"),
        ([make_rule("c9", name="nine")], "missing-condition", "gate a, rule 1 (nine)"),
        ([make_rule({"type": "moon_phase"})], "unknown-operator", "gate a, rule 1 (r)"),
        ([make_rule({**STAFF, "operator": "rhymes"})], "unknown-operator", "gate a, rule 1 (r)"),
        ([make_rule(PUBLIC, configDelegate="gone")], "missing-config", "gate a, rule 1 (r)"),
        ([make_rule({**STAFF, "type": "experiment_group"})], "missing-config", "gate a, rule 1 (r)"),
        ([make_rule(PUBLIC, passPercentage=0), make_rule(STAFF)], "unreachable-rule", "gate a, rule 2 (r)"),
        ([make_rule(STAFF), make_rule(LISTED), make_rule(STAFF, LISTED)], "unreachable-rule", "gate a, rule 3 (r)"),
        ([make_rule(ask("a"))], "circle", "gate a"),
        ([make_rule({**LISTED, "targetValue": "gone"})], "list-missing", "ID list gone"),
    ],
)
def test_what_is_wrong_with_a_rule_is_found(rules: list[Json], code: str, place: str) -> None:
    assert find(make_document({"a": make_spec(*rules)}), "beta") == [(code, place)]


@pytest.mark.parametrize(
    "rules",
    [
        [make_rule(PUBLIC, id="prestart"), make_rule(STAFF)],
        [make_rule(STAFF, LISTED), make_rule(STAFF)],
        [make_rule(STAFF), make_rule({**STAFF, "targetValue": ["@other"]})],
    ],
)
def test_rules_that_someone_gets_to_are_not_reported(rules: list[Json]) -> None:
    assert find(make_document({"a": make_spec(*rules)}), "beta") == []


def test_rules_that_are_all_read_are_not_out_of_reach() -> None:
    rules = [make_rule(PUBLIC), make_rule(PUBLIC)]
    layer = make_spec(*rules, useNewLayerEval=True)
    tuned = make_spec(*rules, entity="autotune")
    assert find(make_document({}) | {"layer_configs": {"l": layer}, "dynamic_configs": {"t": tuned}}) == []


def test_a_circle_of_several_gates_is_shown_once() -> None:
    gates = {name: make_spec(make_rule(ask(asked))) for name, asked in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))}
    findings = check_document(make_document(gates)).findings
    assert [(one.place, one.message) for one in findings] == [("gate a", "a asks b asks c asks a")]


@pytest.mark.parametrize(("gates", "deep"), [(301, []), (302, [("too-deep", "gate g0")])])
def test_a_chain_of_gates_is_too_deep_exactly_when_the_evaluator_says_so(
    gates: int, deep: list[tuple[str, str]]
) -> None:
    chain = {f"g{number}": make_spec(make_rule(ask(f"g{number + 1}"))) for number in range(gates - 1)}
    document = make_document(chain | {f"g{gates - 1}": make_spec(make_rule(STAFF))})
    assert find(document) == deep
    view = UserView(decode_project(document), decode_user({"userID": "a"}), 0)
    assert evaluate_gate(view, "g0").is_error is bool(deep)


def test_conditions_of_the_document_are_counted_once_and_unused_ones_noted() -> None:
    document = make_document({"a": make_spec(make_rule("c1"))}, condition_map={"c1": PUBLIC, "c2": PUBLIC})
    assert find(document) == [("unused-condition", "condition c2")]
    assert check_document(document).worst is Severity.NOTE


def test_a_file_alone_is_told_that_it_has_no_lists() -> None:
    document = make_document({"a": make_spec(make_rule(LISTED))})
    (finding,) = check(Pulled(json.dumps(document).encode())).findings
    assert (finding.code, finding.message) == ("list-missing", "asked for by gate a; a spec file alone has no ID lists")


def test_a_v1_spec_with_a_name_twice_and_no_time_is_said() -> None:
    gate = make_spec(make_rule(PUBLIC), name="a")
    document = {"has_updates": True, "feature_gates": [gate, gate], "dynamic_configs": [], "layer_configs": []}
    assert find(document) == [("duplicate-name", "gate a"), ("no-time", "spec")]


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_spec_is_an_error(text: bytes) -> None:
    report = check(Pulled(text))
    assert {one.code for one in report.findings} == {"not-a-spec"}
    assert (report.worst, report.weight) == (Severity.ERROR, None)


def test_an_entry_that_fastly_does_not_take_is_an_error() -> None:
    config = make_spec(make_rule(PUBLIC, returnValue={"text": "x" * 25_000_000}))
    document = make_document({}) | {"dynamic_configs": {"big": config}}
    found = check_document(document).findings
    assert {one.code for one in found} == {"too-large", "slow-raw", "slow-entity"}
    assert any("make its largest values smaller" in one.message for one in found)


def test_an_entity_that_takes_long_is_named() -> None:
    config = make_spec(make_rule(PUBLIC, returnValue={"text": "x" * 2_000_000}))
    document = make_document({"a": make_spec()}) | {"dynamic_configs": {"big": config}}
    report = check_document(document)
    assert {(one.code, one.place) for one in report.findings} == {
        ("slow-raw", "raw spec"),
        ("slow-entity", "config big"),
    }
    assert report.weight is not None
    assert report.weight.heaviest_bytes > 2_000_000


def test_the_estimates_are_near_what_was_counted() -> None:
    counted = json.loads((ROOT / "benchmarks/accepted-fuel.json").read_bytes())
    per_ms = 9_000_000
    for size, name in ((432_327, "gate_raw"), (10_000_000, "gate_raw_10mb")):
        assert estimate_raw(size) * per_ms == pytest.approx(counted[f"{name}.fresh.before_reply"], rel=0.3)
    for name in ("gate_paged", "gate_paged_10mb"):
        assert estimate_paged(1_000) * per_ms == pytest.approx(counted[f"{name}.fresh.before_reply"], rel=0.3)


def test_the_limit_of_raw_specs_is_the_default_of_the_setting() -> None:
    assert ReplySettings().raw_limit_bytes == RAW_LIMIT_BYTES


def test_every_kind_says_what_to_do() -> None:
    assert all(about.title and about.advice for about in KINDS.values())


# ------------------------------------------------------------------ the command


def write(tmp_path: Path, *rules: Json) -> str:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(make_document({"a": make_spec(*rules)})), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("rule", "option", "code"),
    [
        (make_rule(PUBLIC), "warning", ExitCode.DONE),
        (make_rule(ask("gone")), "error", ExitCode.DONE),
        (make_rule(ask("gone")), "warning", ExitCode.WARNED),
        (make_rule("c9"), "warning", ExitCode.FOUND),
        (make_rule("c9"), "error", ExitCode.FOUND),
        (make_rule("c9"), "never", ExitCode.DONE),
    ],
)
def test_the_exit_code_follows_the_worst_finding(tmp_path: Path, rule: Json, option: str, code: ExitCode) -> None:
    assert run_gatelet("check", write(tmp_path, rule), "--fail-on", option).returncode == code


def test_the_report_is_for_a_person_or_for_a_program(tmp_path: Path) -> None:
    path = write(tmp_path, *[make_rule(ask(f"gone {number}")) for number in range(12)])
    lines = run_gatelet("check", path).stdout.splitlines()
    assert lines[0] == "warning: Conditions on gates that the spec does not have (12)"
    assert lines[11] == "  … and 2 more; --all shows them"
    assert lines[-1] == f"{path}: 1 gate, 0 configs, 0 layers; 0 errors, 12 warnings, 0 notes"
    assert len(run_gatelet("check", path, "--all").stdout.splitlines()) == len(lines) + 1
    report = json.loads(run_gatelet("check", path, "--json").stdout)
    assert (report["worst"], len(report["findings"]), report["weight"]["pages"]) == ("warning", 12, 2)


def test_the_example_has_nothing_wrong() -> None:
    done = run_gatelet("check", "examples/spec.json", "--fail-on", "warning")
    assert done.returncode == ExitCode.DONE


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_no_encoding_has_are_shown_with_escapes(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(make_document({"\ud800é": make_spec(make_rule(ask("gone")))})), encoding="utf-8")
    done = run_gatelet("check", str(path), variables={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    shown = {"utf-8": "\\ud800é", "ascii": "\\ud800\\xe9"}[encoding]
    assert f"  gate {shown}, rule 1 (r): asks the gate gone, which is not there\n" in done.stdout
