"""The comparison with the peers: that it measures what it says. The peers come from npm with `make bench`."""

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.answers import WrongAnswer
from benchmarks.comparison import services, specs
from benchmarks.comparison.agreement import Agreement, list_values, read_values
from benchmarks.comparison.load import Load
from benchmarks.comparison.plan import Case, Course, Outcome, list_cases
from benchmarks.comparison.questions import GATELET, PEER, ask_checks
from benchmarks.comparison.report import list_agreements, list_measurements, list_verdicts
from benchmarks.comparison.services import Service
from benchmarks.comparison.verdicts import Verdict, describe_case, find_baseline, judge, list_promises
from benchmarks.sink import find_end
from devhost.build import COMPONENT
from devhost.local_config import EXAMPLE_SPEC, ROOT, find_spec_key, read_committed
from devhost.local_store import PAGED
from tests.component.serving import require_viceroy

OURS, LITE = Case(services.PAGED_FRESH), Case(services.LITE_FRESH)


def load(times_ms: float, seconds: float = 1.0, count: int = 10) -> Load:
    return Load((times_ms,) * count, seconds, faults=100, cpu_ms=2)


def outcomes(**failing: str) -> Mapping[Case, Outcome]:
    """Every case with the same figures, those of the services that are named here failed."""
    slow = (load(10.0, 10.0), load(10.0, 10.0))
    quick = (load(1.0), load(1.0))
    return {
        case: Outcome((), failing["lite"])
        if "lite" in failing and "lite" in case.service
        else Outcome(slow if "statsig" in case.service else quick)
        for case in list_cases()
    }


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{ }",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{ }\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["length", "chunks", "empty"],
)
def test_sink_answers_a_request_when_it_is_whole(request_bytes: bytes) -> None:
    assert find_end(request_bytes) == len(request_bytes)
    assert find_end(request_bytes + b"POST / HTTP/1.1\r\n") == len(request_bytes)
    assert not [cut for cut in range(len(request_bytes)) if find_end(request_bytes[:cut]) is not None]


def test_dialects_read_the_answers_they_expect() -> None:
    for dialect, key in ((GATELET, "value"), (PEER, "gateResult")):
        for value in (True, False):
            body = json.dumps({"name": "a", key: value}, separators=(",", ":")).encode()
            assert dialect.read_value(body) is value
            assert dialect.expect(value) in body


def test_values_of_a_response_are_told_by_section_and_name() -> None:
    one = {"feature_gates": {"a": {"value": True}}, "dynamic_configs": {"a": {"value": {}}}, "layer_configs": {}}
    assert list_values(one) == {("feature_gates", "a"): True, ("dynamic_configs", "a"): {}}


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b'{"feature_gates": {}}', b'{"feature_gates": []}'])
def test_body_that_is_no_answer_is_a_wrong_one(body: bytes) -> None:
    with pytest.raises(WrongAnswer, match="no initialize response"):
        read_values(body)
    with pytest.raises(WrongAnswer, match="no answer of a check"):
        PEER.read_value(body)


def test_every_promise_is_about_something_that_is_measured() -> None:
    measured = set(list_cases())
    assert all({promise.ours, promise.theirs} <= measured for promise in list_promises())
    assert len(measured) == len(list(list_cases()))


def test_promises_are_kept_or_broken_by_the_ratio() -> None:
    kept = {describe_case(one.promise.ours): one for one in judge(outcomes())}
    assert all(one.is_kept for one in judge(outcomes()))
    assert kept[describe_case(OURS)].ratio == 10.0
    alike = judge({case: Outcome((load(1.0),)) for case in list_cases()})
    assert [one.is_kept for one in alike] == [not one.promise.is_least and one.promise.bound >= 1 for one in alike]


def test_service_that_fails_has_its_failure_in_the_results_and_beats_nobody() -> None:
    failed = outcomes(lite="it ended")
    assert not [one for one in judge(failed) if one.is_kept and "lite" in one.promise.theirs.service]
    found = {one["name"]: one for one in list_measurements(failed)}
    assert found[f"{describe_case(LITE)}, p50"] == {
        "name": "statsig-node-lite, fresh, check, usual, p50",
        "value": None,
        "unit": "ms",
        "ratio_to": None,
        "ratio": None,
        "failure": "it ended",
    }


def test_broken_promise_says_who_gave_no_right_answer() -> None:
    said = {one.describe_outcome() for one in judge(outcomes(lite="it ended")) if "lite" in one.promise.theirs.service}
    assert said == {"BROKEN: the peer gave no right answer"}
    ours = judge({**outcomes(), OURS: Outcome((), "it ended")})
    assert {one.describe_outcome() for one in ours} == {"kept", f"BROKEN: {OURS.service} gave no right answer"}
    promise = next(list_promises())
    assert Verdict(promise, promise.bound / 2).describe_outcome() == "BROKEN"


@pytest.mark.parametrize(
    ("alike", "asked", "is_ours", "is_enough"),
    [(400, 400, True, True), (399, 400, True, False), (396, 400, False, True), (395, 400, False, False)],
)
def test_peer_may_differ_for_one_user_of_a_hundred_and_we_for_none(
    alike: int, asked: int, is_ours: bool, is_enough: bool
) -> None:
    assert Agreement(alike, asked).is_enough(is_ours=is_ours) is is_enough


def test_results_count_the_answers_that_are_the_core_s() -> None:
    found = Agreement(398, 400, "for user-7 it answers true")
    assert found.describe() == "398 of 400 answers are the official core's; for user-7 it answers true"
    (one,) = list_agreements({LITE: Outcome((), agreement=found), LITE._replace(connections=2): Outcome((), "", found)})
    assert (one["value"], one["ratio"], one["failure"]) == (398, 0.995, "for user-7 it answers true")


def test_checks_go_round_the_users_that_are_left() -> None:
    asked = list(islice(ask_checks(PEER, "open", {"user-1": True, "user-2": False}, 5), 3))
    assert [b"user-1" in one.request for one in asked] == [False, True, False]
    assert [one.expected for one in asked] == [PEER.expect(value) for value in (False, True, False)]


def test_results_name_what_a_ratio_is_to() -> None:
    found = {one["name"]: one for one in list_measurements(outcomes())}
    assert found["gatelet paged, fresh, check, usual, p50"]["ratio"] == 0.1
    assert found["gatelet paged, fresh, check, usual, p50"]["ratio_to"] == "statsig-node-lite, fresh, check, usual, p50"
    assert find_baseline(Case(services.HELLO_PYTHON, "hello")) is None
    assert all({"name", "value", "unit", "ratio_to", "ratio"} == one.keys() for one in list_verdicts(judge(outcomes())))


def test_plots_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib, which `make bench` installs")
    from benchmarks.comparison.plots import draw_all

    draw_all(outcomes(), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["connections.svg", "latency.svg", "spec-size.svg"]


@pytest.mark.parametrize("is_without_raw", [False, True])
def test_store_has_the_raw_value_beside_its_pages_unless_they_are_alone(tmp_path: Path, is_without_raw: bool) -> None:
    service = Service(services.ALONE_FRESH, COMPONENT, GATELET, PAGED, is_without_raw=is_without_raw)
    spec = specs.AskedSpec(specs.USUAL, json.loads((ROOT / EXAMPLE_SPEC).read_bytes()), specs.EXAMPLE_GATE)
    config = services.configure_gatelet(service, spec, tmp_path / "kv", "http://127.0.0.1:1")
    (entries,) = config["local_server"]["kv_stores"].values()
    keys = {entry["key"] for entry in entries}
    raw = find_spec_key(read_committed())
    assert (raw in keys) is not is_without_raw
    assert len(keys - {raw}) > 1


@pytest.mark.viceroy
def test_service_is_compared_with_the_core_and_timed(tmp_path: Path) -> None:
    require_viceroy()
    service = Service(services.PAGED_FRESH, COMPONENT, GATELET, PAGED)
    spec = specs.AskedSpec(specs.USUAL, json.loads((ROOT / EXAMPLE_SPEC).read_bytes()), specs.EXAMPLE_GATE)
    cases = [OURS, OURS._replace(connections=2), OURS._replace(question="initialize")]
    with Course({service.name: service}, {spec.name: spec}, tmp_path, print) as course:
        course.prepare(cases)
        found = course.run(cases, rounds=1, seconds=0.2)
    assert all(outcome.loads and not outcome.failure for outcome in found.values())
    for outcome in found.values():
        assert outcome.agreement is not None
        assert outcome.agreement.alike == outcome.agreement.asked > 0


@pytest.mark.viceroy
def test_service_that_answers_wrongly_has_no_figures(tmp_path: Path) -> None:
    """Taken for its answer is what is true for every user: the gate's name."""
    require_viceroy()
    service = Service(services.PAGED_FRESH, COMPONENT, GATELET._replace(value_key="name"), PAGED)
    spec = specs.AskedSpec(specs.USUAL, json.loads((ROOT / EXAMPLE_SPEC).read_bytes()), specs.EXAMPLE_GATE)
    with Course({service.name: service}, {spec.name: spec}, tmp_path, print) as course:
        course.prepare([OURS])
        found = course.run([OURS], rounds=1, seconds=0.1)[OURS]
    assert not found.loads
    assert "of 400 answers are the official core's; for user-" in found.failure
