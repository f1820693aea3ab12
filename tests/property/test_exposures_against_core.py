"""The official core, live, sends the same exposures as the exposure log for projects nobody wrote.

Whether one is kept is decided by a hash of its own on either side, so all are sent here, with what they say of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from time import time_ns
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from evaluator.decode import decode_project
from evaluator.exposure_log import ExposureLog
from evaluator.options import Options
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.conformance.official_core import OfficialCore, build_official_user, ending_with_the_core
from tests.evaluator.builders import EVALUATE
from tests.property.compare import HASHES, ID_LISTS, list_questions
from tests.property.projects import ONLY_GENERATE, projects, users

type Json = dict[str, Any]

EXAMPLES = 20
GATES = 12
USERS = 8
PARAMETERS = ("p", "q", "no_such_parameter")
# Of when something happened, and what chance decides.
OWN_METADATA = {"lcut", "receivedAt", "reason"}
OWN_SAMPLING = {"shadowLogged"}


# The core keeps the mode of a spec for the specs after it in the process, so the last one here switches sampling off.
@pytest.mark.parametrize("mode", ["shadow", "none"])
def test_exposures_of_generated_projects_are_those_of_the_official_core(mode: str) -> None:
    compared = 0

    @seed(20_000)
    @settings(ONLY_GENERATE, max_examples=EXAMPLES)
    @given(projects(GATES), st.lists(users(), min_size=USERS, max_size=USERS))
    def compare(project: Json, people: list[Json]) -> None:
        nonlocal compared
        document = project | {"sdk_configs": {"sampling_mode": mode}}
        with ending_with_the_core():
            expected, found = ask_core(document, people), ask_log(document, people)
            for ours, theirs in zip(found, expected, strict=True):
                assert ours == theirs
            compared += len(expected)

    compare()
    assert compared >= EXAMPLES * USERS * GATES // 2


def ask_core(document: Json, people: Sequence[Json]) -> list[Json]:
    with OfficialCore(document, id_lists=ID_LISTS, exposures=True) as core:
        asked = {
            "gate": core.get_feature_gate,
            "config": core.get_dynamic_config,
            "experiment": core.get_experiment,
        }
        for user in people:
            official = build_official_user(user)
            for kind, name in list_questions(document):
                if kind != "layer":
                    asked[kind](official, name)
                    continue
                found = core.statsig.get_layer(official, name)
                for parameter in PARAMETERS:
                    found.get(parameter, None)
        return [summarize(event) for event in core.flush_events()]


def ask_log(document: Json, people: Sequence[Json]) -> list[Json]:
    project = decode_project(document)
    log = ExposureLog(
        document["sdk_configs"], find_reason=lambda found: found.reason("Network"), received_at_ms=project.time
    )
    for user in people:
        view = UserView(project, decode_user(user), time_ns() // 1_000_000, Options(id_lists={"members": HASHES}))
        for kind, name in list_questions(document):
            record(log, view, kind, name)
    return [summarize(event) for event in log.take_events()]


def record(log: ExposureLog, view: UserView, kind: str, name: str) -> None:
    found = EVALUATE[kind](view, name)
    if kind == "gate":
        log.add_gate(view, found)
    elif kind != "layer":
        log.add_config(view, found)
    elif isinstance(found.value, dict):
        for parameter in filter(found.value.__contains__, PARAMETERS):
            log.add_layer(view, found, parameter)


def summarize(event: Json) -> Json:
    return {
        "name": event["eventName"],
        "metadata": dict(drop(event["metadata"], OWN_METADATA)),
        "sampling": dict(drop(event["statsigMetadata"] or {}, OWN_SAMPLING)),
        "secondary": event["secondaryExposures"],
    }


def drop(fields: Mapping[str, object], names: set[str]) -> Iterator[tuple[str, object]]:
    """Yield fields but those named; null is absent."""
    return ((name, value) for name, value in fields.items() if value is not None and name not in names)
