"""Faults that no server can be asked for.

The host's functions ask this table before they act: `faults.fail("lookup", "too-many-requests")` makes lookups fail
from then on, `key="k"` only those of one key, `times=2` only two, `after=3` not the next three. A place is the name of
what is done: `lookup`, `insert`, `delete` and `list` in the KV store, where the key names the KV key, and `send`, where
it names the backend. `clear()` ends all faults. `fault_script.py` reads the same from a file.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from devhost.fastly.values import Case, Err

type Alter = Callable[[bytes], bytes]

PLACES = ("lookup", "insert", "delete", "list", "send")
KV_ERRORS = (
    "bad-request",
    "generic-error",
    "internal-error",
    "payload-too-large",
    "precondition-failed",
    "too-many-requests",
)
SEND_ERRORS = ("generic-error", "http-incomplete", "http-invalid")  # what Viceroy tells of a backend that fails
SEND_DETAILS = (  # and what Fastly adds
    "connection-limit-reached",
    "connection-refused",
    "connection-terminated",
    "connection-timeout",
    "destination-unavailable",
    "dns-error",
    "dns-timeout",
    "http-incomplete-response",
    "http-protocol-error",
    "http-response-timeout",
    "internal-error",
)


@dataclass(slots=True)
class Fault:
    """One fault: where it strikes, how often, and what it does."""

    place: str
    key: str | None = None
    times: int | None = None
    after: int = 0
    error: object = None
    seconds: float = 0
    cut_at: int | None = None
    alter: Alter | None = None
    is_older: bool = False
    status: int | None = None

    def strikes(self, place: str, key: str) -> bool:
        """Say whether it is meant for this call, and count it."""
        if place != self.place or self.key not in (None, key) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    """The faults that are on; of those that do the same, the first that fits strikes."""

    _faults: list[Fault] = field(default_factory=list)
    _jumps: list[tuple[float, float]] = field(default_factory=list)  # from when on, by how many seconds
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, place: str, error: str, *, key: str | None = None, times: int | None = None, after: int = 0) -> None:
        """Answer with an error of the WIT: `too-many-requests` for a lookup, `connection-refused` for a send."""
        self.add(Fault(place, key, times, after, error=name_error(place, error)))

    def delay(
        self, place: str, seconds: float, *, key: str | None = None, times: int | None = None, after: int = 0
    ) -> None:
        """Take so long before doing it."""
        self.add(Fault(place, key, times, after, seconds=seconds))

    def break_body(
        self, place: str, at: int, *, key: str | None = None, times: int | None = None, after: int = 0
    ) -> None:
        """Break the body after so many bytes, as a connection that is cut does."""
        self.add(Fault(place, key, times, after, cut_at=at))

    def change(
        self, place: str, alter: Alter, *, key: str | None = None, times: int | None = None, after: int = 0
    ) -> None:
        """Give another value than the store holds: `lambda value: value[:100]` truncates."""
        self.add(Fault(place, key, times, after, alter=alter))

    def give_older(self, *, key: str | None = None, times: int | None = None, after: int = 0) -> None:
        """Give lookups the value before the newest, as a store does that is consistent only in the end."""
        self.add(Fault("lookup", key, times, after, is_older=True))

    def answer(self, status: int, *, key: str | None = None, times: int | None = None, after: int = 0) -> None:
        """Answer for a backend, which does not get the request."""
        self.add(Fault("send", key, times, after, status=status))

    def jump_clock(self, seconds: float, *, after_seconds: float = 0) -> None:
        """Let the wall clock of guests be so much later (or earlier) from now on; the embedded host only."""
        with self._lock:
            self._jumps.append((time.monotonic() + after_seconds, seconds))

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._faults.clear()
            self._jumps.clear()

    def add(self, fault: Fault) -> None:
        """Turn a fault on."""
        with self._lock:
            self._faults.append(fault)

    def _striking(self, place: str, key: str, wanted: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            return next((fault for fault in self._faults if wanted(fault) and fault.strikes(place, key)), None)

    def seconds(self, place: str, key: str) -> float:
        """Return how long it takes before it is done."""
        fault = self._striking(place, key, lambda fault: fault.seconds > 0)
        return fault.seconds if fault else 0.0

    def check(self, place: str, key: str) -> None:
        """Raise the error that it ends with."""
        fault = self._striking(place, key, lambda fault: fault.error is not None)
        if fault:
            raise Err(fault.error)

    def cut(self, place: str, key: str) -> int | None:
        """Return after how many bytes the body breaks."""
        fault = self._striking(place, key, lambda fault: fault.cut_at is not None)
        return fault.cut_at if fault else None

    def altered(self, place: str, key: str, value: bytes) -> bytes:
        """Return the value that the guest is to see."""
        fault = self._striking(place, key, lambda fault: fault.alter is not None)
        return fault.alter(value) if fault and fault.alter else value

    def is_older(self, key: str) -> bool:
        """Say whether a lookup is to give the value before the newest."""
        return self._striking("lookup", key, lambda fault: fault.is_older) is not None

    def status(self, backend: str) -> int | None:
        """Return the status that is answered for a backend."""
        fault = self._striking("send", backend, lambda fault: fault.status is not None)
        return fault.status if fault else None

    def clock_shift(self) -> float:
        """Return by how many seconds the wall clock is wrong now."""
        now = time.monotonic()
        with self._lock:
            return sum(seconds for since, seconds in self._jumps if now >= since)


def name_error(place: str, error: str) -> object:
    """Return an error as the host's functions raise it; raises `ValueError` when the place has no such error."""
    known = (*SEND_ERRORS, *SEND_DETAILS) if place == "send" else KV_ERRORS
    if place not in PLACES or error not in known:
        raise ValueError(f"{place} cannot fail with {error}; it can with {', '.join(known)}")
    if place == "send":
        return {"detail": None, "error": error} if error in SEND_ERRORS else detailed(error)
    return error


def detailed(detail: str) -> object:
    """Return how Fastly tells why a backend failed."""
    return {"detail": Case(detail), "error": "generic-error"}
