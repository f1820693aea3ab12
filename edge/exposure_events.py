"""Exposure events on their way to Statsig: one `log_event` batch per request, sent after its reply.

A delivery begins after the reply and is looked at again after later replies; only the end of the sandbox waits for
those still unanswered, with a bound. Waiting right after each reply would keep the sandbox from its next request for as
long as Statsig takes. What fails, or stays unanswered, is counted and logged without anything about users.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from edge.events.client_events import ClientEvents, Fate, Handover
from edge.messages import Header, encode_json
from edge.ports import DELIVERED, DeliveryFault, PendingDelivery, Platform
from edge.settings import BackgroundSettings

SDK_TYPE: Final = "gatelet"
SDK_VERSION: Final = "0.1.0"

type Event = Mapping[str, object]


class Sent(NamedTuple):
    """A batch without its answer yet."""

    events: int
    delivery: PendingDelivery


class Outbox:
    """The deliveries of one sandbox, and what became of them, in events."""

    __slots__ = ("begun", "delivered", "failed", "pending", "unanswered")

    def __init__(self) -> None:
        self.pending: list[Sent] = []
        self.begun = 0
        self.delivered = 0
        self.failed = 0
        self.unanswered = 0

    def send(
        self, platform: Platform, settings: BackgroundSettings, key: bytes, events: Sequence[Event], now_ms: int
    ) -> None:
        """Begin to deliver a batch."""
        self.begun += len(events)
        session = platform.session_id()
        headers = batch_headers(key, session, len(events), now_ms)
        body = encode_batch(events, session)
        try:
            delivery = platform.begin_send(settings.events_backend, settings.events_url, headers, body)
        except DeliveryFault as problem:
            self.count_failure(platform, len(events), str(problem))
        else:
            self.pending.append(Sent(len(events), delivery))

    def hand_over(
        self, platform: Platform, settings: BackgroundSettings, key: bytes, events: ClientEvents, now_ms: int
    ) -> Handover:
        """Deliver a client's events and wait for the answer, as the client does."""
        headers = (*batch_headers(key, platform.session_id(), events.event_count, now_ms), *events.headers)
        if events.encoding:
            headers = (*headers, ("content-encoding", events.encoding.encode()))
        self.begun += events.event_count
        try:
            delivery = platform.begin_send(settings.events_backend, settings.events_url, headers, events.body)
        except DeliveryFault as problem:
            self.count_failure(platform, events.event_count, str(problem))
            return Handover(Fate.REFUSED, str(problem))
        answer = delivery.settle(settings.events_wait_ms)
        if answer == DELIVERED:
            self.delivered += events.event_count
            return Handover(Fate.DELIVERED)
        problem_text = answer or f"no answer within {settings.events_wait_ms} ms"
        self.count_failure(platform, events.event_count, problem_text)
        return Handover(Fate.REFUSED, problem_text)

    def collect(self, platform: Platform) -> None:
        """Look which deliveries have been answered meanwhile."""
        self.pending = [sent for sent in self.pending if not self.settle(platform, sent, 0)]

    def close(self, platform: Platform, wait_ms: int) -> None:
        """Wait for the deliveries still unanswered, all together at most this long."""
        deadline = platform.ticks() + wait_ms / 1000
        for sent in self.pending:
            left_ms = max(0, int((deadline - platform.ticks()) * 1000))
            if not self.settle(platform, sent, left_ms):
                self.unanswered += sent.events
                platform.log(f"events: {sent.events} sent and not answered within {wait_ms} ms")
        self.pending = []

    def settle(self, platform: Platform, sent: Sent, wait_ms: int) -> bool:
        """Count a delivery when it has been answered within the wait; tells whether it has."""
        answer = sent.delivery.settle(wait_ms)
        if answer is None:
            return False
        if answer == DELIVERED:
            self.delivered += sent.events
        else:
            self.count_failure(platform, sent.events, answer)
        return True

    def count_failure(self, platform: Platform, events: int, problem: str) -> None:
        """Count lost events and say so."""
        self.failed += events
        platform.log(f"events: {events} lost: {problem}")

    def counts(self) -> dict[str, int]:
        """Return what became of the events of this sandbox."""
        waiting = sum(sent.events for sent in self.pending)
        return {
            "begun": self.begun,
            "delivered": self.delivered,
            "failed": self.failed,
            "unanswered": self.unanswered,
            "waiting": waiting,
        }


def encode_batch(events: Sequence[Event], session: str) -> bytes:
    """Encode the body of a log_event request."""
    metadata = {"sdkType": SDK_TYPE, "sdkVersion": SDK_VERSION, "sessionID": session}
    return encode_json({"events": events, "statsigMetadata": metadata})


def batch_headers(key: bytes, session: str, count: int, now_ms: int) -> tuple[Header, ...]:
    """Return the headers of a log_event request."""
    return (
        ("content-type", b"application/json"),
        ("statsig-api-key", key),
        ("statsig-sdk-type", SDK_TYPE.encode()),
        ("statsig-sdk-version", SDK_VERSION.encode()),
        ("statsig-server-session-id", session.encode()),
        ("statsig-client-time", b"%d" % now_ms),
        ("statsig-event-count", b"%d" % count),
        ("statsig-retry-count", b"0"),
    )
