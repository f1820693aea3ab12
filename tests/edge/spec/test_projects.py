import json

import pytest

from edge.memory import MemoryPlatform
from edge.questions import WHOLE
from edge.sandbox import Sandbox
from edge.spec.projects import find_spec_key, fingerprint
from edge.spec.wanted import Wanted
from tests.edge.builders import CLIENT, KEY, SERVER, STORE, ask, document, gate, json_of, platform, request

OTHER = "statsig-other"
OPEN = Wanted("gate", "open")


def with_two_projects(**settings: str) -> MemoryPlatform:
    outside = platform(projects=f"{fingerprint(CLIENT)}={OTHER}\n0123456789abcdef=statsig-third", **settings)
    outside.put(STORE, OTHER, json.dumps(document(open=gate(0.0))).encode())
    outside.secrets["statsig_key"] = f"secret-first {OTHER}=secret-other".encode()
    return outside


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", KEY),
        (f"{fingerprint(CLIENT)}={OTHER}", OTHER),
        (f"0123456789abcdef=x {fingerprint(CLIENT)}={OTHER}", OTHER),
        ("0123456789abcdef=x", KEY),
        (f"{fingerprint(CLIENT)}", KEY),
    ],
    ids=["no table", "listed", "listed behind another", "not listed", "no pair"],
)
def test_table_leads_from_a_key_to_its_spec(table: str, expected: str) -> None:
    assert find_spec_key(table, CLIENT, KEY) == expected


def test_table_shows_no_key() -> None:
    assert (len(fingerprint(SERVER)), SERVER in fingerprint(SERVER)) == (16, False)


def test_projects_are_held_side_by_side() -> None:
    outside = with_two_projects()
    sandbox = Sandbox(outside)
    for key in (SERVER, CLIENT):
        sandbox.begin_questions([OPEN], key)
    looked = outside.lookups
    values = [
        json_of(ask(sandbox, request("/v1/check_gate", {"user": {}, "gateName": "open"}, key=key)))["value"]
        for key in (SERVER, CLIENT, SERVER)
    ]
    assert (values, outside.lookups) == ([True, False, True], looked)


def test_project_that_nobody_published_is_looked_up_once_a_second() -> None:
    outside = with_two_projects()
    del outside.stores[STORE][OTHER]
    sandbox = Sandbox(outside)
    assert sandbox.begin_questions([OPEN], CLIENT).project_for("gate", "open") is None
    looked = outside.lookups
    for _ in range(10):
        outside.time_ms += 99
        assert sandbox.begin_questions([OPEN], CLIENT).fault == f"the KV store {STORE} has no key {OTHER}"
    assert outside.lookups == looked
    outside.time_ms += 10
    sandbox.begin_questions([OPEN], CLIENT)
    assert outside.lookups > looked


def test_question_that_was_not_announced_is_a_bug_and_not_an_unknown_name() -> None:
    sandbox = Sandbox(platform())
    with pytest.raises(LookupError):
        sandbox.begin_questions([OPEN]).project_for("gate", "shut")
    with pytest.raises(LookupError):
        sandbox.begin_questions([OPEN]).whole_project()
    assert sandbox.begin_questions(WHOLE).project_for("gate", "shut") is not None


def test_health_fails_when_answers_are_stale_for_longer_than_the_setting_allows() -> None:
    outside = platform(max_staleness_s="60", sync_interval_ms="1000")
    sandbox = Sandbox(outside)
    statuses = [ask(sandbox, request("/healthz")).status]
    outside.store_fault = "TooManyRequests"
    for seconds in (59, 2):
        outside.time_ms += seconds * 1_000
        statuses.append(ask(sandbox, request("/healthz")).status)
    assert statuses == [200, 200, 503]
    assert ask(sandbox, request("/readyz")).status == 200
