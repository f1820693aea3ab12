import json
from itertools import product
from typing import cast

import pytest

from evaluator.evaluate import evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.exposure_log import ExposureLog
from evaluator.exposure_memory import Memory
from evaluator.exposures import Event
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.evaluator.builders import NOW, UNIT, Json, condition, experiment, gate, layer, on_field, project, rule

MADE = project(
    {"g": gate(rule(samplingRate=10**12)), "free": gate(rule()), "all": gate(rule(), forwardAllExposures=True)},
    {"e": experiment(rule(value={"a": 1}))},
    {"l": layer(rule(value={"a": 1, "b": 2}))},
)


def log_of(**sdk_configs: object) -> ExposureLog:
    return ExposureLog(sdk_configs, find_reason=lambda found: found.reason("Network"), received_at_ms=NOW)


def view_at(now_ms: int = NOW, **user: object) -> UserView:
    return UserView(MADE, decode_user({"userID": UNIT, **user}), now_ms)


def add_gate(log: ExposureLog, seen: UserView, name: str = "g", *, is_manual: bool = False) -> None:
    log.add_gate(seen, evaluate_gate(seen, name), is_manual=is_manual)


def test_event_has_the_shape_of_log_event() -> None:
    log = log_of()
    add_gate(log, view_at(privateAttributes={"secret": 1}))
    assert log.take_events() == [
        {
            "eventName": "statsig::gate_exposure",
            "user": {"userID": UNIT},
            "value": None,
            "metadata": {
                "gate": "g",
                "gateValue": "true",
                "ruleID": "r",
                "reason": "Network:Recognized",
                "lcut": str(NOW),
                "receivedAt": str(NOW),
                "configVersion": "3",
            },
            "time": NOW,
            "statsigMetadata": {},
            "secondaryExposures": [],
        }
    ]
    assert log.take_events() == []


@pytest.mark.parametrize(
    ("later", "user", "events"),
    [
        (0, {}, 1),
        (60_000, {}, 1),
        (60_001, {}, 2),
        (0, {"email": "other attributes do not count"}, 1),
        (0, {"userID": "bob"}, 2),
        (0, {"customIDs": {"companyID": "c"}}, 2),
    ],
)
def test_same_exposure_is_recorded_once_in_its_window(later: int, user: Json, events: int) -> None:
    log = log_of()
    add_gate(log, view_at())
    add_gate(log, view_at(NOW + later, **user))
    assert len(log.take_events()) == events


def test_window_comes_from_the_spec() -> None:
    log = log_of(exposure_dedupe_ttl_ms=5)
    for later in (0, 5, 6):
        add_gate(log, view_at(NOW + later))
    assert [event["time"] for event in log.take_events()] == [NOW, NOW + 6]


def test_manual_gate_is_recorded_beside_the_automatic_one() -> None:
    log, seen = log_of(), view_at()
    add_gate(log, seen)
    add_gate(log, seen, is_manual=True)
    automatic, manual = (event["metadata"] for event in log.take_events())
    assert isinstance(automatic, dict)
    assert isinstance(manual, dict)
    assert manual == {**automatic, "isManualExposure": "true"}


def test_manual_experiment_does_not_say_whether_its_rule_passed() -> None:
    log, seen = log_of(), view_at()
    log.add_config(seen, evaluate_experiment(seen, "e"), is_manual=True)
    (event,) = log.take_events()
    assert "rulePassed" not in str(event["metadata"])


def test_each_parameter_of_a_layer_is_an_exposure_of_its_own() -> None:
    log, seen = log_of(), view_at()
    for parameter in ("a", "b", "a"):
        log.add_layer(seen, evaluate_layer(seen, "l"), parameter)
    assert len(log.take_events()) == 2


def test_names_that_the_spec_does_not_hold_are_told_apart() -> None:
    log, seen = log_of(), view_at()
    for name in ("nope", "nor_this", "nope"):
        add_gate(log, seen, name)
    assert len(log.take_events()) == 2


IN_CONTROL = condition("experiment_group", "any", ["Control"], field="e")
GROUPED = project(
    {"g": gate(rule(IN_CONTROL)), "h": gate(rule(IN_CONTROL, IN_CONTROL))},
    {"e": experiment(rule(groupName="Control", isExperimentGroup=True, value={"a": 1}))},
)


def shown(events: list[Event]) -> list[tuple[object, object]]:
    metadata = [cast("Json", event["metadata"]) for event in events]
    return [(one.get("gate") or one.get("config"), one.get("rulePassed")) for one in metadata]


def test_who_is_asked_for_a_group_is_exposed_to_the_experiment() -> None:
    log, seen = log_of(), UserView(GROUPED, decode_user({"userID": UNIT}), NOW)
    add_gate(log, seen)
    assert shown(log.take_events()) == [("e", None), ("g", None)]
    add_gate(log, seen, "h")  # exposed to the experiment already
    log.add_config(seen, evaluate_experiment(seen, "e"))  # and told apart when it is asked itself
    assert shown(log.take_events()) == [("h", None), ("e", "true")]
    again = UserView(GROUPED, decode_user({"userID": "bob"}), NOW)
    log.check_gate(again, "g")
    assert shown(log.take_events()) == [("e", None), ("g", None)]


def test_a_check_that_is_not_exposed_leaves_the_experiment_whose_group_it_asked_for() -> None:
    log, seen = log_of(), UserView(GROUPED, decode_user({"userID": UNIT}), NOW)
    evaluate_gate(seen, "g")
    log.add_groups(seen)
    log.add_groups(seen)
    assert shown(log.take_events()) == [("e", None)]


def test_parameters_of_a_newer_layer_are_known_by_their_own_rules() -> None:
    made = project(
        layers={
            "l": layer(
                rule(on_field("country", "any", ["US"]), rule_id="us", value={"a": 1}),
                rule(on_field("country", "none", ["US"]), rule_id="others", value={"a": 1}),
                useNewLayerEval=True,
            )
        }
    )
    log = log_of()
    for country in ("US", "DE", "US"):
        seen = UserView(made, decode_user({"userID": UNIT, "country": country}), NOW)
        log.add_layer(seen, evaluate_layer(seen, "l"), "a")
    rules = [cast("Json", event["metadata"])["ruleID"] for event in log.take_events()]
    assert rules == ["us", "others"]


def test_the_rate_of_an_experiment_does_not_sample_the_layer_that_asks_it() -> None:
    made = project(
        {},
        {"e": experiment(rule(value={"a": 1}, samplingRate=10**12))},
        {"l": layer(rule(configDelegate="e", samplingRate=10**12, value={}))},
    )
    log = log_of(sampling_mode="on")
    for user in ("ada", "bob", "eve"):
        seen = UserView(made, decode_user({"userID": user}), NOW)
        log.add_config(seen, evaluate_experiment(seen, "e"))
        log.add_layer(seen, evaluate_layer(seen, "l"), "a")
    assert [event["eventName"] for event in log.take_events()].count("statsig::layer_exposure") == 3


def test_a_nested_gate_that_is_not_there_keeps_everything_unsampled() -> None:
    made = project({"g": gate(rule(condition("fail_gate", None, "nope"), samplingRate=10**12))})
    log = log_of(sampling_mode="on")
    for user in ("ada", "bob", "eve"):
        add_gate(log, UserView(made, decode_user({"userID": user}), NOW))
    assert len(log.take_events()) == 3


def sample(mode: str | None, name: str = "g", **sdk_configs: object) -> list[object]:
    """What the events of three users say about sampling; the rate of `g` keeps nobody after the first."""
    log = log_of(sampling_mode=mode, **sdk_configs)
    for user in ("ada", "bob", "eve"):
        add_gate(log, view_at(userID=user), name)
    return [event["statsigMetadata"] for event in log.take_events()]


DROPPED = {"samplingRate": 10**12, "samplingMode": "shadow", "shadowLogged": "dropped"}


@pytest.mark.parametrize(
    ("mode", "name", "expected"),
    [
        (None, "g", [{}, {}, {}]),
        ("none", "g", [{}, {}, {}]),
        ("on", "g", [{}]),
        ("shadow", "g", [{}, DROPPED, DROPPED]),
        ("on", "all", [{}, {}, {}]),
        ("on", "free", [{}, *[{"samplingMode": "on", "shadowLogged": "logged"}] * 2]),
        # An unknown gate has the rule ID of a special case, whose rate is 1 here.
        ("on", "unknown", [{}, *[{"samplingRate": 1, "samplingMode": "on", "shadowLogged": "logged"}] * 2]),
    ],
)
def test_sampling_keeps_the_first_and_then_a_share(mode: str | None, name: str, expected: list[object]) -> None:
    assert sample(mode, name, special_case_sampling_rate=1) == expected


def test_checks_without_exposure_are_counted_behind_the_events() -> None:
    log = log_of()
    for name in ("g", "free", "g"):
        log.count_unexposed(name)
    add_gate(log, view_at())
    first, counted = log.take_events()
    metadata = counted["metadata"]
    assert first["eventName"] == "statsig::gate_exposure"
    assert counted["eventName"] == "statsig::non_exposed_checks"
    assert isinstance(metadata, dict)
    assert json.loads(metadata["checks"]) == {"g": 2, "free": 1}


def test_custom_event_is_never_the_same_as_another() -> None:
    log, seen = log_of(), view_at()
    for _ in range(2):
        log.add_custom(seen, "bought", value=9.5, metadata={"item": "book"})
    assert [(event["eventName"], event["value"]) for event in log.take_events()] == [("bought", 9.5)] * 2


@pytest.mark.parametrize("mode", [None, "shadow", "on"])
def test_check_that_records_leaves_the_events_of_evaluating_and_adding(mode: str | None) -> None:
    quick, whole = log_of(sampling_mode=mode), log_of(sampling_mode=mode)
    for user in ("ada", "bob", "ada"):
        seen = view_at(userID=user)
        for name in ("g", "free", "all", "unknown", "g"):
            assert quick.check_gate(seen, name) is evaluate_gate(seen, name).passed
            add_gate(whole, seen, name)
    events = quick.take_events()
    assert events == whole.take_events()
    assert len(events) >= 4


def test_views_that_take_turns_and_logs_that_share_a_memory_record_once() -> None:
    memory = Memory()
    logs = [
        ExposureLog({}, find_reason=lambda found: found.reason("Network"), received_at_ms=NOW, memory=memory)
        for _ in range(2)
    ]
    views = [view_at(), view_at()]
    for log, seen in product(logs, views * 2):
        log.check_gate(seen, "g")
    assert [len(log.take_events()) for log in logs] == [1, 0]
    assert memory.deduplicated == 7
