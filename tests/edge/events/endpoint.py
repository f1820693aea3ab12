"""A service with an endpoint whose moods a test sets, and what has become of every event."""

import json
import zlib
from collections import Counter

from edge.events.answers import Answer
from edge.events.spool_format import ASIDE_PREFIX, PREFIX, decode_envelope
from edge.memory import MemoryPlatform, SentBatch
from edge.sandbox import Sandbox
from tests.edge.builders import STORE, ask, platform, request

FAIL = Answer(500)


def users_of(batch: SentBatch) -> list[str]:
    """The users whose events a request carries."""
    is_gzip = dict(batch.headers).get("content-encoding") == b"gzip"
    body = zlib.decompress(batch.body, 31) if is_gzip else batch.body
    return [event["user"]["userID"] for event in json.loads(body)["events"]]


class Service:
    """Sandboxes one after the other over one platform."""

    def __init__(self, **settings: str) -> None:
        self.outside: MemoryPlatform = platform(drain_share="1", **settings)
        self.sandboxes: list[Sandbox] = []

    def start(self) -> Sandbox:
        """A new sandbox with an ID of its own."""
        self.outside.session = f"s{len(self.sandboxes)}"
        self.sandboxes.append(Sandbox(self.outside))
        return self.sandboxes[-1]

    def check(self, sandbox: Sandbox, *users: str) -> None:
        """Check a gate for some users, each in a request of its own."""
        for user in users:
            assert ask(sandbox, request("/v1/check_gate", {"user": {"userID": user}, "gateName": "open"})).status == 200

    def received(self) -> Counter[str]:
        """How often the event of each user was taken by the endpoint."""
        pairs = zip(self.outside.batches, self.outside.answers, strict=True)
        return Counter(user for batch, answer in pairs if 200 <= answer.status < 300 for user in users_of(batch))

    def stored(self, prefix: str = PREFIX) -> list[str]:
        """The users whose events lie in the store."""
        entries = sorted((key, entry) for key, entry in self.outside.stores[STORE].items() if key.startswith(prefix))
        contents = [decode_envelope(entry.value).content for _, entry in entries]
        return [event["user"]["userID"] for content in contents for event in json.loads(b"[" + content + b"]")]

    def set_aside(self) -> list[str]:
        """The keys of what was set aside."""
        return [key for key in self.outside.stores[STORE] if key.startswith(ASIDE_PREFIX)]

    def total(self, name: str) -> int:
        """A count over all sandboxes."""
        return sum(sandbox.outbox.counts()[name] for sandbox in self.sandboxes)

    def pass_time(self, seconds: float) -> None:
        """Let time pass between requests."""
        self.outside.seconds += seconds
