import contextlib
import itertools
import json
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.memory import MemoryPlatform
from edge.spec.cache import NOTHING_HELD, HeldSpec, answer_questions
from edge.spec.raw import RawSpec
from edge.spec.report import find_fault, spec_header
from edge.spec.store import KvSpecStore
from edge.spec.wanted import Questions, Wanted
from evaluator.errors import InvalidSpec
from specstore.keys import manifest_key, page_key
from specstore.manifest import OUR_METADATA
from tests.edge.builders import KEY, STORE, TIME, document, gate, platform, put_both, put_pages, put_raw

OPEN = (Wanted("gate", "open"),)
BAKED = RawSpec(lambda: json.dumps(document(TIME - 500)).encode(), 0)
THROTTLED = "the KV store failed: KvError_TooManyRequests"


class Bounds(NamedTuple):
    """What reading is bound to here."""

    sync_interval_ms: int
    raw_limit_bytes: int


def ask(
    outside: MemoryPlatform,
    held: HeldSpec = NOTHING_HELD,
    now_ms: int = 0,
    *,
    questions: Questions = OPEN,
    fallback: RawSpec | None = None,
    raw_limit: int = 1_000_000,
) -> HeldSpec:
    store = KvSpecStore(outside, STORE, KEY)
    return answer_questions(held, store, lambda: fallback, Bounds(1_000, raw_limit), questions, now_ms)


def time_of(held: HeldSpec) -> int | None:
    return None if held.answer.spec is None else held.answer.spec.time


def seen(held: HeldSpec) -> tuple[str, str, int | None, bool]:
    answer = held.answer
    return answer.source, "" if answer.spec is None else answer.spec.layout, time_of(held), answer.is_stale


def test_spec_is_asked_for_again_only_when_older_than_the_sync_interval() -> None:
    outside = platform()
    first = ask(outside)
    put_raw(outside, document(TIME + 1))
    assert time_of(ask(outside, first, 999)) == TIME
    assert time_of(ask(outside, first, 1_000)) == TIME + 1


def test_raw_value_is_read_once_per_generation() -> None:
    outside = platform()
    entry = outside.stores[STORE][KEY]
    second = ask(outside, ask(outside), 5_000)
    assert (entry.reads, second.checked_ms, second.received_ms) == (1, 5_000, 0)


def test_value_that_does_not_decode_never_replaces_one_that_does() -> None:
    outside = platform()
    first = ask(outside)
    put_raw(outside, b"half a docu")
    second = ask(outside, first, 1_000)
    assert second.spec is first.spec
    assert "not JSON" in second.answer.fault
    assert spec_header(second, TIME)[1].endswith(b"; stale")


def test_broken_value_is_read_once_and_healed_by_the_next() -> None:
    outside = platform(b"broken")
    entry = outside.stores[STORE][KEY]
    held = ask(outside, ask(outside), 1_000)
    assert (entry.reads, seen(held)) == (1, ("none", "", None, True))
    put_raw(outside, document())
    healed = ask(outside, held, 2_000)
    assert (time_of(healed), healed.answer.fault) == (TIME, "")


@pytest.mark.parametrize("put", [put_raw, put_both], ids=["raw", "paged"])
def test_older_time_never_replaces_a_newer_one(put: object) -> None:
    outside = platform()
    first = ask(outside)
    assert callable(put)
    put(outside, document(TIME - 1))
    second = ask(outside, first, 1_000)
    assert second.spec is first.spec
    assert "older" in second.answer.fault


def test_last_good_spec_answers_while_the_store_does_not() -> None:
    outside = platform()
    first = ask(outside)
    outside.store_fault = THROTTLED
    second = ask(outside, first, 1_000)
    assert second.spec is first.spec
    assert THROTTLED in second.answer.fault
    outside.store_fault = ""
    assert ask(outside, second, 2_000).answer.fault == ""


def test_missing_spec_costs_one_look_a_second() -> None:
    outside = MemoryPlatform()
    outside.put(STORE, "other", b"")
    held = ask(outside)
    looked = outside.lookups
    assert ask(outside, held, 999).answer.fault == f"the KV store {STORE} has no key {KEY}"
    assert outside.lookups == looked
    put_raw(outside, document())
    assert time_of(ask(outside, held, 1_000)) == TIME


def test_clock_that_goes_back_does_not_stop_refreshing() -> None:
    outside = platform()
    held = ask(outside, now_ms=1_000_000)
    put_raw(outside, document(TIME + 1))
    assert time_of(ask(outside, held, 5)) == TIME + 1


def test_pages_answer_when_they_were_made_from_the_raw_generation() -> None:
    outside = platform()
    put_both(outside, document())
    held = ask(outside)
    assert seen(held) == ("kv", "paged", TIME, False)
    assert (held.answer.fault, outside.stores[STORE][KEY].reads) == ("", 0)
    assert held.answer.project is not None
    assert held.answer.project.find_gate("open") is not None


def test_raw_answers_when_the_manifest_is_of_another_generation() -> None:
    outside = platform()
    put_both(outside, document())
    put_raw(outside, document(TIME + 1))
    held = ask(outside)
    assert (seen(held), held.answer.fault) == (("kv", "raw", TIME + 1, False), "")


def test_manifest_that_leads_answers_beside_our_own_raw_value_only() -> None:
    outside = platform()
    put_pages(outside, document(TIME + 1))
    put_raw(outside, document(TIME), OUR_METADATA)
    assert seen(ask(outside)) == ("kv", "paged", TIME + 1, False)
    put_raw(outside, document(TIME + 2))
    assert seen(ask(outside)) == ("kv", "raw", TIME + 2, False)


def test_pages_answer_without_any_raw_value() -> None:
    outside = MemoryPlatform()
    put_pages(outside, document())
    for questions in (OPEN, None):
        held = ask(outside, questions=questions)
        assert (seen(held), held.answer.fault) == (("kv", "paged", TIME, False), "")
        assert held.answer.project is not None
        assert held.answer.project.find_gate("open") is not None


def test_whole_spec_comes_from_raw() -> None:
    outside = platform()
    put_both(outside, document())
    held = ask(outside, questions=None)
    assert seen(held) == ("kv", "raw", TIME, False)
    assert seen(ask(outside, held, 5_000)) == ("kv", "raw", TIME, False)


def test_whole_spec_comes_from_raw_also_when_pages_answered_before() -> None:
    outside = platform()
    put_both(outside, document())
    held = ask(outside)
    whole = ask(outside, held, 1, questions=None)
    assert [seen(one) for one in (held, whole)] == [("kv", "paged", TIME, False), ("kv", "raw", TIME, False)]
    looked = outside.lookups
    assert seen(ask(outside, whole, 2, questions=None)) == ("kv", "raw", TIME, False)
    assert outside.lookups == looked


def test_pages_of_the_whole_spec_are_read_once() -> None:
    outside = MemoryPlatform()
    put_pages(outside, document())
    held = ask(outside, ask(outside), 1, questions=None)
    looked = outside.lookups
    assert seen(ask(outside, held, 2, questions=None)) == ("kv", "paged", TIME, False)
    assert outside.lookups == looked


def test_whole_spec_comes_from_pages_when_raw_does_not_answer() -> None:
    outside = platform()
    manifest = put_both(outside, document(open=gate(), other=gate()))
    outside.stores[STORE][KEY].value = b"broken"
    held = ask(outside, questions=None)
    assert seen(held) == ("kv", "paged", TIME, False)
    assert held.answer.project is not None
    assert sorted(held.answer.project.gates) == ["open", "other"]
    assert manifest.counts["feature_gates"] == 2


@pytest.mark.parametrize("damage", ["missing", "truncated", "throttled"])
def test_raw_of_the_same_generation_answers_when_a_page_does_not(damage: str) -> None:
    outside = platform()
    manifest = put_both(outside, document())
    for digest in manifest.list_pages():
        key = page_key(KEY, digest)
        if damage == "missing":
            del outside.stores[STORE][key]
        elif damage == "truncated":
            outside.stores[STORE][key].value = outside.stores[STORE][key].value[:-10]
        else:
            outside.key_faults[key] = THROTTLED
    held = ask(outside)
    assert seen(held) == ("kv", "raw", TIME, False)
    assert held.answer.fault


def test_page_that_is_missing_later_is_answered_from_raw_at_once() -> None:
    outside = platform()
    manifest = put_both(outside, document(open=gate(), other=gate()))
    held = ask(outside, questions=())
    for digest in manifest.list_pages():
        outside.key_faults[page_key(KEY, digest)] = THROTTLED
    assert seen(ask(outside, held, 1)) == ("kv", "raw", TIME, False)


def test_raw_answers_beside_a_manifest_that_is_broken() -> None:
    outside = platform()
    put_both(outside, document())
    outside.stores[STORE][manifest_key(KEY)].value = b"gatelet-manifest/1 nonsense"
    held = ask(outside)
    assert seen(held) == ("kv", "raw", TIME, False)
    assert held.answer.fault.startswith("manifest: ")


def test_stored_manifest_answers_when_raw_is_newer_and_broken_or_too_long() -> None:
    outside = platform()
    put_both(outside, document())
    put_raw(outside, b"broken")
    assert seen(ask(outside)) == ("kv", "paged", TIME, True)
    put_raw(outside, document(TIME + 1))
    held = ask(outside, raw_limit=10)
    assert (seen(held), held.answer.fault) == (("kv", "paged", TIME, True), "the value is longer than 10 bytes")


def test_stored_manifest_answers_while_raw_cannot_be_looked_up() -> None:
    outside = platform()
    put_both(outside, document())
    outside.key_faults[KEY] = THROTTLED
    assert seen(ask(outside)) == ("kv", "paged", TIME, True)


def test_long_raw_value_answers_when_nothing_else_does() -> None:
    outside = platform()
    manifest = put_both(outside, document())
    for digest in manifest.list_pages():
        del outside.stores[STORE][page_key(KEY, digest)]
    held = ask(outside, raw_limit=10)
    assert seen(held) == ("kv", "raw", TIME, False)
    assert "longer than 10 bytes" in held.answer.fault


def test_fallback_answers_and_never_replaces_what_is_held() -> None:
    outside = platform()
    outside.store_fault = THROTTLED
    held = ask(outside, fallback=BAKED)
    assert (seen(held), held.spec) == (("fallback", "raw", TIME - 500, True), None)
    outside.store_fault = ""
    assert seen(ask(outside, held, 1_000, fallback=BAKED)) == ("kv", "raw", TIME, False)


def test_fallback_answers_one_question_and_the_held_pages_the_next() -> None:
    outside = platform()
    put_both(outside, document(open=gate(), other=gate()))
    first = ask(outside)
    outside.store_fault = THROTTLED
    second = ask(outside, first, 1_000, fallback=BAKED, questions=(Wanted("gate", "x"), Wanted("gate", "other")))
    third = ask(outside, second, 1_001, fallback=BAKED)
    assert [seen(held)[0] for held in (second, third)] in (["fallback", "kv"], ["kv", "kv"])
    assert seen(third) == ("kv", "paged", TIME, True)


def test_new_spec_replaces_pages_in_one_step() -> None:
    outside = platform()
    put_both(outside, document())
    held = ask(outside)
    put_both(outside, document(TIME + 1, open=gate(0.0)))
    assert time_of(ask(outside, held, 500)) == TIME
    assert seen(ask(outside, held, 1_000)) == ("kv", "paged", TIME + 1, False)


def test_staleness_counts_from_the_last_look_that_found_the_newest() -> None:
    outside = platform()
    first = ask(outside, now_ms=TIME)
    outside.store_fault = THROTTLED
    stale = ask(outside, first, TIME + 60_000)
    assert [bool(find_fault(stale, TIME + 60_000, limit)) for limit in (0, 60, 59)] == [False, False, True]
    assert find_fault(first, TIME + 60_000, 1) == ""


@pytest.mark.parametrize("start", range(0, 64, 16))
def test_whatever_fails_the_answer_is_whole_and_of_one_generation(start: int) -> None:
    """Every combination of faults at raw, manifest, pages, with and without something held, and with a fallback."""
    names = ("raw missing", "raw broken", "manifest missing", "manifest broken", "pages missing", "held")
    for chosen in itertools.islice(itertools.product([False, True], repeat=len(names)), start, start + 16):
        on = dict(zip(names, chosen, strict=True))
        outside = platform(document(TIME - 1, open=gate(0.0)))
        held = ask(outside) if on["held"] else NOTHING_HELD
        manifest = put_both(outside, document())
        values = outside.stores[STORE]
        for name, key in (("raw", KEY), ("manifest", manifest_key(KEY))):
            if on[f"{name} broken"]:
                outside.put(STORE, key, b"broken")
            if on[f"{name} missing"]:
                del values[key]
        for digest in manifest.list_pages() if on["pages missing"] else ():
            del values[page_key(KEY, digest)]
        found = ask(outside, held, 1_000, fallback=BAKED)
        assert found.answer.project is not None
        rule = cast("Any", found.answer.project.gates["open"])["rules"][0]
        expected = 0.0 if time_of(found) == TIME - 1 else 100.0
        is_newest = time_of(found) == TIME and (on["raw missing"] or not on["raw broken"])
        assert (rule["passPercentage"], found.answer.is_stale) == (expected, not is_newest), on


@given(st.binary(max_size=40) | st.text(alphabet='[]{}":,0e-nulltrue', max_size=40).map(str.encode))
def test_decoding_returns_a_project_or_raises_invalid_spec(value: bytes) -> None:
    with contextlib.suppress(InvalidSpec):
        RawSpec(lambda: value, 0)
