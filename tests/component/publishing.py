"""A writer that keeps publishing while clients ask: `python -m tests.component.publishing`.

Two gates change together from one spec to the next, and lie in different pages. Eight clients check both in one request
and note what they saw: the values, and the time of the spec that the reply names. A reply whose values differ, or are
not those of that time, mixed two generations; one that does not call itself stale, and names a spec that had been
replaced for longer than the sync interval, names the wrong source. The writer publishes in every way there is, and
between two publications it can do harm: leave the manifest behind, take a page away, cut one short, throttle the store.
What it writes is cut before the clients begin, so that they do not keep it from its pace.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from devhost.build import COMPONENT
from devhost.embedded.sandbox import Host as ComponentHost
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange
from devhost.fastly.kv import KvStore
from devhost.fastly.messages import Body, Request
from devhost.fastly.service import Service
from devhost.native.sandbox import Host as NativeHost
from evaluator.decode import decode_project
from specstore.cut import Cut, cut_project
from specstore.keys import page_prefix
from specstore.limits import Write
from specstore.manifest import Manifest
from specstore.plan import plan_publication
from tests.edge.builders import document, gate

SPEC_KEY = "statsig-publishing"
STORE = "gatelet-specs"
FIRST_TIME = 1_700_000_000_000
GATES = ("left", "right")
SECRET = ("statsig-api-key", b"secret")
SYNC_MS = 300
SLACK_MS = 100  # between the clocks of client, writer and guest
ANSWER_SECONDS = 60.0
HARMS = ("none", "stale manifest", "missing page", "truncated page", "throttled")


class Seen(NamedTuple):
    """What one reply showed."""

    status: int
    values: tuple[bool, ...]
    spec_time: int | None
    source: str
    asked: float  # when, on the duration clock


class Outcome(NamedTuple):
    """What all clients saw, and what was published last."""

    seen: list[Seen]
    last: Seen
    published: int
    misnamed: list[Seen]
    seconds: float


class Prepared(NamedTuple):
    """A spec, ready to be published."""

    raw: bytes
    cut: Cut


def make_spec(number: int) -> dict[str, Any]:
    """Return spec number N, in which both gates are open when N is even; what else there is makes several pages."""
    share = 100.0 if number % 2 == 0 else 0.0
    filling = {f"gate_{index}": gate(defaultValue=False, note="x" * 2_000) for index in range(60)}
    return document(FIRST_TIME + number, left=gate(share), right=gate(share), **filling)


def prepare(number: int) -> Prepared:
    """Cut spec number N."""
    spec = make_spec(number)
    return Prepared(json.dumps(spec).encode(), cut_project(decode_project(spec)))


class Writer:
    """Publishes one spec after another; `published_at` says when each was, the first at 0."""

    def __init__(self, store: KvStore, seed: int, most: int) -> None:
        self._store = store
        self._random = random.Random(seed)  # reproducible, not secret
        self._prepared = [prepare(number) for number in range(1, most + 1)]
        self.published_at = [0.0]

    @property
    def published(self) -> int:
        """Return the number of the newest spec."""
        return len(self.published_at) - 1

    def publish(self, harm: str) -> None:
        """Publish the next spec, then do some harm."""
        self._publish(self._prepared[self.published], harm)
        self.published_at.append(time.monotonic())

    def _publish(self, prepared: Prepared, harm: str) -> None:
        raw, cut = prepared
        if harm == "stale manifest":
            self._store.insert(SPEC_KEY, raw)
            return
        if self._random.random() < 0.5:
            plan = plan_publication(SPEC_KEY, cut, raw=raw)
        else:
            plan = plan_publication(SPEC_KEY, cut, generation=self._store.insert(SPEC_KEY, raw).generation)
        self._write(plan.list_writes())
        self._harm(harm, plan.manifest)

    def _write(self, writes: tuple[Write, ...]) -> None:
        for one in writes:
            self._store.insert(one.key, one.value, metadata=one.metadata)

    def _harm(self, harm: str, manifest: Manifest) -> None:
        digest = manifest.find_page("gate", self._random.choice(GATES))
        key = page_prefix(SPEC_KEY) + digest.hex()
        if harm == "missing page":
            self._store.delete(key)
        elif harm == "truncated page":
            value = self._store.lookup(key)
            self._store.insert(key, b"" if value is None else value.content[:-40])


type AnyHost = ComponentHost | NativeHost


@contextmanager
def running(store: KvStore, *, component: bool) -> Iterator[AnyHost]:
    """Run the service on a store: the component, or its source."""
    settings = {"spec_key": SPEC_KEY, "sync_interval_ms": str(SYNC_MS), "idle_wait_ms": "200"}
    service = Service({STORE: store}, {"gatelet": settings}, {"gatelet": {"server_secret": SECRET[1]}})
    host: AnyHost = ComponentHost(COMPONENT, service) if component else NativeHost(service, limits=Limits())
    with host:
        yield host


def ask(host: AnyHost) -> Seen:
    """Check both gates in one request."""
    quiet = {"statsigMetadata": {"exposureLoggingDisabled": True}}
    body = json.dumps({"user": {"userID": "u"}, "gateNames": GATES, **quiet}).encode()
    asked = time.monotonic()
    exchange = Exchange(Request("POST", "http://gatelet.test/v1/check_gate", (SECRET,), ("127.0.0.1", 1)), Body(body))
    host.dispatch(exchange)
    response, content = exchange.wait(ANSWER_SECONDS)
    answer = json.loads(b"".join(content.pieces())) if response.status == 200 else {}
    header = next((value for name, value in response.headers if name == "x-gatelet-spec"), b"").decode()
    fields = dict(part.partition("=")[::2] for part in header.split("; "))
    found = tuple(answer[name]["value"] for name in GATES) if response.status == 200 else ()
    named = (header.partition(";")[0], fields.get("layout", ""), "stale" if "stale" in fields else "")
    spec_time = int(fields["time"]) if "time" in fields else None
    return Seen(response.status, found, spec_time, " ".join(filter(None, named)), asked)


def is_unanswered(seen: Seen) -> bool:
    """Tell whether a reply says that there is no spec, and has the default values."""
    return seen.status == 200 and seen.source == "none" and not any(seen.values)


def is_mixed(seen: Seen) -> bool:
    """Tell whether a reply failed, or holds anything but the values of the spec that it names."""
    if seen.status != 200 or seen.spec_time is None:
        return not is_unanswered(seen)
    return set(seen.values) != {(seen.spec_time - FIRST_TIME) % 2 == 0}


def is_misnamed(seen: Seen, published_at: Sequence[float]) -> bool:
    """Tell whether a reply passes a spec off as the newest that had been replaced for longer than the sync interval."""
    if seen.spec_time is None or "stale" in seen.source:
        return False
    following = seen.spec_time - FIRST_TIME + 1
    return following < len(published_at) and published_at[following] < seen.asked - (SYNC_MS + SLACK_MS) / 1000


def publish_while_asking(
    *, seconds: float, clients: int, pause: float, harms: tuple[str, ...] = ("none",), component: bool = False
) -> Outcome:
    """Publish for some time while clients ask, then ask once more when the sync interval has passed."""
    store = KvStore()
    writer = Writer(store, seed=1, most=int(seconds / pause) + 3)
    writer.publish("none")
    seen: list[Seen] = []
    ending = threading.Event()
    with running(store, component=component) as host:

        def keep_asking() -> None:
            while not ending.is_set():
                seen.append(ask(host))

        threads = [threading.Thread(target=keep_asking) for _ in range(clients)]
        for thread in threads:
            thread.start()
        started = time.monotonic()
        keep_publishing(writer, host, seconds, pause, harms)
        took = time.monotonic() - started
        writer.publish("none")
        time.sleep(SYNC_MS / 1000)
        last = [ask(host) for _ in range(clients)]
        ending.set()
        for thread in threads:
            thread.join(ANSWER_SECONDS)
    behind = min(last, key=lambda one: one.spec_time or 0)
    misnamed = [one for one in (*seen, *last) if is_misnamed(one, writer.published_at)]
    return Outcome(seen, behind, writer.published, misnamed, took)


def keep_publishing(writer: Writer, host: AnyHost, seconds: float, pause: float, harms: tuple[str, ...]) -> None:
    """Publish at a steady pace, with one harm after the other; a store is throttled for two sync intervals."""
    started = time.monotonic()
    recovers = float("inf")
    for step in range(int(seconds / pause)):
        harm = harms[writer.published % len(harms)]
        writer.publish(harm)
        if harm == "throttled":
            host.faults.fail("lookup", "too-many-requests")
            recovers = time.monotonic() + 2 * SYNC_MS / 1000
        time.sleep(max(0.0, started + (step + 1) * pause - time.monotonic()))
        if time.monotonic() >= recovers:
            host.faults.clear()
    host.faults.clear()


def main() -> int:
    """Publish for a minute, without harm and with, and say what the clients saw."""
    parser = argparse.ArgumentParser(prog="python -m tests.component.publishing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--component", action="store_true", help="run the built component, not its source")
    arguments = parser.parse_args()
    failed = False
    for harms in (("none",), HARMS):
        found = publish_while_asking(
            seconds=arguments.seconds, clients=arguments.clients, pause=0.2, harms=harms, component=arguments.component
        )
        mixed = [one for one in found.seen if is_mixed(one)]
        is_last = found.last.spec_time == FIRST_TIME + found.published
        pace = found.published / found.seconds
        print(f"{', '.join(harms)}: {found.published} specs, {pace:.1f} a second, {len(found.seen):,} replies")
        print(f"  {len(mixed)} mixed or failed, {len(found.misnamed)} passed an old spec off as the newest")
        print(f"  the last spec {'answers' if is_last else 'DOES NOT ANSWER'} after the sync interval")
        print(f"  sources: {dict(Counter(one.source for one in found.seen))}")
        for one in (*mixed, *found.misnamed)[:10]:
            print(f"  {one}")
        failed = failed or bool(mixed or found.misnamed) or not is_last
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
