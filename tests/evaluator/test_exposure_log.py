import json
from itertools import product

import pytest

from evaluator.evaluate import evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.exposure_log import ExposureLog
from evaluator.exposure_memory import Memory
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.evaluator.builders import NOW, UNIT, Json, experiment, gate, layer, project, rule

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
