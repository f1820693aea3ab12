"""Faults that no server can be asked for.

The host's functions ask this table before they act: `faults.fail("lookup", "too-many-requests")` makes lookups fail
from then on, `key="k"` only those of one key, `times=2` only the next two. A place is the name of what is done:
`lookup`, `insert`, `delete` and `list` in the KV store, where the key names the KV key, and `send`, where it names the
backend. `clear()` ends all faults.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from devhost.fastly.values import Err

type Alter = Callable[[bytes], bytes]


@dataclass(slots=True)
class Fault:
    """One fault: where it strikes, how often, and what it does."""

    place: str
    key: str | None
    times: int | None
    error: object = None
    seconds: float = 0
    cut_at: int | None = None
    alter: Alter | None = None

    def strikes(self, place: str, key: str) -> bool:
        """Say whether it is meant for this call, and count it."""
        if place != self.place or self.key not in (None, key) or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    """The faults that are on; the first that fits strikes."""

    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, place: str, error: object, *, key: str | None = None, times: int | None = None) -> None:
        """Answer with an error of the WIT: `too-many-requests` for a lookup, `generic-error` for a send."""
        self._add(Fault(place, key, times, error=error))

    def delay(self, place: str, seconds: float, *, key: str | None = None, times: int | None = None) -> None:
        """Take so long before doing it."""
        self._add(Fault(place, key, times, seconds=seconds))

    def break_body(self, place: str, at: int, *, key: str | None = None, times: int | None = None) -> None:
        """Break the body after so many bytes, as a connection that is cut does."""
        self._add(Fault(place, key, times, cut_at=at))

    def change(self, place: str, alter: Alter, *, key: str | None = None, times: int | None = None) -> None:
        """Give another value than the store holds: `lambda value: value[:100]` truncates."""
        self._add(Fault(place, key, times, alter=alter))

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._faults.clear()

    def _add(self, fault: Fault) -> None:
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
