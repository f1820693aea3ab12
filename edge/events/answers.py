"""What an answer of the events endpoint means for the batch that got it.

Only two answers blame the batch: it is too large (413), or its content is wrong (400, 415, 422). A 2xx takes it, unless
the body says `"success": false`. Everything else blames the way: some of it passes by itself (408, 425, 429, 5xx, no
response), the rest needs somebody (401, 403, 404…), and the events are kept until then.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

LONGEST_RETRY_AFTER_MS: Final = 3_600_000
_TOO_LARGE: Final = (413,)
_WRONG: Final = (400, 415, 422)
_BUSY: Final = (408, 425, 429)


class Verdict(Enum):
    """What is to become of a batch that was answered."""

    TAKEN = "taken"
    TOO_LARGE = "too large"
    WRONG = "wrong"
    FAILED = "failed"  # worth another try
    REFUSED = "refused"  # not worth one until somebody has mended something


@dataclass(slots=True)
class Answer:
    """What came back: a response, or the reason why there is none (status 0)."""

    status: int
    start: bytes = b""  # of the body
    retry_after: str = ""
    problem: str = ""


@dataclass(slots=True)
class Judgement:
    """A verdict with its reason, for the log, and how long the endpoint wants to be left alone."""

    verdict: Verdict
    reason: str = ""
    retry_after_ms: int = 0


def judge(answer: Answer) -> Judgement:
    """Tell what an answer means."""
    status = answer.status
    if not status:
        return Judgement(Verdict.FAILED, answer.problem)
    if 200 <= status < 300:
        if b'"success":false' in answer.start.replace(b" ", b""):
            return Judgement(Verdict.FAILED, f"the backend answered {status} with success false")
        return Judgement(Verdict.TAKEN)
    return Judgement(find_verdict(status), f"the backend answered {status}", read_retry_after(answer.retry_after))


def find_verdict(status: int) -> Verdict:
    """Return what a status other than 2xx means."""
    if status in _TOO_LARGE:
        return Verdict.TOO_LARGE
    if status in _WRONG:
        return Verdict.WRONG
    return Verdict.FAILED if status in _BUSY or status >= 500 else Verdict.REFUSED


def read_retry_after(text: str) -> int:
    """Read a Retry-After header as milliseconds; its other form, a date, counts as none."""
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return 0
    return min(int(text) * 1000, LONGEST_RETRY_AFTER_MS)
