"""A small entry beside a spec, as a sandbox holds it: the manifest, the overrides, the index of the ID lists.

It is read once per generation, whether it decodes or not. One that cannot be read or decoded leaves what was held in
its place: overrides that were set to stop harm must not vanish because the store hiccups. The entry is kept in place of
its generation, which costs a call of the host: a sandbox that looks once need not know it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from edge.ports import Entry, StoreFault
from specstore.frame import InvalidEntry


@dataclass(slots=True)
class Found:
    """What a look-up came to: an entry, a fault, or neither when the key is not there."""

    entry: Entry | None = None
    fault: str = ""


@dataclass(slots=True)
class HeldEntry[Value]:
    """What a sandbox knows of an entry."""

    value: Value | None = None
    entry: Entry | None = None  # the one seen last, in use or not
    value_fault: str = ""  # why that one is not in use
    fault: str = ""  # why the value in use may not be the newest
    is_known: bool = False  # whether the store ever said what there is


def take_entry[Value](
    held: HeldEntry[Value], found: Found, what: str, decode: Callable[[bytes], Value]
) -> HeldEntry[Value]:
    """Return what is held after a look-up."""
    entry = found.entry
    if found.fault:
        return replace(held, fault=f"{what}: {found.fault}")
    if entry is None:
        return HeldEntry(None, None, "", "", True)
    if held.entry is not None and entry.generation == held.entry.generation:
        return replace(held, fault=held.value_fault)
    try:
        return HeldEntry(decode(entry.read()), entry, "", "", True)
    except (InvalidEntry, StoreFault) as problem:
        fault = f"{what}: {problem}"
        return replace(held, entry=entry, value_fault=fault, fault=fault)
