import json

from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox
from specstore.keys import overrides_key
from tests.edge.builders import KEY, STORE, Json, ask, json_of, platform, request

SHUT = {"gates": {"open": {"all": False}}}


def check(sandbox: Sandbox, user_id: str = "u") -> Json:
    return json_of(ask(sandbox, request("/v1/check_gate", {"user": {"userID": user_id}, "gateName": "open"})))


def force(outside: MemoryPlatform, overrides: object) -> None:
    content = overrides if isinstance(overrides, bytes) else json.dumps(overrides).encode()
    outside.put(STORE, overrides_key(KEY), content)


def test_gate_is_forced_off_within_one_sync_interval_and_comes_back() -> None:
    outside = platform(sync_interval_ms="1000")
    sandbox = Sandbox(outside)
    assert check(sandbox)["value"] is True
    force(outside, SHUT)
    outside.time_ms += 1_000
    found = check(sandbox)
    assert (found["value"], found["rule_id"], found["reason"]) == (False, "override", "LocalOverride:Recognized")
    assert json_of(ask(sandbox, request("/healthz")))["overrides"] == {"names": 1, "fault": None}
    del outside.stores[STORE][overrides_key(KEY)]
    outside.time_ms += 1_000
    assert (check(sandbox)["value"], check(sandbox)["reason"]) == (True, "Adapter(FastlyKV):Recognized")


def test_override_for_one_id_leaves_everyone_else_alone() -> None:
    outside = platform()
    force(outside, {"gates": {"open": {"ids": {"someone": False}}}})
    sandbox = Sandbox(outside)
    assert [check(sandbox, user_id)["value"] for user_id in ("someone", "anyone")] == [False, True]


def test_override_stays_in_force_while_the_entry_cannot_be_read_or_understood() -> None:
    outside = platform(sync_interval_ms="1000")
    force(outside, SHUT)
    sandbox = Sandbox(outside)
    assert check(sandbox)["value"] is False
    outside.key_faults[overrides_key(KEY)] = "TooManyRequests"
    outside.time_ms += 1_000
    assert check(sandbox)["value"] is False
    outside.key_faults.clear()
    force(outside, {"gates": {"open": "off"}})
    outside.time_ms += 1_000
    assert check(sandbox)["value"] is False
    assert "overrides" in str(json_of(ask(sandbox, request("/healthz")))["overrides"])


def test_reason_says_when_nobody_knows_what_is_overridden() -> None:
    outside = platform()
    force(outside, b"no overrides")
    sandbox = Sandbox(outside)
    assert check(sandbox)["reason"] == "Adapter(FastlyKV):Recognized:OverridesUnknown"
    assert b"overrides=unknown" in sandbox.spec_header()[1]
