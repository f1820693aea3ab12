import itertools
from typing import NamedTuple

import pytest

from edge.events.answers import Answer, Verdict, judge
from edge.events.machine import STEPS, Conditions, Happening, Other, Stage, State, Store, advance

SOON = {"now_ms": 1_000, "delay_ms": 200}
LATE = {"now_ms": 1_000, "delay_ms": 60_000}


class Row(NamedTuple):
    stage: Stage
    happening: Happening
    tries: int
    is_stored: bool
    conditions: dict[str, int | bool]
    following: Stage
    due_ms: int


# stage      happening  tries  stored  conditions  following  due
TABLE = [
    Row(*row)
    for row in (
        (Stage.READY, Other.BEGUN, 0, False, SOON, Stage.SENT, 0),
        (Stage.READY, Verdict.REFUSED, 0, False, SOON, Stage.STORING, 0),
        (Stage.READY, Other.HELD, 0, False, SOON, Stage.STORING, 0),
        (Stage.READY, Other.ENDING, 0, False, SOON, Stage.STORING, 0),
        (Stage.SENT, Verdict.TAKEN, 1, False, SOON, Stage.CONFIRMED, 0),
        (Stage.SENT, Verdict.TOO_LARGE, 1, False, {**SOON, "can_split": True}, Stage.SPLIT, 0),
        (Stage.SENT, Verdict.TOO_LARGE, 1, False, SOON, Stage.DROPPED, 0),
        (Stage.SENT, Verdict.WRONG, 1, False, SOON, Stage.DROPPED, 0),
        (Stage.SENT, Verdict.WRONG, 1, True, {**SOON, "is_mixed": True}, Stage.SPLIT, 0),
        (Stage.SENT, Verdict.FAILED, 1, False, SOON, Stage.READY, 1_200),
        (Stage.SENT, Verdict.FAILED, 2, False, SOON, Stage.READY, 1_200),
        (Stage.SENT, Verdict.FAILED, 3, False, SOON, Stage.STORING, 0),
        (Stage.SENT, Verdict.FAILED, 1, False, LATE, Stage.STORING, 0),
        (Stage.SENT, Verdict.FAILED, 1, False, {**SOON, "is_ending": True}, Stage.STORING, 0),
        (Stage.SENT, Verdict.FAILED, 3, True, SOON, Stage.STORED, 0),
        (Stage.SENT, Verdict.FAILED, 1, True, {**SOON, "is_mixed": True}, Stage.SPLIT, 0),
        (Stage.SENT, Verdict.REFUSED, 1, False, SOON, Stage.STORING, 0),
        (Stage.SENT, Verdict.REFUSED, 1, True, SOON, Stage.STORED, 0),
        (Stage.SENT, Other.ENDING, 1, False, SOON, Stage.STORING, 0),
        (Stage.SENT, Other.ENDING, 1, True, SOON, Stage.STORED, 0),
        (Stage.STORING, Store.KEPT, 3, False, SOON, Stage.STORED, 0),
        (Stage.STORING, Store.FULL, 3, False, SOON, Stage.DROPPED, 0),
        (Stage.STORING, Store.FAILED, 3, False, SOON, Stage.READY, 3_000),
        (Stage.STORING, Store.FAILED, 3, False, {**SOON, "is_ending": True}, Stage.DROPPED, 0),
        (Stage.STORING, Other.ENDING, 3, False, SOON, Stage.DROPPED, 0),
    )
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.stage.value}-{row.happening.value}")
def test_next_stage(row: Row) -> None:
    conditions = Conditions(**row.conditions)  # type: ignore[arg-type]  # the table mixes numbers and switches
    state = advance(State(row.stage, row.tries, is_stored=row.is_stored), row.happening, conditions)
    assert (state.stage, state.due_ms) == (row.following, row.due_ms)


def test_the_table_above_has_every_step() -> None:
    assert {(row.stage, row.happening) for row in TABLE} == set(STEPS)


def test_nothing_follows_a_final_stage() -> None:
    assert not [stage for stage, _ in STEPS if stage.is_final]


def test_every_way_that_fails_long_enough_ends() -> None:
    """A batch is neither sent nor stored for ever without time passing: each way round begins with a later due time."""
    for failures in itertools.product([Verdict.FAILED, Verdict.REFUSED], repeat=4):
        state = State()
        for happening in failures:
            state = advance(state, Other.BEGUN, Conditions(0))
            state = advance(state, happening, Conditions(0, delay_ms=1))
            if state.stage is Stage.STORING:
                state = advance(state, Store.FAILED, Conditions(0))
                assert state.must_wait
            assert state.due_ms > 0


# answer                                                verdict            retry after
ANSWERS = [
    (Answer(202, b'{"success":true}'), Verdict.TAKEN, 0),
    (Answer(200), Verdict.TAKEN, 0),
    (Answer(200, b'{"success": false}'), Verdict.FAILED, 0),
    (Answer(400), Verdict.WRONG, 0),
    (Answer(422), Verdict.WRONG, 0),
    (Answer(413), Verdict.TOO_LARGE, 0),
    (Answer(401), Verdict.REFUSED, 0),
    (Answer(403), Verdict.REFUSED, 0),
    (Answer(404), Verdict.REFUSED, 0),
    (Answer(302), Verdict.REFUSED, 0),
    (Answer(429, retry_after="3"), Verdict.FAILED, 3_000),
    (Answer(503, retry_after=" 10 "), Verdict.FAILED, 10_000),
    (Answer(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), Verdict.FAILED, 0),
    (Answer(429, retry_after="99999999999"), Verdict.FAILED, 0),
    (Answer(429, retry_after="999999999"), Verdict.FAILED, 3_600_000),
    (Answer(500), Verdict.FAILED, 0),
    (Answer(0, problem="connection refused"), Verdict.FAILED, 0),
]


@pytest.mark.parametrize(("answer", "verdict", "retry_after_ms"), ANSWERS)
def test_verdict_of_an_answer(answer: Answer, verdict: Verdict, retry_after_ms: int) -> None:
    judgement = judge(answer)
    assert (judgement.verdict, judgement.retry_after_ms) == (verdict, retry_after_ms)
    assert bool(judgement.reason) == (verdict is not Verdict.TAKEN)
