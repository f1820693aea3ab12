"""Many sandboxes at an endpoint that fails: the first find out and write it down, the others try once and store."""

from collections.abc import Callable

import pytest

from edge.events.answers import Answer
from edge.events.client_events import ClientEvents, Fate
from edge.events.spool_format import LEASE_KEY, decode_lease
from edge.memory import MemoryEntry, MemoryPending, SentBatch, take_all
from edge.ports import Listing
from edge.sandbox import Sandbox
from tests.edge.builders import STORE
from tests.edge.events.endpoint import FAIL, Service


def live(service: Service, *users: str) -> Sandbox:
    """A sandbox that gets a check for each user and ends."""
    sandbox = service.start()
    service.check(sandbox, *users)
    sandbox.close()
    return sandbox


def failing_service(answer: Answer = FAIL, **settings: str) -> Service:
    """A service whose endpoint fails, as its first sandbox has found."""
    service = Service(**settings)
    service.outside.answer = lambda _batch: answer
    live(service, "first")
    assert service.stored() == ["first"]
    service.outside.batches.clear()
    service.outside.answers.clear()
    return service


def note_questions(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the store is asked for from now on; listings as the word `list`."""
    asked: list[str] = []
    look_up: Callable[[str, str], MemoryPending[MemoryEntry | None]] = service.outside.begin_lookup
    list_all: Callable[[str, str, str], MemoryPending[Listing]] = service.outside.begin_list

    def begin_lookup(store: str, key: str) -> MemoryPending[MemoryEntry | None]:
        asked.append(key)
        return look_up(store, key)

    def begin_list(store: str, prefix: str, cursor: str = "") -> MemoryPending[Listing]:
        asked.append("list")
        return list_all(store, prefix, cursor)

    monkeypatch.setattr(service.outside, "begin_lookup", begin_lookup)
    monkeypatch.setattr(service.outside, "begin_list", begin_list)
    return asked


def failing_for_ms(service: Service) -> int:
    """How long the endpoint counts as failing."""
    lease = decode_lease(service.outside.stores[STORE][LEASE_KEY].value)
    return lease.failing_until_ms - service.outside.now_ms()


def test_sandbox_that_fails_where_others_did_tries_once() -> None:
    service = failing_service()
    sandbox = live(service, "a")
    assert (len(service.outside.batches), sandbox.outbox.counts()["retried"]) == (1, 0)
    assert service.stored() == ["first", "a"]


def test_sandbox_that_fails_where_others_did_asks_the_store_once(monkeypatch: pytest.MonkeyPatch) -> None:
    service = failing_service()
    asked = note_questions(service, monkeypatch)
    live(service, "a")
    assert [key for key in asked if key == "list" or key.startswith("gatelet-events")] == [LEASE_KEY]


def test_sandbox_that_fails_where_others_did_sends_none_of_its_further_batches() -> None:
    service = failing_service()
    live(service, *"abcd")
    assert len(service.outside.batches) == 1
    assert service.stored() == ["first", *"abcd"]


def test_sandbox_whose_batch_is_taken_asks_nobody_how_others_fared(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    service.outside.settings["drain_share"] = "0"
    asked = note_questions(service, monkeypatch)
    live(service, "a")
    assert service.received() == {"a": 1}
    assert LEASE_KEY not in asked


def test_what_was_found_is_written_anew_while_it_lasts_and_forgotten_afterwards() -> None:
    service = failing_service()
    for _ in range(10):
        service.pass_time(3)
        assert failing_for_ms(service) > 0
        live(service, "a")
    assert len(service.outside.batches) == 10
    service.pass_time(16)
    assert failing_for_ms(service) < 0
    live(service, "b")
    assert len(service.outside.batches) == 12


def test_failure_that_nobody_else_has_seen_is_worth_another_try() -> None:
    service = Service()
    service.outside.answer = lambda batch: take_all(batch) if service.outside.batches else FAIL
    live(service, "a")
    assert (service.received(), service.stored()) == ({"a": 1}, [])


def test_patience_that_one_sandbox_is_asked_for_is_had_by_those_that_fail_later() -> None:
    service = failing_service(Answer(429, retry_after="60"))
    assert 59_000 < failing_for_ms(service) <= 60_000
    service.outside.answer = lambda _batch: FAIL
    service.pass_time(15)
    sandbox = service.start()
    for user in "abc":
        service.check(sandbox, user)
        service.pass_time(10)
        sandbox.go_on()
    sandbox.close()
    assert len(service.outside.batches) == 1
    assert service.stored() == ["first", *"abc"]


def test_client_is_not_kept_waiting_where_others_failed() -> None:
    service = failing_service()
    sandbox = service.start()
    fates = [sandbox.hand_over(ClientEvents(b'{"events":[]}', 1)).fate for _ in range(3)]
    assert fates == [Fate.STORED] * 3
    assert (len(service.outside.batches), sandbox.outbox.counts()["stored"]) == (1, 3)


def test_endpoint_counts_as_well_as_soon_as_stored_batches_were_sent() -> None:
    service = failing_service()
    service.outside.answer = take_all
    service.pass_time(11)
    live(service, "a")
    assert service.received() == {"first": 1, "a": 1}
    assert decode_lease(service.outside.stores[STORE][LEASE_KEY].value).failing_until_ms == 0


def test_nothing_is_drained_at_an_endpoint_that_took_the_batch_before_and_fails_now() -> None:
    service = failing_service()
    service.pass_time(20)
    answers = iter([Answer(202), *[FAIL] * 5])
    service.outside.answer = lambda _batch: next(answers)
    service.outside.settings["drain_share"] = "0"
    sandbox = service.start()
    service.check(sandbox, "a")
    service.check(sandbox, "b")
    sandbox.close()
    sent: list[SentBatch] = service.outside.batches
    assert len(sent) == 3  # the one that was taken, and two tries of the other
    assert service.stored() == ["first", "b"]
