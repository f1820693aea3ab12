import pytest

from evaluator.decode import decode_project
from evaluator.evaluate import check_gate, evaluate_gate
from tests.evaluator.builders import (
    Json,
    ask,
    condition,
    config,
    deep_stack,
    document,
    experiment,
    exposure,
    gate,
    on_field,
    pass_bucket,
    project,
    rule,
    view,
)

OPEN = gate(rule(rule_id="all"))
SHUT = gate()
NOBODY = on_field("userID", "any", [])


def passes_gate(name: object) -> Json:
    return condition("pass_gate", None, name)


def fails_gate(name: object) -> Json:
    return condition("fail_gate", None, name)


@pytest.mark.parametrize(
    ("spec", "value", "rule_id"),
    [
        (gate(rule(rule_id="a"), rule(rule_id="b")), True, "a"),
        (gate(rule(NOBODY, rule_id="a"), rule(rule_id="b")), True, "b"),
        (gate(rule(condition(), NOBODY, rule_id="a")), False, "default"),
        (gate(default=True), True, "default"),
        (gate(enabled=False), False, "disabled"),
        # Disabled does not skip the rules; only the fallback's rule ID says so.
        (gate(rule(rule_id="a"), enabled=False), True, "a"),
        (gate(rule(rule_id="a", value=False)), False, "a"),
        (gate(rule(rule_id="a", value=None)), True, "a"),
        (gate(rule(rule_id="a", value={})), True, "a"),
        (gate(rule(rule_id="a", share=0), rule(rule_id="b")), False, "a"),
        (gate(rule(rule_id="a", share=0), default=True), True, "a"),
    ],
)
def test_first_matching_rule_decides(spec: Json, value: bool, rule_id: str) -> None:
    found = ask(project({"g": spec}), "gate", "g")
    assert (found.value, found.rule_id, found.state) == (value, rule_id, "Recognized")


def test_answer_carries_the_specs_id_type_and_version() -> None:
    found = ask(project({"g": gate(idType="companyID", version=9)}), "gate", "g")
    assert (found.id_type, found.version) == ("companyID", 9)


@pytest.mark.parametrize(
    ("share", "value"),
    [
        (pass_bucket() / 100, False),
        ((pass_bucket() + 1) / 100, True),
        (0, False),
        (-1, False),
        (100, True),
        (250.5, True),
    ],
)
def test_pass_percentage_is_compared_with_the_bucket(share: float, value: bool) -> None:
    assert ask(project({"g": gate(rule(share=share))}), "gate", "g").value is value


def test_rule_without_salt_is_salted_with_its_id() -> None:
    share = (pass_bucket(rule_salt="the id") + 1) / 100
    one = rule(rule_id="the id", share=share, salt=None)
    assert ask(project({"g": gate(one)}), "gate", "g").value is True


def test_user_without_a_unit_id_buckets_as_the_empty_text() -> None:
    bucket = pass_bucket(unit="")
    for share, value in (((bucket - 0.5) / 100, False), ((bucket + 0.5) / 100, True)):
        made = project({"g": gate(rule(share=share, idType="companyID"))})
        assert ask(made, "gate", "g").value is value


def test_raising_the_pass_percentage_never_removes_anyone() -> None:
    shares = range(0, 101, 5)
    views = [view(project({"g": gate(rule(share=share))})) for share in shares]
    for user in range(50):
        answers = [ask(one.project, "gate", "g", {"userID": str(user)}).value for one in views]
        assert answers == sorted(answers, key=bool)


def test_config_falls_back_to_its_default_and_keeps_the_rules_id() -> None:
    made = project(configs={"c": config(rule(share=0, value={"a": 1}, groupName="Test"), default={"a": 0})})
    found = ask(made, "config", "c")
    assert (found.value, found.passed, found.rule_id, found.group_name) == ({"a": 0}, False, "r", "Test")


def test_experiment_answers_with_group_and_activity() -> None:
    made = project(configs={"e": experiment(rule(value={"a": 1}, groupName="Test", isExperimentGroup=True))})
    found = ask(made, "experiment", "e")
    assert (found.value, found.group_name) == ({"a": 1}, "Test")
    assert found.is_user_in_experiment
    assert found.is_experiment_active


@pytest.mark.parametrize(("kind", "value"), [("gate", False), ("config", None), ("experiment", None), ("layer", None)])
def test_unknown_name_is_unrecognized(kind: str, value: object) -> None:
    found = ask(project(), kind, "nobody knows")
    assert (found.value, found.rule_id, found.state) == (value, "", "Unrecognized")
    assert found.reason("Network") == "Network:Unrecognized"


def test_pass_gate_and_fail_gate_read_another_gate() -> None:
    gates = {
        "open": OPEN,
        "shut": SHUT,
        "wants open": gate(rule(passes_gate("open"))),
        "wants shut": gate(rule(passes_gate("shut"))),
        "not open": gate(rule(fails_gate("open"))),
        "not shut": gate(rule(fails_gate("shut"))),
    }
    answers = {name: ask(project(gates), "gate", name).value for name in gates}
    assert answers == {
        "open": True,
        "shut": False,
        "wants open": True,
        "wants shut": False,
        "not open": False,
        "not shut": True,
    }


@pytest.mark.parametrize("target", ["unknown", 7, None, ["open"]])
def test_fail_gate_passes_when_gate_is_unknown(target: object) -> None:
    made = project({"open": OPEN, "g": gate(rule(fails_gate(target))), "h": gate(rule(passes_gate(target)))})
    found = ask(made, "gate", "g")
    assert (found.value, found.secondary_exposures) == (True, [])
    assert ask(made, "gate", "h").value is False


def test_nested_gates_are_exposed_behind_their_own_and_with_duplicates() -> None:
    made = project(
        {
            "inner": OPEN,
            "outer": gate(rule(passes_gate("inner"), rule_id="o")),
            "g": gate(rule(passes_gate("shut"), passes_gate("outer")), rule(passes_gate("inner"))),
            "shut": SHUT,
        }
    )
    inner = exposure("inner", "true", "all")
    # The second condition counts although the first had failed.
    assert ask(made, "gate", "g").secondary_exposures == [
        exposure("shut", "false", "default"),
        inner,
        exposure("outer", "true", "o"),
        inner,
    ]


def test_nested_gates_are_exposed_although_a_plain_condition_failed_first() -> None:
    made = project({"open": OPEN, "g": gate(rule(NOBODY, passes_gate("open")))})
    assert ask(made, "gate", "g").secondary_exposures == [exposure("open", "true", "all")]


def test_segments_are_not_exposed_but_gates_inside_them_are() -> None:
    segment = gate(rule(passes_gate("open")), entity="segment")
    made = project({"open": OPEN, "segment:s": segment, "g": gate(rule(passes_gate("segment:s")))})
    found = ask(made, "gate", "g")
    assert (found.value, found.secondary_exposures) == (True, [exposure("open", "true", "all")])


def test_circle_ends_with_the_depth_error() -> None:
    made = project({"a": gate(rule(passes_gate("b"))), "b": gate(rule(fails_gate("a"))), "open": OPEN})
    one = view(made)
    found = evaluate_gate(one, "a")
    assert (found.value, found.rule_id) == (False, "")
    assert found.reason("Network") == "Error:Statsig Evaluation Depth Exceeded"
    assert check_gate(one, "b") is False
    assert check_gate(one, "open") is True


@pytest.mark.parametrize(("nested", "fails"), [(300, False), (301, True)])
def test_three_hundred_nested_gates_are_enough(nested: int, fails: bool) -> None:
    gates = {str(number): gate(rule(passes_gate(str(number + 1)))) for number in range(nested)}
    with deep_stack():
        found = ask(project({**gates, str(nested): OPEN}), "gate", "0")
    assert (found.value, found.is_error) == (not fails, fails)


def test_experiment_that_asks_for_its_own_group_ends_in_an_error() -> None:
    own = condition("experiment_group", "any", ["Test"], field="e")
    with deep_stack():
        found = ask(project(configs={"e": experiment(rule(own))}), "experiment", "e")
    assert (found.value, found.is_error) == (None, True)


@pytest.mark.parametrize(
    "unknown", [condition("multi_pass_gate", "any", ["open"]), condition("PUBLIC"), "not in the map"]
)
def test_condition_nobody_knows_stops_the_evaluation(unknown: Json | str) -> None:
    made = project({"g": gate(rule(unknown), rule(rule_id="later")), "outer": gate(rule(fails_gate("g")))})
    for name in ("g", "outer"):
        found = ask(made, "gate", name)
        assert (found.state, found.value, found.rule_id) == ("Unsupported", False, "")


def test_unsupported_reports_what_was_in_progress() -> None:
    made = project({"open": OPEN, "g": gate(rule(passes_gate("open"), condition("unheard of")))})
    found = ask(made, "gate", "g")
    assert (found.state, found.value, found.rule_id) == ("Unsupported", True, "all")
    assert found.secondary_exposures == [exposure("open", "true", "all")]


def test_rule_before_an_unsupported_one_still_decides() -> None:
    found = ask(project({"g": gate(rule(rule_id="first"), rule(condition("unheard of")))}), "gate", "g")
    assert (found.value, found.rule_id, found.state) == (True, "first", "Recognized")


def test_experiment_group_compares_the_users_group() -> None:
    in_test = condition("experiment_group", "any", ["Test"], field="e")
    made = project({"g": gate(rule(in_test))}, {"e": experiment(rule(groupName="Test", value={}))})
    assert ask(made, "gate", "g").value is True
    assert ask(project({"g": gate(rule(in_test))}), "gate", "g").value is False


def test_id_list_shows_in_the_reason_of_every_gate_above() -> None:
    in_list = condition("unit_id", "in_segment_list", "beta")
    made = project({"segment:s": gate(rule(in_list)), "g": gate(rule(passes_gate("segment:s")))})
    assert ask(made, "gate", "g", id_lists={"beta": frozenset()}).state == "Recognized:IdListInMemory"
    assert ask(made, "gate", "g", {}, id_lists={"beta": frozenset()}).state == "Recognized"


class Asked(frozenset[str]):
    """An ID list of nobody, which keeps what it was asked for."""

    def __init__(self) -> None:
        self.hashes: list[object] = []

    def __contains__(self, hashed: object) -> bool:
        self.hashes.append(hashed)
        return False


def test_unit_is_hashed_once_for_all_id_lists() -> None:
    in_lists = [condition("unit_id", "in_segment_list", name) for name in ("alpha", "beta")]
    alpha, beta = Asked(), Asked()
    made = project({"g": gate(*(rule(one) for one in in_lists))})
    assert ask(made, "gate", "g", id_lists={"alpha": alpha, "beta": beta}).value is False
    (first,), (second,) = alpha.hashes, beta.hashes
    assert first is second


def test_document_is_not_changed_by_evaluating() -> None:
    made, again = (document({"g": gate(rule(passes_gate("open"))), "open": OPEN}) for _ in range(2))
    ask(decode_project(made), "gate", "g")
    assert made == again
