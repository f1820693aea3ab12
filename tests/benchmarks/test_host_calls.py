"""The calls of one check in order; how many come before the reply is held, because each costs a fresh sandbox."""

import pytest

from benchmarks.fuel import ask_gate, make_service
from benchmarks.host_calls import describe_calls, list_calls
from devhost.embedded.fuel import REPLY
from devhost.embedded.sandbox import Mark
from devhost.local_config import EXAMPLE_SPEC, ROOT
from devhost.local_store import PAGED

MOST_BEFORE_REPLY = 40


@pytest.fixture(scope="module")
def calls() -> list[Mark]:
    return list_calls(make_service((ROOT / EXAMPLE_SPEC).read_bytes(), PAGED), ask_gate("gate", "test_fastly"))


def test_check_makes_few_calls_before_its_reply(calls: list[Mark]) -> None:
    functions = [call.function for call in calls]
    names = [function.rpartition("#")[2] for function in functions[: functions.index(REPLY) + 1]]
    assert len(names) <= MOST_BEFORE_REPLY
    assert not [name for name in names if name in {"secret", "entry", "pollable", "request", "get-random-bytes"}]
    assert names.count("[method]entry.generation") == 0


def test_listing_has_every_call_and_the_sums_of_both_parts(calls: list[Mark]) -> None:
    lines = list(describe_calls(calls))
    assert len(lines) == len(calls) + 2
    before, after = (line.split() for line in lines if " calls " in line)
    assert int(before[1]) + int(after[1]) == len(calls)
    assert sum(int(total.replace(",", "")) for total in (before[0], after[0])) == sum(call.fuel for call in calls)
