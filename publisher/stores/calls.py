"""Requests to an API that may be slow, throttled or broken for a while.

What is worth a second try is tried again, after the time that the API asks for (`Retry-After` in seconds or as a date,
Fastly's `Fastly-RateLimit-Reset`), else after twice as long each time, with some chance in it so that writers do not
keep step. The patience is for one request with its repetitions. A body that is cut short counts as no answer at all:
httpx compares it with its promised length. All requests here may be repeated; who writes on a condition has to know
that the first try may have been carried out although its answer was lost (`Answer.tries`).
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import SystemRandom
from typing import Final, NamedTuple

import httpx

from publisher.retry_after import read_retry_after
from publisher.stores.port import StoreProblem, Traffic

WORTH_ANOTHER_TRY: Final = frozenset({408, 429, 500, 502, 503, 504})
SECONDS_PER_TRY: Final = 30.0
PATIENCE_SECONDS: Final = 90.0
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 15.0
_CHANCE: Final = SystemRandom()

type Content = bytes | Mapping[str, tuple[None, bytes]]


class Asked(NamedTuple):
    """A request; contents that are a mapping go as a form with parts."""

    method: str
    path: str
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    content: Content = b""
    is_head_enough: bool = False  # the body of the answer is left unread

    @property
    def size(self) -> int:
        """Return how many bytes are sent, without what surrounds the parts of a form."""
        return len(self.content) if isinstance(self.content, bytes) else sum(len(v) for _, v in self.content.values())


class Answer(NamedTuple):
    """What the API answered in the end, at the how manieth try."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    tries: int

    @property
    def is_success(self) -> bool:
        """Tell whether the API did what it was asked."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends requests; the client carries the address and the token."""

    client: httpx.Client
    name: str  # of the API, for messages
    patience: float = PATIENCE_SECONDS
    sleep: Callable[[float], None] = time.sleep
    traffic: Traffic = field(default_factory=Traffic)

    def ask(self, asked: Asked, *allowed: int) -> Answer:
        """Return the answer if it is a success or one of the allowed ones; raises StoreProblem."""
        until = time.monotonic() + self.patience
        tries = 0
        while True:
            tries += 1
            found = self._try(asked, tries)
            if isinstance(found, Answer) and (found.is_success or found.status in allowed):
                return found
            if isinstance(found, Answer) and found.status not in WORTH_ANOTHER_TRY:
                raise StoreProblem(describe(self.name, asked, found))
            pause = find_pause(found.headers if isinstance(found, Answer) else {}, tries)
            if time.monotonic() + pause > until:
                raise StoreProblem(f"{describe(self.name, asked, found)}; {tries} tries were made")
            self.traffic.add(retried=1)
            self.sleep(pause)

    def _try(self, asked: Asked, tries: int) -> Answer | httpx.TransportError:
        self.traffic.add(requests=1)
        self.traffic.add(sent=asked.size)
        is_form = not isinstance(asked.content, bytes)
        try:
            with self.client.stream(
                asked.method,
                asked.path,
                params=dict(asked.params),
                headers=dict(asked.headers),
                content=None if is_form else asked.content or None,  # type: ignore[arg-type]  # bytes, as just seen
                files=asked.content if is_form else None,  # type: ignore[arg-type]  # parts, as just seen
            ) as response:
                body = b"" if asked.is_head_enough and response.is_success else response.read()
        except httpx.TransportError as problem:
            return problem
        self.traffic.add(received=len(body))
        return Answer(response.status_code, response.headers, body, tries)


def find_pause(headers: Mapping[str, str], tries: int) -> float:
    """Return how long to wait before the next try: what the API asks for, or a guess."""
    guess = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (tries - 1)) * _CHANCE.uniform(0.6, 1.0)
    return max(guess, read_retry_after(headers))


def describe(name: str, asked: Asked, found: Answer | httpx.TransportError) -> str:
    """Say what was asked and what came back; a token never stands in either."""
    what = f"{asked.method} {asked.path}"
    if not isinstance(found, Answer):
        return f"{name} does not answer {what}: {str(found) or type(found).__name__}"
    said = " ".join(found.body[:200].decode(errors="replace").split())
    return f"{name} answered {found.status} to {what}" + (f": {said}" if said else "")


def decode_object(name: str, answer: Answer) -> Mapping[str, object]:
    """Decode an answer of an API that must be a JSON object; raises StoreProblem."""
    try:
        document = json.loads(answer.body)
    except ValueError as problem:
        raise StoreProblem(f"{name} answered with something else than JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise StoreProblem(f"{name} answered with something else than a JSON object")
    return document
