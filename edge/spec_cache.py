"""The spec a sandbox holds, and when it is replaced.

A held spec is a value; asking the store again gives another value, and the sandbox keeps that one. The rules: a spec is
asked for again when older than the sync interval; a value is read and decoded once per generation, whether it decodes
or not; what does not decode, or is older than what is held, never replaces it. Why the newest value is not in use is
part of the value (`fault`), so that replies and `/healthz` can say so.
"""

from json import JSONDecodeError, loads
from typing import Final, NamedTuple

from edge.messages import Header
from edge.ports import Entry, Platform, StoreFault
from edge.settings import ReplySettings
from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from evaluator.nesting import looks_nested_too_deeply
from evaluator.project import Project

SHOWN_FAULTS: Final = 3


class HeldSpec(NamedTuple):
    """What a sandbox knows of the spec."""

    project: Project | None = None
    document: bytes = b""  # what the project was decoded from
    generation: int | None = None  # of the value seen last, in use or not
    received_ms: int = 0  # when the project in use was read
    checked_ms: int = 0  # when the store was last asked
    value_fault: str = ""  # why the value seen last is not in use
    fault: str = "the store was not asked yet"  # why answers do not come from the newest value


NOTHING_HELD: Final = HeldSpec()


def refresh_spec(held: HeldSpec, platform: Platform, settings: ReplySettings, key: str, now_ms: int) -> HeldSpec:
    """Return what to hold now, asking the store when it is time to."""
    if held.project is not None and 0 <= now_ms - held.checked_ms < settings.sync_interval_ms:
        return held
    try:
        entry = look_up_entry(platform, settings.spec_store, key)
        if entry.generation == held.generation:
            return held._replace(checked_ms=now_ms, fault=held.value_fault)
        return take_entry(held, entry, now_ms)
    except StoreFault as problem:
        return held._replace(checked_ms=now_ms, fault=str(problem))


def look_up_entry(platform: Platform, store: str, key: str) -> Entry:
    """Find the spec's entry; raises StoreFault when there is none."""
    if not key:
        raise StoreFault("the setting spec_key is empty: put the key that Statsig writes into the Config Store")
    entry = platform.begin_lookup(store, key).wait()
    if entry is None:
        raise StoreFault(f"the KV store {store} has no key {key}")
    return entry


def take_entry(held: HeldSpec, entry: Entry, now_ms: int) -> HeldSpec:
    """Decode a new value and hold it unless there is a reason not to; raises StoreFault."""
    seen = held._replace(generation=entry.generation, checked_ms=now_ms)
    try:
        document = entry.read()
        project = decode_value(document)
    except InvalidSpec as problem:
        return with_value_fault(seen, describe_invalid(problem))
    if held.project is not None and project.time < held.project.time:
        return with_value_fault(seen, f"the value's time {project.time} is older than the one in use")
    return seen._replace(project=project, document=document, received_ms=now_ms, value_fault="", fault="")


def with_value_fault(seen: HeldSpec, fault: str) -> HeldSpec:
    """Return what is held after a value that is not taken."""
    return seen._replace(value_fault=fault, fault=fault)


def decode_value(value: bytes) -> Project:
    """Decode the raw layout, the JSON that Statsig writes; raises InvalidSpec."""
    if looks_nested_too_deeply(value):
        raise InvalidSpec(["document: nested too deeply"])
    try:
        document = loads(value.decode())
    except UnicodeDecodeError as problem:
        raise InvalidSpec([f"document: not UTF-8 at byte {problem.start}"]) from None
    except JSONDecodeError as problem:
        raise InvalidSpec(
            [f"document: not JSON: {problem.msg} at line {problem.lineno} column {problem.colno}"]
        ) from None
    except (ValueError, RecursionError) as problem:  # a number of thousands of digits, a nesting that hid
        raise InvalidSpec([f"document: not JSON: {problem}"]) from None
    return decode_project(document)


def describe_invalid(problem: InvalidSpec) -> str:
    """Say in one line what is wrong with a value."""
    shown = "; ".join(problem.faults[:SHOWN_FAULTS])
    more = len(problem.faults) - SHOWN_FAULTS
    return f"the value is not a config spec: {shown}" + (f"; and {more} more" if more > 0 else "")


def document_of(held: HeldSpec) -> bytes | None:
    """Return the JSON text of the spec in use."""
    return None if held.project is None else held.document


def spec_source(held: HeldSpec) -> str:
    """Say where answers come from."""
    return "none" if held.project is None else "kv"


def spec_header(held: HeldSpec, now_ms: int) -> Header:
    """Return the header that says which spec answered: source, layout, time, age in seconds."""
    if held.project is None:
        return "x-gatelet-spec", b"none"
    time_ms = held.project.time
    text = f"kv; layout=raw; time={time_ms}; age={max(0, now_ms - time_ms) // 1000}"
    return "x-gatelet-spec", (text + "; stale" if held.fault else text).encode("ascii")
