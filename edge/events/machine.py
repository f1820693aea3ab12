"""What becomes of a batch: one table from where it stands and what happens to where it stands next.

    ready -> sent -> confirmed                the usual way
      ^        |
      +--------+--> storing -> stored         after failures: kept in the KV store, for a later execution to send
               |       |
               |       +-----> dropped        nothing takes it; counted and said
               +--> split                     too large: its halves begin at `ready`

Nothing here does anything or knows the time: `advance` returns the next state, and `outbox` does what that asks for.
A batch that came out of the store (`is_stored`) stays there until it is confirmed, so it is never stored again, and
when it is dropped it is set aside there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from edge.events.answers import Verdict


class Stage(Enum):
    """Where a batch stands."""

    READY = "ready"  # complete, to be sent when it is due
    SENT = "sent"  # on its way to the endpoint
    STORING = "storing"  # on its way into the store
    CONFIRMED = "confirmed"
    STORED = "stored"
    SPLIT = "split"
    DROPPED = "dropped"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing more happens to the batch here."""
        return self not in (Stage.READY, Stage.SENT, Stage.STORING)


class Store(Enum):
    """What the store says of a batch."""

    KEPT = "kept"
    FULL = "full"
    FAILED = "failed"


class Other(Enum):
    """What else happens to a batch."""

    BEGUN = "begun"  # the request is on its way
    HELD = "held"  # the endpoint is to be left alone for longer than anybody waits here
    ENDING = "ending"  # the sandbox ends, or nobody waits any longer


type Happening = Verdict | Store | Other


@dataclass(slots=True)
class State:
    """Where a batch stands, with what decides where it goes."""

    stage: Stage = Stage.READY
    tries: int = 0
    due_ms: int = 0
    is_stored: bool = False
    must_wait: bool = False  # the store has failed, so leaving the endpoint alone means to wait here

    def move(self, stage: Stage) -> "State":
        """Return the state at another stage, all else as it was."""
        return State(stage, self.tries, self.due_ms, self.is_stored, self.must_wait)


@dataclass(slots=True)
class Conditions:
    """What a step depends on besides the state."""

    now_ms: int
    delay_ms: int = 0  # until the next try, were there one
    most_tries: int = 3
    longest_delay_ms: int = 2_000  # a longer one is not waited for
    can_split: bool = False
    is_mixed: bool = False  # several batches in one request
    is_ending: bool = False  # the sandbox ends: no try comes after this one


type Step = Callable[[State, Conditions], State]


def advance(state: State, happening: Happening, at: Conditions) -> State:
    """Return the state after something happened; a KeyError when it cannot happen there."""
    return STEPS[state.stage, happening](state, at)


def begin(state: State, _at: Conditions) -> State:
    """Count a try."""
    return State(Stage.SENT, state.tries + 1, state.due_ms, state.is_stored, state.must_wait)


def confirm(state: State, _at: Conditions) -> State:
    """End well."""
    return state.move(Stage.CONFIRMED)


def try_again(state: State, at: Conditions) -> State:
    """Wait for another try when there is one left and it comes soon, else store.

    What was put together from several batches is cut: one of them may be what the endpoint fails at.
    """
    if at.is_mixed:
        return state.move(Stage.SPLIT)
    is_late = at.is_ending or at.delay_ms > at.longest_delay_ms
    if is_late or state.tries >= at.most_tries:
        return store(state, at)
    return State(Stage.READY, state.tries, at.now_ms + at.delay_ms, state.is_stored, state.must_wait)


def store(state: State, _at: Conditions) -> State:
    """Keep the batch for later; one from the store is there already."""
    return state.move(Stage.STORED if state.is_stored else Stage.STORING)


def keep(state: State, _at: Conditions) -> State:
    """End well enough."""
    return replace(state, stage=Stage.STORED, is_stored=True)


def split(state: State, at: Conditions) -> State:
    """Cut what is too large, as long as there is something to cut."""
    return state.move(Stage.SPLIT) if at.can_split else drop(state, at)


def find_culprit(state: State, at: Conditions) -> State:
    """Cut what was put together from several batches; drop the one whose content is wrong."""
    return state.move(Stage.SPLIT) if at.is_mixed else drop(state, at)


def start_over(state: State, at: Conditions) -> State:
    """Turn to the endpoint again when the store fails, for as long as the sandbox lives."""
    if at.is_ending:
        return drop(state, at)
    return State(due_ms=at.now_ms + at.longest_delay_ms, must_wait=True)


def drop(state: State, _at: Conditions) -> State:
    """End badly."""
    return state.move(Stage.DROPPED)


STEPS: Final[Mapping[tuple[Stage, Happening], Step]] = {
    (Stage.READY, Other.BEGUN): begin,
    (Stage.READY, Verdict.REFUSED): store,  # there is no such backend
    (Stage.READY, Other.HELD): store,
    (Stage.READY, Other.ENDING): store,
    (Stage.SENT, Verdict.TAKEN): confirm,
    (Stage.SENT, Verdict.TOO_LARGE): split,
    (Stage.SENT, Verdict.WRONG): find_culprit,
    (Stage.SENT, Verdict.FAILED): try_again,
    (Stage.SENT, Verdict.REFUSED): store,
    (Stage.SENT, Other.ENDING): store,  # it may have arrived: its ID tells a repeat
    (Stage.STORING, Store.KEPT): keep,
    (Stage.STORING, Store.FULL): drop,
    (Stage.STORING, Store.FAILED): start_over,
    (Stage.STORING, Other.ENDING): drop,
}
