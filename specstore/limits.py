"""What Fastly's KV store does not take, said before anything is written.

The limits are Fastly's documented ones: keys of 1 to 1,024 bytes, values of 25 MB (more on request), metadata of 2,000
bytes in one line. The numbers of pages and shards are ours: manifests and listings stay small with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from evaluator.nesting import NESTING_LIMIT, is_nested_too_deeply
from specstore.frame import PAGE
from specstore.keys import find_key_fault

LARGEST_VALUE: Final = 25_000_000
LARGEST_METADATA: Final = 2_000
MOST_WRITES: Final = 100_000


class LimitExceeded(ValueError):
    """An entry that Fastly would not take; the text says which, why, and what to do."""


class Write(NamedTuple):
    """An entry to be written."""

    key: str
    value: bytes
    metadata: str | None = None


def check_writes(writes: Iterable[Write]) -> None:
    """Raise LimitExceeded naming the first entry that would not be taken."""
    count = 0
    for write in writes:
        check_write(write)
        count += 1
    if count > MOST_WRITES:
        raise LimitExceeded(
            f"{count:,} entries are more than the {MOST_WRITES:,} that are written at once: publish fewer ID lists at "
            "a time, or split the project"
        )


def check_write(write: Write) -> None:
    """Raise LimitExceeded when an entry would not be taken."""
    fault = find_key_fault(write.key)
    if fault is not None:
        raise LimitExceeded(fault)
    if len(write.value) > LARGEST_VALUE:
        raise LimitExceeded(
            f"{write.key}: the value has {len(write.value):,} bytes, and Fastly takes {LARGEST_VALUE:,}: "
            + advise_on_value(write)
        )
    if write.value.startswith(PAGE) and is_nested_too_deeply(write.value):
        raise LimitExceeded(
            f"{write.key}: a value of the spec nests more than {NESTING_LIMIT} deep, which the service cannot decode: "
            "make that return value or target value flatter"
        )
    check_metadata(write)


def advise_on_value(write: Write) -> str:
    """Say what to do about a value that is too large."""
    if write.value.startswith(PAGE):
        return "one config and what it refers to make up this page; make its largest values smaller"
    if write.value.lstrip().startswith(b"{"):
        return "publish the paged layout alone, remove stale specs, or ask Fastly to raise the limit of your store"
    return "split the project, or ask Fastly to raise the limit of your store"


def check_metadata(write: Write) -> None:
    """Raise LimitExceeded when an entry's metadata would not be taken."""
    metadata = write.metadata or ""
    size = len(metadata.encode("utf-8", "surrogatepass"))
    if size > LARGEST_METADATA:
        raise LimitExceeded(
            f"{write.key}: the metadata has {size:,} bytes, and Fastly takes {LARGEST_METADATA:,}: put less into it"
        )
    if "\n" in metadata or "\r" in metadata:
        raise LimitExceeded(f"{write.key}: the metadata has a line break, and Fastly takes one line: write it in one")
