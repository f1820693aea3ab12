"""What a kill loses, at each call of the component to its host after the reply: `python -m tests.embedded.kills`.

A guest acts on the world by calls to its host and by nothing else, so a sandbox that ends instead of each of its calls
in turn has been killed at every moment that makes a difference. All sandboxes of a trouble share one world; when each
has been killed the trouble ends, later sandboxes deliver what was stored, and it is seen whose events have arrived.
The table that this prints stands in docs/decisions/exposures-after-the-reply.md.
"""

import contextlib
import io
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

from devhost.embedded.fuel import REPLY
from devhost.embedded.plugin import COMPONENT, ROOT, Running
from devhost.embedded.sandbox import Host, Sandbox
from devhost.fastly.fault_script import read_script
from devhost.fastly.hosting import Limits, OutOfCalls
from devhost.fastly.manifest import read_manifest
from devhost.fastly.service import prepare_backends
from edge.events.batch import Batch
from edge.events.spool_format import LEASE_KEY, PREFIX, encode_envelope, name_batch

KEY = (("statsig-api-key", b"client-local"),)
STORE = "gatelet-specs"
END = "its end"
HEADER = "| Trouble | Killed instead of | Lost | Arrives | Told in the log |\n| --- | --- | --- | --- | --- |"


class Trouble(NamedTuple):
    """What the world is like while sandboxes are killed."""

    name: str
    faults: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    drains: bool = False


TROUBLES = (
    Trouble("Statsig takes the batch"),
    Trouble("Statsig fails once", "send answers 500, 1 time"),
    Trouble("Statsig fails, the store works", "send answers 500", (("events_tries", "1"),)),
    Trouble("stored batches are drained", drains=True),
)


class Kill(NamedTuple):
    """A sandbox that was ended instead of one of its calls."""

    call: str
    users: tuple[str, ...]  # whose events it had to do with
    is_told: bool  # that it had collected an event


class Row(NamedTuple):
    """Neighbouring calls at which a kill means the same."""

    trouble: str
    first: str
    last: str
    lost: int
    arrives: tuple[int, ...]
    is_told: bool

    def write(self) -> str:
        """Write the row of the table."""
        last = self.last if self.last == END else f"`{self.last}`"
        calls = last if last == f"`{self.first}`" else f"`{self.first}` … {last}"
        times = {(0,): "never", (1,): "once", (2,): "twice", (1, 2): "once or twice"}[self.arrives]
        return f"| {self.trouble} | {calls} | {self.lost} | {times} | {'yes' if self.is_told else 'no'} |"


@dataclass(slots=True)
class World:
    """The component among one trouble."""

    running: Running
    settings: dict[str, str]
    trouble: Trouble
    checks: int = 0

    @property
    def host(self) -> Host:
        """The host."""
        return self.running.host

    def run(self, calls: int | None) -> tuple[Sandbox, tuple[str, ...]]:
        """Check once in a sandbox that may make so many calls; returns it, and the users whose events are its task."""
        self.checks += 1
        user = f"user-{self.checks}"
        self.running.faults.clear()
        read_script(self.trouble.faults).begin(self.running.faults)
        self.forget_lease()
        users = self.store_batches() if self.trouble.drains else (user,)
        sandbox = self.check(user, calls)
        if self.trouble.drains:
            self.drain()
        return sandbox, users

    def check(self, user: str, calls: int | None) -> Sandbox:
        """Check for a user."""
        self.host.limits = replace(self.host.limits, calls=calls)
        body = json.dumps({"user": {"userID": user}, "gateName": "test_fastly"}).encode()
        reply = self.running.ask("POST", "/v1/check_gate", body, KEY)
        if reply.status != 200:
            raise AssertionError(f"the check was answered {reply.status}")
        self.running.settle()
        return self.running.ended[-1]

    def forget_lease(self) -> None:
        """Let the next sandbox find that nobody drains, and that nobody has counted what is stored."""
        self.running.kv_stores[STORE].delete(LEASE_KEY)

    def store_batches(self) -> tuple[str, ...]:
        """Store two batches, as sandboxes do that found Statsig out of order; returns their users."""
        store = self.running.kv_stores[STORE]
        users = tuple(f"stored-{self.checks}-{number}" for number in range(2))
        for user in users:
            event = json.dumps({"eventName": "e", "user": {"userID": user}}).encode()
            batch = Batch(user, event, 1, int(time.time() * 1000))
            envelope = encode_envelope(batch)
            store.insert(name_batch(batch, len(envelope)), envelope)
        return users

    def drain(self) -> None:
        """Let later sandboxes send what is stored."""
        while json.loads(self.running.kv_stores[STORE].list_keys(None, PREFIX, 1))["data"]:
            self.forget_lease()
            self.check("later", None)

    def recover(self) -> Counter[str]:
        """End the trouble, let later sandboxes drain, and count how often the event of each user has arrived."""
        self.running.faults.clear()
        self.settings["drain_share"] = "1"
        self.drain()
        received = self.running.backends["events"].received
        return Counter(event["user"]["userID"] for got in received for event in read_events(got.content))


def read_events(content: bytes) -> list[dict[str, Any]]:
    """Read the events of a request."""
    events: list[dict[str, Any]] = json.loads(content)["events"]
    return events


@contextlib.contextmanager
def running_world(trouble: Trouble) -> Iterator[World]:
    """Run the component among a trouble; each request gets a sandbox of its own."""
    with contextlib.chdir(ROOT):
        service = read_manifest(ROOT / "fastly.toml")
    settings = dict(service.config_stores["gatelet"])
    settings |= {
        "drain_share": "1" if trouble.drains else "0",
        "events_gzip_bytes": "10000000",
        **dict(trouble.settings),
    }
    service = prepare_backends(replace(service, config_stores={"gatelet": settings}))
    with Host(COMPONENT, service, limits=Limits(requests=1)) as host:
        yield World(Running(host), settings, trouble)


def measure(trouble: Trouble) -> list[Row]:
    """Kill sandboxes at every call behind the reply, and return what that meant."""
    with running_world(trouble) as world:
        whole, _ = world.run(None)
        calls = [mark.function for mark in whole.trace]
        kills = [kill(world, number) for number in range(calls.index(REPLY) + 1, len(calls))]
        arrived = world.recover()
    return list(make_rows(trouble, kills, arrived))


def kill(world: World, number: int) -> Kill:
    """End a sandbox instead of its call of this number."""
    sandbox, users = world.run(number)
    if not isinstance(sandbox.failure, OutOfCalls):
        raise RuntimeError(f"the sandbox was not killed at call {number}: {sandbox.failure}")  # noqa: TRY004  # no type is at fault
    made = [mark.function for mark in sandbox.trace]
    times = made[made.index(REPLY) :].count(str(sandbox.failure)) + 1
    return Kill(
        name_call(str(sandbox.failure), times), users, any("collected=1" in line for line in sandbox.list_output())
    )


def name_call(function: str, times: int) -> str:
    """Name a call as the table does, with its number when it is not the first of its name behind the reply."""
    name = function.removeprefix("fastly:compute/").replace("[method]", "").replace("[static]", "")
    return name if times == 1 else f"{name} ({times})"


def make_rows(trouble: Trouble, kills: Sequence[Kill], arrived: Counter[str]) -> Iterator[Row]:
    """Put neighbours together at which a kill means the same."""

    def find_meaning(one: Kill) -> tuple[int, tuple[int, ...], bool]:
        times = [arrived[user] for user in one.users]
        return times.count(0), tuple(sorted(set(times))), one.is_told

    for (lost, times, is_told), group in groupby(kills, find_meaning):
        neighbours = list(group)
        last = END if neighbours[-1] is kills[-1] else neighbours[-1].call
        yield Row(trouble.name, neighbours[0].call, last, lost, times, is_told)


def write_table() -> str:
    """Kill at every call among every trouble, and return the table of what that meant."""
    with contextlib.redirect_stderr(io.StringIO()):
        rows = [row for trouble in TROUBLES for row in measure(trouble)]
    return "\n".join([HEADER, *(row.write() for row in rows)])


if __name__ == "__main__":
    print(write_table())
    os._exit(0)
