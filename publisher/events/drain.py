"""Send the events that a service has stored, from outside: the rules are those of `edge.events.drain`.

The lease keeps the service's own sandboxes away meanwhile, and is renewed with every request. What one round leaves
because the endpoint asks for patience is tried again after it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import httpx

from edge.events.answers import Answer, Judgement, Verdict, judge
from edge.events.batch import Batch, encode_post, split_batch
from edge.events.drain import LEASE_MS
from edge.events.groups import Stored, iterate_groups, put_together
from edge.events.spool_format import (
    LEASE_KEY,
    PREFIX,
    InvalidEnvelope,
    Lease,
    StoredKey,
    decode_envelope,
    decode_lease,
    encode_aside,
    encode_envelope,
    encode_lease,
    name_aside,
    name_batch,
    parse_keys,
)
from publisher.exit_codes import Failed
from publisher.stores.port import Item, Store
from specstore.limits import Write

HOLDER = "gatelet-events-drain"
BYTES_PER_POST = 262_144
GZIP_FROM = 4_096
LONGEST_PAUSE_MS = 60_000


class CannotDrain(Failed):
    """Something has to be mended first; the text says what."""


@dataclass(slots=True)
class Drainer:
    """One run over one store; counts events."""

    store: Store
    endpoint: httpx.Client
    url: str
    key: bytes
    project: str = ""  # the key of the spec whose events are sent; empty for the one of the setting `spec_key`
    sleep: Callable[[float], None] = time.sleep
    drained: int = 0
    set_aside: int = 0
    _lease_until_ms: int = field(default=0, init=False)

    def run(self) -> None:
        """Send everything that is stored of the project; raises `CannotDrain` and `StoreProblem`."""
        keys = parse_keys(self.store.list_keys(PREFIX))
        while own := [key for key in keys if key.project == self.project]:
            self._take_lease(keys)
            for group in iterate_groups(own, BYTES_PER_POST):
                self._hold_lease(keys)
                self._send_group(group)
            keys = parse_keys(self.store.list_keys(PREFIX))
        if self._lease_until_ms:
            left = Lease(HOLDER, 0, len(keys), sum(key.size for key in keys))
            self.store.write(Write(LEASE_KEY, encode_lease(left)))

    def _take_lease(self, keys: Sequence[StoredKey]) -> None:
        """Take the lease unless a sandbox drains; then wait until that has ended."""
        while True:
            seen = self.store.find(LEASE_KEY)
            lease = Lease() if seen is None else decode_lease(seen.value)
            left_ms = 0 if lease.holder == HOLDER else lease.until_ms - now_ms()
            if left_ms <= 0 and self._write_lease(keys, seen):
                return
            self.sleep(max(1.0, left_ms / 1000))

    def _write_lease(self, keys: Sequence[StoredKey], seen: Item | None) -> bool:
        until_ms = now_ms() + LEASE_MS
        lease = Lease(HOLDER, until_ms, len(keys), sum(key.size for key in keys))
        if not self.store.replace(Write(LEASE_KEY, encode_lease(lease)), None if seen is None else seen.generation):
            return False
        self._lease_until_ms = until_ms
        return True

    def _hold_lease(self, keys: Sequence[StoredKey]) -> None:
        """Renew the lease when half of it is over."""
        if self._lease_until_ms - now_ms() < LEASE_MS // 2:
            self._take_lease(keys)

    def _send_group(self, group: Sequence[StoredKey]) -> None:
        pile = put_together([stored for key in group for stored in self._read(key)])
        while pile:
            together = pile.pop()
            judgement = self._post([stored.batch for stored in together])
            if judgement.verdict is Verdict.TAKEN:
                self._remove(together)
            elif judgement.verdict not in (Verdict.WRONG, Verdict.TOO_LARGE):
                pile.append(together)
                self._wait_for_endpoint(judgement)
            elif len(together) > 1:
                middle = len(together) // 2
                pile += [together[middle:], together[:middle]]
            elif judgement.verdict is Verdict.TOO_LARGE and together[0].batch.can_split:
                self._cut(together[0])
            else:
                self._set_aside(together[0].key, encode_envelope(together[0].batch), judgement.reason)
                self.set_aside += together[0].batch.event_count

    def _read(self, key: StoredKey) -> list[Stored]:
        """Read a stored batch; none when it is gone or cannot be read."""
        item = self.store.find(key.key)
        if item is None:
            return []
        try:
            return [Stored(key.key, replace(decode_envelope(item.value), project=key.project))]
        except InvalidEnvelope as problem:
            self._set_aside(key.key, item.value, str(problem))
            self.set_aside += key.event_count
            return []

    def _post(self, batches: Sequence[Batch]) -> Judgement:
        post = encode_post(batches, self.key, HOLDER, now_ms(), 1, GZIP_FROM)
        try:
            answer = self.endpoint.post(
                self.url, content=post.body, headers=[(name.encode(), value) for name, value in post.headers]
            )
        except httpx.HTTPError as problem:
            return judge(Answer(0, problem=str(problem)))
        return judge(Answer(answer.status_code, answer.content, answer.headers.get("retry-after", "")))

    def _wait_for_endpoint(self, judgement: Judgement) -> None:
        if not 0 < judgement.retry_after_ms <= LONGEST_PAUSE_MS:
            raise CannotDrain(f"{self.url}: {judgement.reason}")
        self.sleep(judgement.retry_after_ms / 1000)

    def _remove(self, together: Sequence[Stored]) -> None:
        for stored in together:
            self.store.remove(stored.key)
            self.drained += stored.batch.event_count

    def _cut(self, stored: Stored) -> None:
        for half in split_batch(stored.batch):
            envelope = encode_envelope(half)
            self.store.write(Write(name_batch(half, len(envelope)), envelope))
        self.store.remove(stored.key)

    def _set_aside(self, key: str, value: bytes, reason: str) -> None:
        self.store.write(Write(name_aside(key), encode_aside(value, reason)))
        self.store.remove(key)


def now_ms() -> int:
    """Return the wall clock."""
    return time.time_ns() // 1_000_000
