"""What may go wrong between a client and an API, on demand.

A trouble waits for calls whose `METHOD /path` its pattern finds, and happens to all of them, to the next few, or to a
share of them.

| Kind | What happens |
| --- | --- |
| `status` | the call is not carried out; the answer is `status`, with `retry_after` |
| `slow` | the answer comes after `seconds` |
| `cut` | the call is carried out; the connection ends in the middle of the answer's body, or before an empty one |
| `lost` | the call is carried out; the connection ends before the answer |
| `generation` | a read tells another generation than the real one; a write on a condition is refused |
"""

import random
import re
import threading
from dataclasses import dataclass, field

KINDS = ("status", "slow", "cut", "lost", "generation")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong; `times` None is always."""

    kind: str
    pattern: str = ""
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0
    times: int | None = None
    share: float = 1.0


@dataclass(slots=True)
class Troubles:
    """What goes wrong at present; safe to share between threads."""

    _waiting: list[Trouble] = field(default_factory=list)
    _happened: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _random: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - to repeat, not to hide

    def set(self, *troubles: Trouble) -> None:
        """Let these things go wrong from now on, and no others."""
        with self._lock:
            self._waiting = list(troubles)
            self._happened = {}

    def meet(self, call: str) -> list[Trouble]:
        """Return what happens to a call."""
        with self._lock:
            return [trouble for number, trouble in enumerate(self._waiting) if self._happens(number, trouble, call)]

    def _happens(self, number: int, trouble: Trouble, call: str) -> bool:
        happened = self._happened.get(number, 0)
        if trouble.times is not None and happened >= trouble.times:
            return False
        if not re.search(trouble.pattern, call) or self._random.random() >= trouble.share:
            return False
        self._happened[number] = happened + 1
        return True


def read_troubles(document: object) -> tuple[Trouble, ...]:
    """Read a JSON array of troubles; raises `ValueError` when it is none."""
    if not isinstance(document, list):
        raise ValueError("expected an array of troubles")  # noqa: TRY004 - all that does not fit is one kind of fault
    try:
        troubles = tuple(Trouble(**one) for one in document)
    except TypeError as problem:
        raise ValueError(str(problem)) from problem
    if strangers := sorted({one.kind for one in troubles} - set(KINDS)):
        raise ValueError(f"{strangers[0]} is none of {', '.join(KINDS)}")
    return troubles
