import pytest

from edge.events.answers import Answer
from edge.events.client_events import ClientEvents
from edge.events.groups import BATCHES_PER_POST
from edge.events.spool_format import (
    LEASE_KEY,
    PREFIX,
    InvalidEnvelope,
    Lease,
    decode_envelope,
    decode_lease,
    encode_lease,
)
from edge.memory import MemoryPending, SentBatch, take_all
from edge.ports import InsertRules
from edge.sandbox import Sandbox
from tests.edge.builders import STORE
from tests.edge.events.endpoint import FAIL, Service, users_of


def store_some(service: Service, *users: str) -> None:
    """Store a batch for each user by a sandbox that finds the endpoint out of order."""
    service.outside.answer = lambda _batch: FAIL
    for user in users:
        sandbox = service.start()
        service.check(sandbox, user)
        sandbox.close()
    assert service.stored() == list(users)
    service.outside.answer = take_all
    service.outside.batches.clear()
    service.outside.answers.clear()
    service.pass_time(20)  # the lease of the last count is over


def live(service: Service, user: str) -> Sandbox:
    """A sandbox that gets one check and ends."""
    sandbox = service.start()
    service.check(sandbox, user)
    sandbox.close()
    return sandbox


def read_lease(service: Service) -> Lease:
    return decode_lease(service.outside.stores[STORE][LEASE_KEY].value)


def test_later_sandbox_sends_what_was_stored_together_and_removes_it() -> None:
    service = Service()
    store_some(service, "a", "b", "c")
    live(service, "d")
    assert [users_of(batch) for batch in service.outside.batches] == [["d"], ["a", "b", "c"]]
    assert (service.stored(), service.total("drained")) == ([], 3)
    assert read_lease(service)[1:] == (0, 0, 0, 0)


def test_drained_batch_keeps_the_id_it_was_sent_with() -> None:
    service = Service()
    store_some(service, "a", "b")
    live(service, "c")
    assert dict(service.outside.batches[1].headers)["x-gatelet-batches"] == b"s0-1=1, s1-1=1"


def test_client_events_are_drained_as_they_came() -> None:
    service = Service()
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    sandbox.hand_over(ClientEvents(b"zstd bytes", 3, "zstd", (("statsig-sdk-type", b"node"),)))
    sandbox.close()
    service.outside.answer = take_all
    service.outside.batches.clear()
    service.pass_time(20)
    sandbox = service.start()
    sandbox.hand_over(ClientEvents(b"more", 1))
    sandbox.close()
    batch = service.outside.batches[-1]
    headers = dict(batch.headers)
    assert (batch.body, headers["content-encoding"], headers["statsig-sdk-type"]) == (b"zstd bytes", b"zstd", b"node")
    assert (service.stored(), service.total("drained")) == ([], 3)


def test_sandbox_that_is_not_chosen_leaves_the_store_alone() -> None:
    service = Service()
    store_some(service, "a")
    service.outside.settings["drain_share"] = "0"
    live(service, "b")
    assert service.stored() == ["a"]


def test_nothing_is_drained_at_an_endpoint_that_is_down() -> None:
    service = Service()
    store_some(service, "a")
    service.outside.answer = lambda _batch: FAIL
    live(service, "b")
    assert [users_of(batch) for batch in service.outside.batches] == [["b"]] * 2
    assert service.stored() == ["a", "b"]


def test_two_sandboxes_do_not_drain_the_same() -> None:
    service = Service()
    store_some(service, "a", "b")
    service.outside.answer_delay_ms = 2_000
    first, second = service.start(), service.start()
    service.check(first, "c")
    service.check(second, "d")
    for _ in range(40):
        service.pass_time(0.25)
        first.go_on()
        second.go_on()
    assert service.received() == dict.fromkeys("abcd", 1)
    assert service.stored() == []


def test_lease_of_a_sandbox_that_was_killed_runs_out() -> None:
    service = Service()
    store_some(service, "a")
    now_ms = service.outside.now_ms()
    service.outside.put(STORE, LEASE_KEY, encode_lease(Lease("killed", now_ms + 10_000, 1, 1)))
    live(service, "b")
    assert service.stored() == ["a"]
    service.pass_time(11)
    live(service, "c")
    assert service.stored() == []


def test_wrong_batch_is_found_among_the_others_and_set_aside_with_the_reason() -> None:
    service = Service()
    users = [f"u{number}" for number in range(9)]
    store_some(service, *users)

    def refuse_one(batch: SentBatch) -> Answer:
        return Answer(400) if "u4" in users_of(batch) else take_all(batch)

    service.outside.answer = refuse_one
    live(service, "x")
    service.pass_time(20)
    live(service, "y")
    assert service.received() == dict.fromkeys([*users[:4], *users[5:], "x", "y"], 1)
    assert (service.stored(), len(service.set_aside()), service.total("set_aside")) == ([], 1, 1)
    assert any("1 set aside" in line and "answered 400" in line for line in service.outside.lines)


def test_value_that_is_none_of_ours_is_set_aside() -> None:
    service = Service()
    store_some(service, "a")
    service.outside.put(STORE, f"{PREFIX}1600000000000-2-5-broken", b"\xffno envelope")
    live(service, "b")
    assert (service.stored(), service.total("set_aside")) == ([], 2)
    assert service.received() == {"a": 1, "b": 1}


def test_stored_batch_that_is_too_large_is_stored_again_in_halves() -> None:
    service = Service(events_batch_age_ms="60000")
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    service.check(sandbox, *"abcd")
    sandbox.close()
    service.outside.answer = lambda batch: Answer(413) if len(users_of(batch)) > 2 else take_all(batch)
    for number in range(4):
        service.pass_time(20)
        live(service, f"later-{number}")
    assert {user: number for user, number in service.received().items() if len(user) == 1} == dict.fromkeys("abcd", 1)
    assert service.stored() == []


def test_batch_whose_removal_is_lost_is_sent_again_under_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    store_some(service, "a")
    (key,) = [key for key in service.outside.stores[STORE] if key.startswith(PREFIX)]
    with monkeypatch.context() as patched:
        patched.setattr(service.outside, "begin_delete", lambda *_: service.outside.pend("", lambda: False))
        live(service, "b")
    assert service.stored() == ["a"]
    service.pass_time(20)
    live(service, "c")
    assert service.received()["a"] == 2
    ids = [dict(batch.headers)["x-gatelet-batches"] for batch in service.outside.batches if "a" in users_of(batch)]
    assert ids == [b"s0-1=1"] * 2
    assert key not in service.outside.stores[STORE]


def test_store_is_bounded_and_keeps_the_oldest() -> None:
    service = Service(spool_batches="3")
    service.outside.answer = lambda _batch: FAIL
    for number in range(6):
        live(service, f"u{number}")
        service.pass_time(11)  # the next one counts anew
    assert service.stored() == ["u0", "u1", "u2"]
    assert service.total("dropped") == 3
    assert any(line.endswith("and the store of events is full") for line in service.outside.lines)


def test_bytes_of_the_store_are_bounded() -> None:
    service = Service(spool_bytes="700")
    service.outside.answer = lambda _batch: FAIL
    for number in range(4):
        live(service, f"u{number}")
        service.pass_time(11)
    assert len(service.stored()) == 1
    assert service.total("dropped") == 3


def test_full_store_recovers() -> None:
    service = Service(spool_batches="2")
    service.outside.answer = lambda _batch: FAIL
    for number in range(4):
        live(service, f"u{number}")
        service.pass_time(11)
    service.outside.answer = take_all
    live(service, "well")
    service.pass_time(11)
    service.outside.answer = lambda _batch: FAIL
    live(service, "down again")
    assert service.stored() == ["down again"]
    assert service.received() == {"u0": 1, "u1": 1, "well": 1}


def test_store_that_does_not_answer_costs_a_line_and_no_check() -> None:
    service = Service()
    store_some(service, "a")
    sandbox = service.start()
    service.check(sandbox, "b")
    service.outside.store_fault = "out of order"
    sandbox.close()
    assert "events: the store of events was not drained: out of order" in service.outside.lines
    assert service.received() == {"b": 1}


@pytest.mark.parametrize("value", [b"", b"\xff", b"\x80", b"\xa0", b"\xa1\x67version\x02"])
def test_bad_envelope_is_invalid_and_nothing_else(value: bytes) -> None:
    with pytest.raises(InvalidEnvelope):
        decode_envelope(value)


@pytest.mark.parametrize("value", [b"", b"\xff", b"\xa0", b"[]", b'{"until_ms":"soon"}', b"[" * 100_000])
def test_lease_that_cannot_be_read_has_expired(value: bytes) -> None:
    assert decode_lease(value) == Lease()


def store_many(service: Service, number: int) -> list[str]:
    """Store so many batches by one sandbox; returns their users."""
    users = [f"u{one}" for one in range(number)]
    service.outside.answer = lambda _batch: FAIL
    sandbox = service.start()
    service.check(sandbox, *users)
    sandbox.close()
    assert sorted(service.stored()) == sorted(users)
    service.outside.answer = take_all
    service.pass_time(20)
    return users


def test_sandbox_that_ends_begins_no_request_whose_answer_it_would_not_wait_for() -> None:
    service = Service(spool_batches="1000")
    users = store_many(service, BATCHES_PER_POST * 3)
    service.outside.answer_delay_ms = 2_000
    service.outside.batches.clear()
    service.outside.answers.clear()
    live(service, "a")
    assert [len(users_of(batch)) for batch in service.outside.batches] == [1, BATCHES_PER_POST, BATCHES_PER_POST]
    assert len(service.stored()) == BATCHES_PER_POST
    service.pass_time(20)
    live(service, "b")
    assert service.received() == dict.fromkeys([*users, "a", "b"], 1)


def test_batches_that_were_sent_together_are_removed_together() -> None:
    service = Service(spool_batches="1000")
    store_many(service, BATCHES_PER_POST)
    sandbox = service.start()
    service.check(sandbox, "a")
    service.outside.store_delay_ms = 200
    started = service.outside.seconds
    sandbox.close()
    assert service.stored() == []
    assert service.outside.seconds - started < 2.0  # six answers of the store, and a second between writes of the lease


def test_batch_that_the_endpoint_fails_at_keeps_no_other_and_stays() -> None:
    service = Service(spool_batches="1000")
    users = store_many(service, BATCHES_PER_POST + 5)
    service.outside.batches.clear()
    service.outside.answers.clear()

    def fail_at_one(batch: SentBatch) -> Answer:
        return FAIL if "u4" in users_of(batch) else take_all(batch)

    service.outside.answer = fail_at_one
    for number in range(5):
        live(service, f"later-{number}")
        service.pass_time(20)
    assert service.stored() == ["u4"]
    assert service.set_aside() == []
    others = [user for user in users if user != "u4"]
    assert service.received() == dict.fromkeys([*others, *(f"later-{number}" for number in range(5))], 1)
    assert any("events: 1 stay stored: the backend answered 500" in line for line in service.outside.lines)


def test_drain_gives_up_an_endpoint_that_fails_at_everything() -> None:
    service = Service(spool_batches="1000")
    users = store_many(service, BATCHES_PER_POST * 2)
    service.outside.batches.clear()
    service.outside.answers.clear()
    service.outside.answer = lambda batch: take_all(batch) if users_of(batch) == ["a"] else FAIL
    live(service, "a")
    assert len(service.outside.batches) == 1 + 3
    assert sorted(service.stored()) == sorted(users)


def test_drain_leaves_an_endpoint_alone_that_asks_for_patience() -> None:
    service = Service(spool_batches="1000")
    store_many(service, 3)
    service.outside.batches.clear()
    service.outside.answers.clear()
    patience = Answer(429, retry_after="60")
    service.outside.answer = lambda batch: take_all(batch) if users_of(batch) == ["a"] else patience
    live(service, "a")
    assert len(service.outside.batches) == 1 + 1
    assert read_lease(service).failing_until_ms - service.outside.now_ms() > 50_000


def test_lease_is_not_written_more_often_than_the_store_takes_writes_of_one_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service(spool_batches="1000")
    store_many(service, BATCHES_PER_POST * 2)
    begin, times = service.outside.begin_insert, list[float]()

    def note_time(store: str, key: str, value: bytes, rules: InsertRules) -> MemoryPending[bool]:
        if key == LEASE_KEY:
            times.append(service.outside.seconds)
        return begin(store, key, value, rules)

    monkeypatch.setattr(service.outside, "begin_insert", note_time)
    live(service, "a")
    assert service.stored() == []
    assert len(times) == 2
    assert times[1] - times[0] >= 1.0
