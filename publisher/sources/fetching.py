"""Ask a server that may be busy, slow or broken: a whole reply comes back, or a `Failed` that says why not.

A reply counts only when all of it is there: its length is checked by httpx, a compressed body here, because a cut one
would pass for a shorter one. What may pass (408, 429, 5xx, no connection, a cut body) is tried again after a pause that
doubles, with jitter, or that the server asks for. Addresses stay out of all messages: Statsig's hold the key.
"""

import random
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx

from publisher.exit_codes import Failed
from publisher.retry_after import read_retry_after

TRIES: Final = 3
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
# One reply as a whole; a server that sends a byte now and then must not hold a publication up for ever.
DEADLINE_S: Final = 120.0
SILENCE_S: Final = 20.0
MOST_BYTES: Final = 500_000_000
KEY_HEADER: Final = "statsig-api-key"
_GZIP: Final = 16 + zlib.MAX_WBITS


class Reply(NamedTuple):
    """A reply whose body is whole and decompressed."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class _TryAgain(Exception):
    """This try failed, the next may not; `pause_s` is what the server asked for."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


@dataclass(slots=True)
class Fetcher:
    """Asks, and counts what it asked for and got; `received` are bytes as they came over the line."""

    client: httpx.Client
    sleep: Callable[[float], None] = time.sleep
    first_pause_s: float = FIRST_PAUSE_S
    deadline_s: float = DEADLINE_S
    requests: int = 0
    received: int = 0

    def fetch(
        self,
        what: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        document: object = None,
        allowed: tuple[int, ...] = (),
    ) -> Reply:
        """Return the reply, 2xx or allowed, these at once; `what` stands for the request in messages. Raises Failed."""
        request = self.client.build_request(
            method, url, headers={"accept-encoding": "gzip", **(headers or {})}, params=params, json=document
        )
        host = request.url.host
        for left in range(TRIES - 1, -1, -1):
            try:
                reply = self._try(request, allowed)
            except _TryAgain as problem:
                if not left:
                    raise Failed(f"{host} did not give {what}: {problem}, {TRIES} times") from problem
                self._pause(TRIES - 1 - left, problem.pause_s)
                continue
            if reply.status // 100 == 2 or reply.status in allowed:
                return reply
            raise Failed(f"{host} did not give {what}: {explain_status(reply.status)}")
        raise AssertionError("the last try returns or raises")

    def _try(self, request: httpx.Request, allowed: tuple[int, ...]) -> Reply:
        self.requests += 1
        until = time.monotonic() + self.deadline_s
        try:
            # A redirect may lead to somebody else, who must not get a key.
            with_body = self.client.send(request, stream=True, follow_redirects=KEY_HEADER not in request.headers)
        except httpx.HTTPError as problem:
            raise _TryAgain(explain_problem(problem)) from problem
        try:
            status = with_body.status_code
            if status not in allowed and (status in {408, 429} or status >= 500):
                raise _TryAgain(explain_status(status), read_retry_after(with_body.headers))
            raw = self._read_raw(with_body, until)
        except httpx.HTTPError as problem:
            raise _TryAgain(explain_problem(problem)) from problem
        finally:
            with_body.close()
        is_gzip = with_body.headers.get("content-encoding", "").lower() == "gzip"
        return Reply(status, with_body.headers, decompress(raw) if is_gzip else raw)

    def _read_raw(self, reply: httpx.Response, until: float) -> bytes:
        """Read a body as it came over the line."""
        parts: list[bytes] = []
        size = 0
        for part in reply.iter_raw():
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise Failed(f"{reply.url.host} sent more than {MOST_BYTES:,} bytes")
            if time.monotonic() > until:
                raise _TryAgain(f"the reply was not whole after {self.deadline_s:g} s")
        self.received += size
        return b"".join(parts)

    def _pause(self, tries: int, asked_s: float) -> None:
        grown = self.first_pause_s * 2**tries * random.uniform(0.5, 1.5)  # noqa: S311 jitter is no secret
        self.sleep(min(LONGEST_PAUSE_S, max(asked_s, grown)))


@contextmanager
def open_fetcher() -> Iterator[Fetcher]:
    """Open a fetcher until the end of the block."""
    with httpx.Client(timeout=SILENCE_S) as client:
        yield Fetcher(client)


def decompress(raw: bytes) -> bytes:
    """Decompress a gzip body; raises _TryAgain when it is cut or damaged."""
    decompressor = zlib.decompressobj(_GZIP)
    try:
        content = decompressor.decompress(raw, MOST_BYTES)
    except zlib.error as problem:
        raise _TryAgain(f"its body is not gzip: {problem}") from problem
    if not decompressor.eof:
        raise _TryAgain("its compressed body is cut")
    return content


def explain_status(status: int) -> str:
    """Say what a status means for the one who asked."""
    if status in {401, 403}:
        return f"it answered {status}: it does not know the key, or the key may not do this"
    known = {404: ": there is nothing under that address", 429: ": too many requests"}
    return f"it answered {status}{known.get(status, '')}"


def explain_problem(problem: httpx.HTTPError) -> str:
    """Say what went wrong on the line."""
    if isinstance(problem, httpx.TimeoutException):
        return "it did not answer in time"
    if isinstance(problem, httpx.ConnectError):
        return f"there is no connection ({problem})"
    return f"the connection broke ({problem})"
