"""What the edge needs from outside, as protocols.

`host` implements them with Fastly's bindings, `memory` with dictionaries. A lookup and a delivery are split into their
beginning and their end, so that the wait between can be used.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from edge.events.answers import Answer
from edge.messages import Header

LARGEST_VALUE: Final = 25_000_000  # of one key, as Fastly documents it


class StoreFault(Exception):
    """The KV store gave no value; the text says why, for the person on call."""


class ValueTooLarge(StoreFault):
    """The value is longer than the reader takes."""


class DeliveryFault(Exception):
    """A batch of events could not even be handed over; the text says why."""


class Entry(Protocol):
    """A value in the KV store, its body not read yet."""

    @property
    def generation(self) -> int:
        """Tell this value from an earlier one under the same key."""

    def metadata(self) -> str | None:
        """Return what the writer said of the value; raises StoreFault."""

    def read(self, limit: int = LARGEST_VALUE) -> bytes:
        """Read the whole value, once; raises StoreFault, and ValueTooLarge without reading much past the limit."""


class InsertRules(NamedTuple):
    """Under which conditions a write happens, and how long it lasts."""

    only_new: bool = False  # not when the key is there
    if_generation: int | None = None  # not when the key has another generation
    ttl_seconds: int | None = None
    metadata: str | None = None


ALWAYS: Final = InsertRules()


class Pending(Protocol):
    """Something on its way."""

    def is_ready(self) -> bool:
        """Tell whether asking for its outcome takes no time."""


class PendingWrite(Pending, Protocol):
    """An insert or a deletion on its way."""

    def wait(self) -> bool:
        """Tell whether it was done: not when a rule forbade it or there was nothing to delete; raises StoreFault."""


class Listing(NamedTuple):
    """Some keys of a KV store in order, and how to ask for those that follow; empty when none do."""

    keys: tuple[str, ...]
    cursor: str = ""


class PendingListing(Pending, Protocol):
    """A listing on its way."""

    def wait(self) -> Listing:
        """Return the listing; raises StoreFault."""


class PendingEntry(Pending, Protocol):
    """A lookup on its way."""

    def wait(self) -> Entry | None:
        """Return the entry, or None when the key is not there; raises StoreFault."""


class PendingDelivery(Pending, Protocol):
    """A batch of events on its way."""

    def find_answer(self) -> Answer | None:
        """Return the answer, or None while it is not complete; to be asked again when it is ready."""


class Platform(Protocol):
    """Everything outside: settings, secrets, the KV store, the events backend, time, a log."""

    def find_setting(self, name: str) -> str | None:
        """Return an item of the Config Store."""

    def find_secret(self, name: str) -> bytes | None:
        """Return an item of the Secret Store."""

    def lookup(self, store: str, key: str) -> Entry | None:
        """Return the entry of a key, or None when it is not there; raises StoreFault.

        For the only or the last of some look-ups: it costs a call of the host less than beginning one and waiting.
        """

    def begin_lookup(self, store: str, key: str) -> PendingEntry:
        """Ask the KV store for a key; raises StoreFault when there is no such store."""

    def begin_insert(self, store: str, key: str, value: bytes, rules: InsertRules = ALWAYS) -> PendingWrite:
        """Write a value under a key; raises StoreFault when there is no such store."""

    def begin_delete(self, store: str, key: str) -> PendingWrite:
        """Remove a key; raises StoreFault when there is no such store."""

    def list_keys(self, store: str, prefix: str, limit: int) -> tuple[str, ...]:
        """Return the first keys with a prefix, at most 1,000; raises StoreFault."""

    def begin_list(self, store: str, prefix: str, cursor: str = "") -> PendingListing:
        """Ask for up to 1,000 keys with a prefix; raises StoreFault when there is no such store."""

    def begin_send(self, backend: str, url: str, headers: Sequence[Header], body: bytes) -> PendingDelivery:
        """POST to a backend without waiting for its answer; raises DeliveryFault."""

    def is_over_rate(self, entry: str, limit: int) -> bool:
        """Count a request, and tell whether more than so many come a second; never where there is no limiter."""

    def find_country(self, ip: str) -> str | None:
        """Return the two-letter country that Fastly's geolocation gives an address."""

    def wait_any(self, pendings: Sequence[Pending], seconds: float) -> None:
        """Return when one of these is ready, or the time is over."""

    def session_id(self) -> str:
        """Return what tells this sandbox from others."""

    def now_ms(self) -> int:
        """Return the wall clock."""

    def ticks(self) -> float:
        """Return seconds on a clock that only measures durations."""

    def log(self, line: str) -> None:
        """Write a line for the person on call; never anything about a user."""

    def take_lines(self) -> tuple[str, ...]:
        """Return the lines written since the last call, the latest few of them."""

    def write_log(self, endpoint: str, message: bytes) -> None:
        """Write to one of Fastly's log endpoints."""
