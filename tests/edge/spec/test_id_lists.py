import json

import pytest

from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox
from evaluator.bucketing import hash_unit_id
from specstore.idlists import cut_list, find_member
from specstore.keys import list_index_key, shard_prefix
from specstore.plan import plan_lists
from tests.edge.builders import KEY, STORE, Json, ask, document, gate, json_of, platform, request

NAME = "beta"
LISTED = "Adapter(FastlyKV):Recognized:IdListInMemory"


def with_list(*members: str) -> MemoryPlatform:
    spec = document(open=gate())
    condition = {"type": "unit_id", "operator": "in_segment_list", "targetValue": NAME, "idType": "userID"}
    spec["condition_map"] = {"everyone": condition}
    outside = platform(spec, sync_interval_ms="1000")
    put_list(outside, *members)
    return outside


def put_list(outside: MemoryPlatform, *members: str) -> None:
    found = frozenset(member for one in members if (member := find_member(hash_unit_id(one))))
    for entry in plan_lists(KEY, {NAME: cut_list(found, file_id="a", creation_time=1, size=0)}, {}):
        outside.put(STORE, entry.key, entry.value)


def check(sandbox: Sandbox, user_id: str = "u") -> Json:
    return json_of(ask(sandbox, request("/v1/check_gate", {"user": {"userID": user_id}, "gateName": "open"})))


def shard_keys(outside: MemoryPlatform) -> list[str]:
    return [key for key in outside.stores[STORE] if key.startswith(shard_prefix(KEY)) and not key.endswith("digests")]


def test_members_are_told_from_others() -> None:
    sandbox = Sandbox(with_list("u", "v"))
    answers = [check(sandbox, user_id) for user_id in ("u", "v", "w")]
    assert [(one["value"], one["reason"]) for one in answers] == [(True, LISTED), (True, LISTED), (False, LISTED)]


def test_shard_is_read_once_within_the_sync_interval_and_again_after_it() -> None:
    outside = with_list("u")
    sandbox = Sandbox(outside)
    assert check(sandbox, "w")["value"] is False
    put_list(outside, "u", "w")
    assert check(sandbox, "w")["value"] is False
    outside.time_ms += 1_000
    assert check(sandbox, "w")["value"] is True


def test_list_that_nobody_published_is_said() -> None:
    outside = with_list("u")
    outside.put(STORE, list_index_key(KEY), next(iter(plan_lists(KEY, {}, {}))).value)
    found = check(Sandbox(outside))
    assert (found["value"], found["reason"]) == (False, f"{LISTED}:IdListMissing({NAME})")


@pytest.mark.parametrize("harmed", ["index", "shard"])
@pytest.mark.parametrize("harm", ["throttled", "broken"])
def test_list_that_cannot_be_read_is_said_and_heals(harmed: str, harm: str) -> None:
    outside = with_list("u")
    (shard,) = shard_keys(outside)
    key = list_index_key(KEY) if harmed == "index" else shard
    value = outside.stores[STORE][key].value
    if harm == "throttled":
        outside.key_faults[key] = "TooManyRequests"
    else:
        outside.put(STORE, key, b"broken")
    sandbox = Sandbox(outside)
    found = check(sandbox)
    assert (found["value"], found["reason"]) == (False, f"{LISTED}:IdListUnreadable({NAME})")
    outside.key_faults.clear()
    outside.put(STORE, key, value)
    outside.time_ms += 1_000
    assert (check(sandbox)["value"], check(sandbox)["reason"]) == (True, LISTED)


def test_shard_that_fails_is_asked_for_once_a_request() -> None:
    outside = with_list("u")
    sandbox = Sandbox(outside)
    check(sandbox, "someone else")
    (shard,) = shard_keys(outside)
    outside.key_faults[shard] = "TooManyRequests"
    outside.time_ms += 1_000
    check(sandbox)
    outside.time_ms += 1_000
    looked = outside.lookups
    lists = sandbox.begin_questions([]).options.id_lists
    assert [hash_unit_id("u") in lists[NAME] for _ in range(5)] == [True] * 5
    assert outside.lookups - looked == 3 + 1 + 1  # the spec's entries, the index, the shard


@pytest.mark.parametrize("harmed", ["index", "shard"])
def test_list_that_was_read_before_stays_in_use_and_is_called_stale(harmed: str) -> None:
    outside = with_list("u")
    sandbox = Sandbox(outside)
    assert check(sandbox)["value"] is True
    (shard,) = shard_keys(outside)
    outside.key_faults[list_index_key(KEY) if harmed == "index" else shard] = "TooManyRequests"
    outside.time_ms += 1_000
    found = check(sandbox)
    assert (found["value"], found["reason"]) == (True, f"{LISTED}:IdListStale({NAME})")


def test_health_says_how_many_lists_were_seen() -> None:
    sandbox = Sandbox(with_list("u"))
    assert json_of(ask(sandbox, request("/healthz")))["id_lists"] == {"lists": None, "fault": None}
    check(sandbox)
    assert json_of(ask(sandbox, request("/healthz")))["id_lists"] == {"lists": 1, "fault": None}


def test_spec_of_the_config_store_answers_and_has_no_lists() -> None:
    outside = with_list("u")
    outside.settings |= {"spec_item": "small", "small": outside.stores[STORE][KEY].value.decode()}
    found = check(Sandbox(outside))
    assert found["reason"] == f"Adapter(FastlyConfigStore):Recognized:IdListInMemory:IdListMissing({NAME})"
    outside.settings["small.overrides"] = json.dumps({"gates": {"open": {"all": True}}})
    assert check(Sandbox(outside))["reason"] == "LocalOverride:Recognized"
