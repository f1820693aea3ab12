import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from edge.memory import MemoryPlatform
from edge.settings import ReplySettings
from edge.spec_cache import NOTHING_HELD, HeldSpec, decode_value, refresh_spec, spec_header
from evaluator.errors import InvalidSpec
from tests.edge.builders import KEY, STORE, TIME, document, platform

SETTINGS = ReplySettings(spec_store=STORE, spec_key=KEY, sync_interval_ms=1_000)


def refresh(outside: MemoryPlatform, held: HeldSpec = NOTHING_HELD, now_ms: int = 0) -> HeldSpec:
    return refresh_spec(held, outside, SETTINGS, KEY, now_ms)


def put(outside: MemoryPlatform, value: object) -> None:
    outside.put(STORE, KEY, value if isinstance(value, bytes) else json.dumps(value).encode())


def time_of(held: HeldSpec) -> int | None:
    return None if held.project is None else held.project.time


def test_spec_is_asked_for_again_only_when_older_than_the_sync_interval() -> None:
    outside = platform()
    first = refresh(outside)
    put(outside, document(TIME + 1))
    assert refresh(outside, first, 999) is first
    assert time_of(refresh(outside, first, 1_000)) == TIME + 1


def test_value_is_read_once_per_generation() -> None:
    outside = platform()
    entry = outside.stores[STORE][KEY]
    second = refresh(outside, refresh(outside), 5_000)
    assert (entry.reads, second.checked_ms, second.received_ms) == (1, 5_000, 0)


def test_value_that_does_not_decode_never_replaces_one_that_does() -> None:
    outside = platform()
    first = refresh(outside)
    put(outside, b"half a docu")
    second = refresh(outside, first, 1_000)
    assert second.project is first.project
    assert "not JSON" in second.fault
    assert spec_header(second, TIME)[1].endswith(b"; stale")


def test_broken_value_is_read_once_and_healed_by_the_next() -> None:
    outside = platform(b"broken")
    entry = outside.stores[STORE][KEY]
    held = refresh(outside, refresh(outside))
    assert (entry.reads, held.project) == (1, None)
    put(outside, document())
    healed = refresh(outside, held)
    assert (time_of(healed), healed.fault) == (TIME, "")


def test_older_time_never_replaces_a_newer_one() -> None:
    outside = platform()
    first = refresh(outside)
    put(outside, document(TIME - 1))
    second = refresh(outside, first, 1_000)
    assert second.project is first.project
    assert "older" in second.fault


def test_last_good_spec_answers_while_the_store_does_not() -> None:
    outside = platform()
    first = refresh(outside)
    outside.store_fault = "TooManyRequests"
    second = refresh(outside, first, 1_000)
    assert (second.project is first.project, second.fault) == (True, "TooManyRequests")
    outside.store_fault = ""
    assert refresh(outside, second, 2_000).fault == ""


def test_store_is_asked_at_once_again_when_nothing_is_held() -> None:
    outside = platform()
    outside.store_fault = "TooManyRequests"
    held = refresh(outside)
    outside.store_fault = ""
    assert time_of(refresh(outside, held, 1)) == TIME


def test_clock_that_goes_back_does_not_stop_refreshing() -> None:
    outside = platform()
    held = refresh(outside, now_ms=1_000_000)
    put(outside, document(TIME + 1))
    assert time_of(refresh(outside, held, 5)) == TIME + 1


@given(st.binary(max_size=40) | st.text(alphabet='[]{}":,0e-nulltrue', max_size=40).map(str.encode))
def test_decoding_returns_a_project_or_raises_invalid_spec(value: bytes) -> None:
    with contextlib.suppress(InvalidSpec):
        decode_value(value)
