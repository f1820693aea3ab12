import json

import pytest

from edge.events.answers import Answer
from edge.events.client_events import ClientEvents, Fate
from edge.events.spool_format import decode_envelope
from edge.memory import MemoryPending, SentBatch, take_all
from edge.ports import InsertRules
from tests.edge.builders import STORE
from tests.edge.events.endpoint import FAIL, Service, users_of


def test_batch_spans_requests_until_it_is_old_enough() -> None:
    service = Service(events_batch_age_ms="1000")
    sandbox = service.start()
    service.check(sandbox, "a", "b")
    assert service.outside.batches == []
    service.pass_time(1.0)
    sandbox.go_on()
    assert [users_of(batch) for batch in service.outside.batches] == [["a", "b"]]


@pytest.mark.parametrize("settings", [{"events_batch_count": "2"}, {"events_batch_bytes": "500"}])
def test_batch_is_sent_when_it_is_full(settings: dict[str, str]) -> None:
    service = Service(events_batch_age_ms="60000", **settings)
    service.check(service.start(), "a", "b", "c")
    assert [users_of(batch) for batch in service.outside.batches] == [["a", "b"]]


def test_no_event_outlives_its_sandbox() -> None:
    service = Service(events_batch_age_ms="60000")
    sandbox = service.start()
    service.check(sandbox, "a")
    sandbox.close()
    assert service.received() == {"a": 1}
    assert sandbox.outbox.is_idle()


def test_long_batch_is_compressed() -> None:
    service = Service(events_batch_age_ms="60000", events_gzip_bytes="600")
    sandbox = service.start()
    service.check(sandbox, *"abcdef")
    sandbox.close()
    (batch,) = service.outside.batches
    assert dict(batch.headers)["content-encoding"] == b"gzip"
    assert users_of(batch) == list("abcdef")


def test_failed_batch_is_sent_again_while_the_sandbox_lives() -> None:
    service = Service(events_tries="3")
    service.outside.answer = lambda _batch: FAIL if len(service.outside.batches) < 2 else take_all(_batch)
    sandbox = service.start()
    service.check(sandbox, "a")
    sandbox.close()
    assert service.received() == {"a": 1}
    retries = [dict(batch.headers)["statsig-retry-count"] for batch in service.outside.batches]
    assert retries == [b"0", b"1", b"2"]
    assert len({dict(batch.headers)["x-gatelet-batches"] for batch in service.outside.batches}) == 1
    assert (service.total("retried"), service.total("delivered")) == (2, 1)


def test_tries_are_spread_and_bounded() -> None:
    service = Service(events_tries="3")
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    service.check(sandbox, "a")
    sandbox.close()
    assert len(service.outside.batches) == 3
    assert 0.3 < service.outside.seconds < 1.0  # 200 ms and 400 ms, each spread by half


def test_batch_that_nobody_takes_is_stored() -> None:
    service = Service()
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    service.check(sandbox, "a")
    sandbox.close()
    assert service.stored() == ["a"]
    assert "events: 1 stored: the backend answered 500" in service.outside.lines
    assert service.total("stored") == 1


def test_missing_backend_is_stored_and_does_not_reach_the_reply() -> None:
    service = Service(events_backend="nowhere")
    service.check(service.start(), "a")
    service.sandboxes[0].close()
    assert service.stored() == ["a"]


def test_unanswered_batch_is_stored_at_the_end_of_the_sandbox() -> None:
    service = Service()
    service.outside.answer_delay_ms = 60_000
    sandbox = service.start()
    service.check(sandbox, "a")
    sandbox.close()
    assert service.outside.seconds == pytest.approx(5.0)
    assert service.stored() == ["a"]


def test_endpoint_that_wants_to_be_left_alone_is_left_alone_by_all_batches() -> None:
    service = Service()
    service.outside.answer = lambda _batch: Answer(429, retry_after="30")
    sandbox = service.start()
    service.check(sandbox, *"abcdef")
    sandbox.close()
    assert len(service.outside.batches) == 1
    assert service.stored() == list("abcdef")


def test_short_retry_after_is_waited_for() -> None:
    service = Service()
    service.outside.answer = lambda batch: (
        Answer(429, retry_after="1") if service.outside.seconds < 1 else take_all(batch)
    )
    sandbox = service.start()
    service.check(sandbox, *"abc")
    sandbox.close()
    assert service.received() == {"a": 1, "b": 1, "c": 1}
    assert service.stored() == []
    assert len(service.outside.batches) == 4


@pytest.mark.parametrize("content", [None, b"of somebody else"], ids=["nothing", "something else"])
def test_refused_write_is_not_taken_for_a_stored_batch(content: bytes | None) -> None:
    service = Service()
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    service.check(sandbox, "a")
    begin = service.outside.begin_insert

    def refuse_first(store: str, key: str, value: bytes, rules: InsertRules) -> MemoryPending[bool]:
        if key.endswith("-1") and content is not None:
            service.outside.put(store, key, content)
        if content is None:
            return MemoryPending(service.outside, 0, "", lambda: False)
        return begin(store, key, value, rules)

    service.outside.begin_insert = refuse_first  # type: ignore[assignment,method-assign]
    sandbox.close()
    if content is None:
        assert (service.total("stored"), service.total("dropped")) == (0, 1)
        assert any(line.endswith("and its place in the store of events is taken") for line in service.outside.lines)
    else:
        (key,) = [key for key in service.outside.stores[STORE] if key.endswith("-again")]
        assert decode_envelope(service.outside.stores[STORE][key].value).event_count == 1
        assert (service.total("stored"), service.total("dropped")) == (1, 0)


def test_write_whose_answer_was_lost_is_not_written_twice() -> None:
    service = Service()
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    service.check(sandbox, "a")
    begin = service.outside.begin_insert

    def lose_the_answer(store: str, key: str, value: bytes, rules: InsertRules) -> MemoryPending[bool]:
        begin(store, key, value, rules).wait()
        return begin(store, key, value, rules)

    service.outside.begin_insert = lose_the_answer  # type: ignore[assignment,method-assign]
    sandbox.close()
    assert (service.stored(), service.total("stored")) == (["a"], 1)


def refuse_more_than_two(batch: SentBatch) -> Answer:
    return Answer(413) if len(users_of(batch)) > 2 else take_all(batch)


def test_batch_that_is_too_large_is_split_until_it_is_taken() -> None:
    service = Service(events_batch_age_ms="60000")
    service.outside.answer = refuse_more_than_two
    sandbox = service.start()
    service.check(sandbox, *"abcdefg")
    sandbox.close()
    assert service.received() == dict.fromkeys("abcdefg", 1)
    assert service.total("dropped") == 0
    assert len(service.outside.batches) == 7  # 7, 4 and 3, then 2 + 2 and 1 + 2


def test_single_event_that_is_too_large_is_dropped_and_said() -> None:
    service = Service()
    service.outside.answer = lambda _batch: Answer(413)
    sandbox = service.start()
    service.check(sandbox, "a")
    sandbox.close()
    assert service.total("dropped") == 1
    assert "events: 1 dropped: the backend answered 413" in service.outside.lines


def test_wrong_content_is_dropped_counted_and_not_repeated() -> None:
    service = Service()
    service.outside.answer = lambda _batch: Answer(400)
    sandbox = service.start()
    service.check(sandbox, "secret-person")
    sandbox.close()
    assert len(service.outside.batches) == 1
    assert (service.total("dropped"), service.stored()) == (1, [])
    assert not any("secret-person" in line for line in service.outside.lines)


def test_refused_key_keeps_the_events() -> None:
    service = Service()
    service.outside.answer = lambda _batch: Answer(401)
    sandbox = service.start()
    service.check(sandbox, "a")
    sandbox.close()
    assert (len(service.outside.batches), service.stored()) == (1, ["a"])


def test_store_that_fails_too_is_no_end_while_the_sandbox_lives() -> None:
    service = Service()
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    service.check(sandbox, "a")
    service.outside.store_fault = "out of order"
    for _ in range(20):
        service.pass_time(0.5)
        sandbox.go_on()
    assert service.total("dropped") == 0
    service.outside.answer, service.outside.store_fault = take_all, ""
    sandbox.close()
    assert service.received() == {"a": 1}


def test_what_neither_endpoint_nor_store_takes_is_dropped_at_the_end_and_said() -> None:
    service = Service()
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    service.check(sandbox, "a")
    service.outside.store_fault = "out of order"
    sandbox.close()
    assert service.total("dropped") == 1
    (line,) = [line for line in service.outside.lines if "dropped:" in line]
    assert line.startswith("events: 1 dropped: the backend answered 500, and out of order")


def test_memory_of_a_sandbox_is_bounded() -> None:
    service = Service(events_batch_age_ms="60000", events_batch_bytes="3000000")
    service.outside.answer_delay_ms = 60_000
    sandbox = service.start()
    for _ in range(3):
        sandbox.outbox.collect([{"eventName": "x", "user": {"userID": "x" * 2_000_000}}])
        sandbox.outbox.seal()
    assert service.total("dropped") == 1


CLIENT_EVENTS = ClientEvents(json.dumps({"events": [{"user": {"userID": "c"}}]}).encode(), 1)

# answer                       store      fate
FATES = [
    (Answer(202), "", Fate.DELIVERED),
    (Answer(500), "", Fate.STORED),
    (Answer(429, retry_after="60"), "", Fate.STORED),
    (Answer(401), "", Fate.STORED),
    (Answer(400), "", Fate.WRONG),
    (Answer(413), "", Fate.TOO_LARGE),
    (Answer(500), "broken", Fate.REFUSED),
    (Answer(0, problem="connection refused"), "broken", Fate.REFUSED),
]


@pytest.mark.parametrize(("answer", "store", "fate"), FATES)
def test_fate_of_a_clients_events(answer: Answer, store: str, fate: Fate) -> None:
    service = Service()
    sandbox = service.start()
    service.outside.answer, service.outside.store_fault = (lambda _batch: answer), store
    handover = sandbox.hand_over(CLIENT_EVENTS)
    assert (handover.fate, handover.is_safe) == (fate, fate in (Fate.DELIVERED, Fate.STORED))
    assert len(service.outside.batches) == 1  # the client itself is who tries again


def test_client_waits_for_a_slow_endpoint_within_bounds_and_its_events_are_stored() -> None:
    service = Service(events_reply_wait_ms="300")
    service.outside.answer_delay_ms = 3_000
    sandbox = service.start()
    assert sandbox.hand_over(CLIENT_EVENTS).fate is Fate.STORED
    assert service.outside.seconds == pytest.approx(0.3)


def test_late_answer_takes_a_clients_events_out_of_the_store_again() -> None:
    service = Service(events_reply_wait_ms="300")
    service.outside.answer_delay_ms = 1_000
    sandbox = service.start()
    sandbox.hand_over(CLIENT_EVENTS)
    service.pass_time(1.0)
    for _ in range(3):
        sandbox.go_on()
    sandbox.close()
    assert len(service.outside.batches) == 1
    assert not [key for key in service.outside.stores["gatelet-specs"] if key.startswith("gatelet-events/")]
    assert (service.total("stored"), service.total("drained")) == (1, 1)


def test_client_does_not_wait_for_an_endpoint_that_is_left_alone() -> None:
    service = Service()
    service.outside.answer = lambda _batch: Answer(429, retry_after="2")
    sandbox = service.start()
    fates = [sandbox.hand_over(CLIENT_EVENTS).fate for _ in range(3)]
    assert fates == [Fate.STORED] * 3
    assert (len(service.outside.batches), service.outside.seconds) == (1, 0.0)
