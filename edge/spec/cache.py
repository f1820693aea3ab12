"""The spec a sandbox holds, when it is replaced, and what answers when the newest does not.

What is held is a value; asking the store again gives another value, and the sandbox keeps that one. The store is asked
again when the last look is older than the sync interval, sooner when something was wrong. Then the candidates are tried
in the order of `CANDIDATES` until one can answer the questions at hand: first what the store holds now, then what it
held before, the fallback built into the component, and nothing. The rules:

- A raw value is read and decoded once per generation, whether it decodes or not; a manifest likewise.
- A manifest answers only beside the raw generation it was made from, unless nothing newer can answer.
- What does not decode, or is older than what is held, never replaces it.
- The fallback answers a question, but never replaces what is held.
- A raw value that is too large for the memory of a sandbox is one that does not decode.

Why something else than the newest answers is part of the value (`fault`), so that replies and `/healthz` can say so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol

from edge.ports import LARGEST_VALUE, Entry, StoreFault
from edge.spec.held_entry import HeldEntry, take_entry
from edge.spec.paged import PagedSpec
from edge.spec.raw import RawSpec, describe_invalid
from edge.spec.store import Look, SpecStore
from edge.spec.wanted import Questions
from evaluator.errors import InvalidSpec
from evaluator.project import Project
from specstore.forced import ForcedValues, decode_overrides
from specstore.frame import InvalidEntry
from specstore.manifest import answers_for, decode_manifest

NONE: Final = "none"
FALLBACK: Final = "fallback"
RETRY_MS: Final = 1_000  # after a look that found something wrong
UNASKED: Final = 0  # a generation that does not count, because the manifest leads
TOO_LARGE: Final = "the spec is too large to be decoded in the memory of a sandbox"

type Spec = RawSpec | PagedSpec


class RefusedValue(Exception):
    """A raw value that is not taken; it is not read again."""


@dataclass(slots=True)
class Answer:
    """What answers: a spec, and of it the project that holds what was asked; both None when nothing does."""

    spec: Spec | None = None
    project: Project | None = None
    source: str = NONE
    received_ms: int = 0  # when the spec was read
    is_stale: bool = True  # it is not known to be the newest
    fault: str = "the store was not asked yet"  # why the newest does not answer


@dataclass(slots=True)
class HeldSpec:
    """What a sandbox knows of one spec."""

    answer: Answer = field(default_factory=Answer)  # to the questions asked last
    spec: Spec | None = None  # the last good one that the store gave
    source: str = NONE  # of that one
    received_ms: int = 0  # when that one was read
    raw: Entry | None = None  # the raw value seen last, in use or not
    raw_fault: str = ""  # why that value is not taken
    manifest: HeldEntry[PagedSpec] = field(default_factory=HeldEntry)  # in use or not
    overrides: HeldEntry[ForcedValues] = field(default_factory=HeldEntry)
    checked_ms: int | None = None  # when the store was last asked
    confirmed_ms: int | None = None  # when the newest last answered

    @property
    def raw_generation(self) -> int | None:
        """Return the generation of the raw value seen last."""
        return None if self.raw is None else self.raw.generation


class Limits(Protocol):
    """What reading is bound to: settings, asked for when they count."""

    @property
    def sync_interval_ms(self) -> int:
        """Return for how long a spec is used before the store is asked again."""

    @property
    def raw_limit_bytes(self) -> int:
        """Return from which length on a raw value is read only when nothing else answers."""


NOTHING_HELD: Final = HeldSpec()


@dataclass(slots=True)
class Attempt:
    """What candidates have to answer from."""

    held: HeldSpec
    look: Look
    store: SpecStore
    fallback: Callable[[], Spec | None]
    limits: Limits
    questions: Questions
    now_ms: int

    @property
    def raw_generation(self) -> int | None:
        """Return the generation of the raw value in the store."""
        return None if self.look.raw.entry is None else self.look.raw.entry.generation


def answer_questions(
    held: HeldSpec,
    store: SpecStore,
    fallback: Callable[[], Spec | None],
    limits: Limits,
    questions: Questions,
    now_ms: int,
) -> HeldSpec:
    """Return what to hold now, with the answer to these questions; asks the store when it is time to, or must."""
    if not (is_due(held, limits, now_ms) or is_cheaper_raw(held.answer, questions)):
        try:
            return hold_answer(held, load_answer(held.answer, questions))
        except (StoreFault, InvalidEntry, InvalidSpec):  # a page that is not there: looking again finds what answers
            pass
    look = store.look()
    seen = HeldSpec(
        held.answer,
        held.spec,
        held.source,
        held.received_ms,
        look.raw.entry or held.raw,
        held.raw_fault and keep_raw_fault(held, look.raw.entry),
        take_entry(held.manifest, look.manifest, "manifest", lambda value: read_manifest(value, store)),
        take_entry(held.overrides, look.overrides, "overrides", decode_overrides),
        now_ms,
        held.confirmed_ms,
    )
    return try_candidates(Attempt(seen, look, store, fallback, limits, questions, now_ms))


def keep_raw_fault(held: HeldSpec, seen: Entry | None) -> str:
    """Return why the raw value is not taken, unless there is another one now."""
    return held.raw_fault if seen is None or seen.generation == held.raw_generation else ""


def is_due(held: HeldSpec, limits: Limits, now_ms: int) -> bool:
    """Tell whether to ask the store again."""
    if held.checked_ms is None or (held.spec is not None and held.answer.spec is not held.spec):
        return True
    interval = min(RETRY_MS, limits.sync_interval_ms) if has_fault(held) else limits.sync_interval_ms
    return not 0 <= now_ms - held.checked_ms < interval


def is_cheaper_raw(answer: Answer, questions: Questions) -> bool:
    """Tell whether everything is asked of pages that were not all read: the raw value is one read, they are many."""
    return questions is None and isinstance(answer.spec, PagedSpec) and not answer.spec.is_whole


def has_fault(held: HeldSpec) -> bool:
    """Tell whether the last look found something wrong."""
    return bool(held.answer.fault or held.overrides.fault)


def hold_answer(held: HeldSpec, answer: Answer) -> HeldSpec:
    """Return what is held with another answer, all else as it was."""
    return HeldSpec(
        answer,
        held.spec,
        held.source,
        held.received_ms,
        held.raw,
        held.raw_fault,
        held.manifest,
        held.overrides,
        held.checked_ms,
        held.confirmed_ms,
    )


def load_answer(answer: Answer, questions: Questions) -> Answer:
    """Return an answer that holds what is asked; raises StoreFault, InvalidEntry or InvalidSpec."""
    if answer.spec is None:
        return answer
    project = load_project(answer.spec, questions)
    return Answer(answer.spec, project, answer.source, answer.received_ms, answer.is_stale, answer.fault)


def load_project(spec: Spec, questions: Questions) -> Project:
    """Return the project that holds what is asked; raises StoreFault, InvalidEntry or InvalidSpec."""
    return spec.load_whole() if questions is None else spec.load(questions)


def read_manifest(value: bytes, store: SpecStore) -> PagedSpec:
    """Begin to read a spec by its manifest; raises InvalidEntry."""
    return PagedSpec(decode_manifest(value), store.fetch_pages)


def try_candidates(at: Attempt) -> HeldSpec:
    """Return what to hold after the first candidate that answers; `NOTHING` always does."""
    faults: list[str] = []
    for candidate in CANDIDATES:
        try:
            answer = candidate(at)
        except (StoreFault, InvalidEntry) as problem:
            faults.append(str(problem))
        except InvalidSpec as problem:
            faults.append(describe_invalid(problem))
        except RefusedValue as problem:
            faults.append(str(problem))
            at = replace(at, held=replace(at.held, raw_fault=str(problem)))
        except MemoryError:  # of a whole spec, decoded at once; what it took is free again here
            faults.append(TOO_LARGE)
            at = replace(at, held=replace(at.held, raw_fault=TOO_LARGE))
        else:
            if answer is not None:
                return keep_answer(at, replace(answer, fault="; ".join(dict.fromkeys(faults))) if faults else answer)
    return keep_answer(at, Answer(fault="; ".join(dict.fromkeys(faults))))


def keep_answer(at: Attempt, answer: Answer) -> HeldSpec:
    """Return what is held with an answer; its spec replaces the held one when the store gave it."""
    held = at.held
    if answer.source in (NONE, FALLBACK):
        return hold_answer(held, answer)
    return HeldSpec(
        answer,
        answer.spec,
        answer.source,
        answer.received_ms,
        held.raw,
        held.raw_fault,
        held.manifest,
        held.overrides,
        held.checked_ms,
        held.confirmed_ms if answer.is_stale else at.now_ms,
    )


def answer_from_pages(at: Attempt) -> Answer | None:
    """Answer from the pages of the newest spec, unless its raw form is at hand already or everything is asked."""
    held, paged = at.held, at.held.manifest.value
    if held.manifest.fault and (paged is None or paged.manifest.generation != at.raw_generation):
        raise StoreFault(held.manifest.fault)
    if paged is None or at.questions is None or not is_current(at, paged):
        return None
    is_raw_at_hand = isinstance(held.spec, RawSpec) and held.spec.generation == at.raw_generation
    if is_raw_at_hand and held.spec is not None and held.spec.time == paged.time:
        return None
    if is_older(at, paged.time):
        raise InvalidEntry(f"the manifest's time {paged.time} is older than the one in use")
    return make_answer(at, paged)


def answer_from_raw(at: Attempt) -> Answer | None:
    """Answer from the raw value, read when it is a new one."""
    held, found = at.held, at.look.raw
    if found.fault:
        raise StoreFault(found.fault)
    if found.entry is None:
        if held.manifest.value is not None and is_current(at, held.manifest.value):
            return None
        raise StoreFault(at.store.missing)
    if isinstance(held.spec, RawSpec) and held.spec.generation == found.entry.generation:
        return make_answer(at, held.spec)
    if held.raw_fault:
        raise RefusedValue(held.raw_fault)
    has_other = held.spec is not None or held.manifest.value is not None
    limit = at.limits.raw_limit_bytes if has_other and at.questions is not None else LARGEST_VALUE
    return make_answer(at, decode_raw(at, found.entry, limit))


def answer_from_stored_manifest(at: Attempt) -> Answer | None:
    """Answer from the manifest in the store though it may be of an earlier raw value, when nothing newer is held."""
    held, paged = at.held.spec, at.held.manifest.value
    if paged is None:
        return None
    if is_current(at, paged):
        return make_answer(at, paged) if at.questions is None else None  # single questions were tried first
    if held is not None and paged.time <= held.time:
        return None
    return make_answer(at, paged, is_stale=True)


def answer_from_held(at: Attempt) -> Answer | None:
    """Answer from the last good spec of this sandbox."""
    return None if at.held.spec is None else make_answer(at, at.held.spec, is_stale=True)


def answer_from_large_raw(at: Attempt) -> Answer | None:
    """Answer from a raw value however long it is."""
    if at.look.raw.entry is None or at.held.raw_fault:
        return None
    return make_answer(at, decode_raw(at, at.store.find_raw(), LARGEST_VALUE))


def answer_from_fallback(at: Attempt) -> Answer | None:
    """Answer from the spec that was built into the component."""
    spec = at.fallback()
    return None if spec is None else replace(make_answer(at, spec, is_stale=True), source=FALLBACK)


type Candidate = Callable[[Attempt], Answer | None]

CANDIDATES: Final[tuple[Candidate, ...]] = (
    answer_from_pages,
    answer_from_raw,
    answer_from_stored_manifest,
    answer_from_held,
    answer_from_large_raw,
    answer_from_fallback,
)


def is_current(at: Attempt, paged: PagedSpec) -> bool:
    """Tell whether a manifest is known to belong to the raw value in the store."""
    raw = at.look.raw
    if raw.fault:
        return False
    if raw.entry is None:
        return answers_for(paged.manifest, None, None)
    if paged.manifest.generation is None:
        return answers_for(paged.manifest, UNASKED, raw.entry.metadata())
    return answers_for(paged.manifest, raw.entry.generation, None)


def make_answer(at: Attempt, spec: Spec, *, is_stale: bool = False) -> Answer:
    """Answer from a spec; raises StoreFault or InvalidEntry when it lacks what is asked."""
    is_held = spec is at.held.spec
    received_ms = at.held.received_ms if is_held else at.now_ms
    source = at.held.source if is_held else at.store.source
    return Answer(spec, load_project(spec, at.questions), source, received_ms, is_stale, "")


def decode_raw(at: Attempt, entry: Entry, limit: int) -> RawSpec:
    """Decode a raw value of at most so many bytes that is not older than what is held.

    Raises RefusedValue, StoreFault, or ValueTooLarge.
    """
    try:
        spec = RawSpec(partial(entry.read, limit), entry.generation)
    except InvalidSpec as problem:
        raise RefusedValue(describe_invalid(problem)) from None
    if is_older(at, spec.time):
        raise RefusedValue(f"the value's time {spec.time} is older than the one in use")
    return spec


def is_older(at: Attempt, time_ms: int) -> bool:
    """Tell whether a spec of this time is older than the held one."""
    return at.held.spec is not None and time_ms < at.held.spec.time
