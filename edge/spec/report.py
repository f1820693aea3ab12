"""What replies and `/healthz` say of the spec that answers."""

from typing import Final, NamedTuple

from edge.messages import Header
from edge.spec.cache import HeldSpec
from edge.spec.id_lists import ListCache

SPEC_HEADER: Final = "x-gatelet-spec"


def spec_header(held: HeldSpec, now_ms: int) -> Header:
    """Return the header that says which spec answered: source, layout, time, age in seconds, and what is wrong."""
    answer = held.answer
    if answer.spec is None:
        return SPEC_HEADER, b"none"
    time_ms = answer.spec.time
    text = f"{answer.source}; layout={answer.spec.layout}; time={time_ms}; age={age_s(time_ms, now_ms)}"
    if answer.is_stale:
        text += "; stale"
    if held.overrides.fault and not held.overrides.is_known:
        text += "; overrides=unknown"
    return SPEC_HEADER, text.encode("ascii")


class SpecReport(NamedTuple):
    """How it stands with a spec; `fault` is why the service is not healthy, empty when it is."""

    fault: str
    is_ready: bool  # whether there is a spec to answer from
    spec: dict[str, object]
    overrides: dict[str, object]
    id_lists: dict[str, object]


def report_spec(held: HeldSpec, lists: ListCache, now_ms: int, most_stale_s: int) -> SpecReport:
    """Say how it stands; a limit of 0 seconds accepts any staleness. Nothing names an entity of the spec."""
    spec = {"source": held.answer.source, "fault": held.answer.fault or None, **describe_answer(held, now_ms)}
    fault = find_fault(held, now_ms, most_stale_s)
    is_ready = held.answer.spec is not None
    return SpecReport(fault, is_ready, spec, describe_overrides(held), describe_lists(lists))


def describe_answer(held: HeldSpec, now_ms: int) -> dict[str, object]:
    """Return what is said of the spec that answers."""
    answer = held.answer
    if answer.spec is None:
        return {}
    return {
        "layout": answer.spec.layout,
        "time": answer.spec.time,
        "age_s": age_s(answer.spec.time, now_ms),
        "generation": None if held.raw_generation is None else str(held.raw_generation),
        "received_ago_s": age_s(answer.received_ms, now_ms),
        "checked_ago_s": None if held.checked_ms is None else age_s(held.checked_ms, now_ms),
        "stale_s": stale_s(held, now_ms),
        "counts": answer.spec.counts(),
    }


def describe_overrides(held: HeldSpec) -> dict[str, object]:
    """Return how many names are overridden, and what is wrong with the overrides."""
    overrides = held.overrides
    names = {(one.section, one.name) for one in overrides.value.settings} if overrides.value else ()
    return {"names": len(names), "fault": overrides.fault or None}


def describe_lists(lists: ListCache) -> dict[str, object]:
    """Return how many ID lists this sandbox knows of, null before any was asked for, and what is wrong with them."""
    index = lists.index
    return {"lists": None if index.value is None else len(index.value), "fault": index.fault or None}


def stale_s(held: HeldSpec, now_ms: int) -> int:
    """Return for how many seconds something else than the newest spec may have answered.

    A sandbox that never saw the newest cannot know: it counts from the time of the spec that answers, the longest it
    can have been.
    """
    answer = held.answer
    if not answer.is_stale or answer.spec is None:
        return 0
    return age_s(answer.spec.time if held.confirmed_ms is None else held.confirmed_ms, now_ms)


def find_fault(held: HeldSpec, now_ms: int, most_stale_s: int) -> str:
    """Say why a service is not healthy; empty when it is."""
    if held.answer.spec is None:
        return held.answer.fault
    stale = stale_s(held, now_ms)
    if most_stale_s and stale > most_stale_s:
        return f"not the newest spec for {stale} s, longer than max_staleness_s: {held.answer.fault}"
    return ""


def age_s(since_ms: int, now_ms: int) -> int:
    """Return how long ago something was, in whole seconds; what lies ahead is now."""
    return max(0, now_ms - since_ms) // 1000
