"""What is lost when a sandbox is killed, at every step of the way of its events.

A kill leaves no chance to do anything: nothing runs any more, and what was handed to the platform goes its own way. The
log lines written until then say how many events the sandbox had collected.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from edge.memory import take_all
from edge.sandbox import Sandbox
from tests.edge.events.endpoint import FAIL, Service

OLD, OPEN = ("old-1", "old-2"), ("new-1", "new-2")


def collected(_service: Service, _sandbox: Sandbox) -> None:
    pass


def sent(service: Service, sandbox: Sandbox) -> None:
    service.outside.answer_delay_ms = 500
    sandbox.outbox.seal()


def sent_in_vain(service: Service, sandbox: Sandbox) -> None:
    service.outside.answer, service.outside.answer_delay_ms = (lambda _batch: FAIL), 500
    sandbox.outbox.seal()


def waiting_to_try_again(service: Service, sandbox: Sandbox) -> None:
    service.outside.answer = lambda _batch: FAIL
    sandbox.outbox.seal()
    sandbox.go_on()


def being_stored(service: Service, sandbox: Sandbox) -> None:
    service.outside.settings["events_backend"] = "nowhere"
    service.outside.backends.clear()
    service.outside.store_delay_ms = 500
    sandbox.outbox.seal()
    sandbox.go_on()


def stored(service: Service, sandbox: Sandbox) -> None:
    service.outside.answer = lambda _batch: FAIL
    sandbox.close()


def confirmed(_service: Service, sandbox: Sandbox) -> None:
    sandbox.outbox.seal()
    sandbox.go_on()


def ended(_service: Service, sandbox: Sandbox) -> None:
    sandbox.close()


class Kill(NamedTuple):
    at: Callable[[Service, Sandbox], None]
    lost: tuple[str, ...]  # of the two events that the sandbox had collected


TABLE = [
    Kill(collected, OPEN),  # the open batch, at most `events_batch_age_ms` old
    Kill(sent, ()),  # the platform delivers it all the same
    Kill(sent_in_vain, OPEN),  # the batch in flight: nobody is left to hear that it failed
    Kill(waiting_to_try_again, OPEN),  # the same batch, between two tries
    Kill(being_stored, OPEN),  # the write has not begun: how much is stored is asked first
    Kill(stored, ()),
    Kill(confirmed, ()),
    Kill(ended, ()),
]


@pytest.mark.parametrize("kill", TABLE, ids=lambda kill: kill.at.__name__)
def test_kill_loses_at_most_the_batch_that_was_not_confirmed_and_the_log_tells_how_many(kill: Kill) -> None:
    service = Service(events_batch_age_ms="1000")
    before = service.start()
    service.check(before, *OLD)
    before.close()
    sandbox = service.start()
    service.check(sandbox, *OPEN)
    kill.at(service, sandbox)
    lines = list(service.outside.lines)
    del sandbox  # killed: nothing of it runs any more
    recover(service)
    found = set(service.received()) | set(service.stored())
    assert {*OLD, *OPEN} - found == set(kill.lost)
    assert sum_up(lines, "collected") == len(OLD) + len(OPEN)
    assert max(service.received().values()) == 1


@pytest.mark.parametrize("steps", range(9))
def test_kill_of_a_drain_loses_nothing_and_repeats_at_most_what_was_not_removed(steps: int) -> None:
    service = Service()
    service.outside.answer = lambda _batch: FAIL
    for user in OLD:
        sandbox = service.start()
        service.check(sandbox, user)
        sandbox.close()
    service.outside.answer = take_all
    service.pass_time(20)
    drainer = service.start()
    service.check(drainer, "new")
    for _ in range(steps):
        drainer.go_on()
    del drainer
    recover(service)
    received = service.received()
    assert set(received) == {*OLD, "new", "after"}
    assert {user for user, times in received.items() if times > 1} <= set(OLD)
    ids = [dict(batch.headers)["x-gatelet-batches"] for batch in service.outside.batches]
    assert {b"s0-1=1, s1-1=1", b"s0-1=1", b"s1-1=1"} & set(ids)  # a repeat has the IDs of what it repeats


def recover(service: Service) -> None:
    """Let the endpoint and the store work again, and another sandbox drain."""
    service.outside.answer, service.outside.answer_delay_ms, service.outside.store_delay_ms = take_all, 0, 0
    service.outside.backends.add("events")
    service.outside.settings.pop("events_backend", None)
    service.pass_time(20)
    after = service.start()
    service.check(after, "after")
    after.close()


def sum_up(lines: list[str], name: str) -> int:
    parts = [part.partition("=") for line in lines for part in line.split()]
    return sum(int(number) for found, _, number in parts if found == name)
