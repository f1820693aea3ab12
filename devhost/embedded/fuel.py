"""Count the instructions that requests cost.

Fuel is about one per wasm instruction, and host code costs none, so in a world that never differs (`fixed_world`, and
backends that answer at once) the figures of one component are the same in every run, process and machine: a check that
noise cannot spoil. A component that is built again has another hash seed in its snapshot; measured, its figures differ
by at most 0.5 % before a reply, and by 1 % in the smallest phases.

A sandbox gets the same request twice. The four phases of it: the first request (`fresh`) until its reply, what follows
that until the next request is taken, the second (`warm`) until its reply, and the rest until the sandbox ends.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from devhost.embedded.sandbox import Host, Sandbox
from devhost.embedded.wasi import fixed_world
from devhost.fastly.hosting import Limits
from devhost.fastly.http import Exchange
from devhost.fastly.messages import Body, Header, Request
from devhost.fastly.service import Service, prepare_backends

ALLOWED_CHANGE = 0.03
REPLY = "fastly:compute/http-resp#send-downstream"
NEXT_REQUEST = "fastly:compute/http-downstream#await-request"
PHASES = ("fresh.before_reply", "fresh.after_reply", "warm.before_reply", "warm.after_reply")
ANSWER_SECONDS = 120.0
ORIGIN = "http://gatelet.test"


class CannotCount(Exception):
    """A scenario did not go as it has to; its figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A request whose cost is counted."""

    name: str
    method: str
    target: str
    body: object = None
    headers: tuple[Header, ...] = ()
    status: int = 200
    expected: bytes = b""  # what the answer holds when it is the one whose cost is meant

    def exchange(self) -> Exchange:
        """Return it as a sandbox gets it."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers = (("host", b"gatelet.test"), *self.headers)
        return Exchange(Request(self.method, ORIGIN + self.target, headers, ("127.0.0.1", 1)), Body(content))


def count_scenarios(component: Path, service: Service, scenarios: Iterable[Scenario]) -> dict[str, int]:
    """Return the fuel of every phase of some scenarios; raises `CannotCount`."""
    with Host(
        component, prepare_backends(service), limits=Limits(requests=2), count_fuel=True, make_world=fixed_world
    ) as host:
        figures: dict[str, int] = {}
        for scenario in scenarios:
            figures |= count_scenario(host, scenario)
    return figures


def count_alone(component: Path, service: Service, scenarios: Iterable[Scenario]) -> list[int]:
    """Return the fuel of sandboxes that each take one of these requests and end; raises `CannotCount`."""
    with Host(
        component, prepare_backends(service), limits=Limits(requests=1), count_fuel=True, make_world=fixed_world
    ) as host:
        return [count_sandbox(host, scenario) for scenario in scenarios]


def count_sandbox(host: Host, scenario: Scenario) -> int:
    """Return the fuel of a sandbox from its start to its end, with one request between."""
    exchange = scenario.exchange()
    sandbox = host.start(exchange)
    check_answer(scenario, exchange)
    host.join(sandbox)
    return sandbox.fuel


def count_scenario(host: Host, scenario: Scenario) -> dict[str, int]:
    """Send the request twice to one sandbox, and return what each phase cost."""
    first, second = scenario.exchange(), scenario.exchange()
    sandbox = host.start(first, then=second)
    for exchange in (first, second):
        check_answer(scenario, exchange)
    host.join(sandbox)
    phases = split_phases(sandbox)
    return {f"{scenario.name}.{phase}": fuel for phase, fuel in zip(PHASES, phases, strict=True)}


def check_answer(scenario: Scenario, exchange: Exchange) -> None:
    """Wait for the answer; raises `CannotCount` when it is not the one whose cost is meant."""
    response, body = exchange.wait(ANSWER_SECONDS)
    answer = b"".join(body.pieces())
    if response.status != scenario.status or scenario.expected not in answer:
        raise CannotCount(f"{scenario.name}: the component answered {response.status}: {answer[:500]!r}")


def split_phases(sandbox: Sandbox) -> Iterator[int]:
    """Yield the fuel of each phase: they end at the replies and at the first wait for a request after one."""
    replies = [place for place, mark in enumerate(sandbox.trace) if mark.function == REPLY]
    if len(replies) != 2:
        raise CannotCount(f"a sandbox was to reply twice and replied {len(replies)} times: {sandbox.failure}")
    first, second = replies
    taken = next(mark.fuel for mark in sandbox.trace[first:second] if mark.function == NEXT_REQUEST)
    ends = (0, sandbox.trace[first].fuel, taken, sandbox.trace[second].fuel, sandbox.fuel)
    yield from (end - start for start, end in pairwise(ends))


def compare(figures: Mapping[str, int], accepted: Mapping[str, int]) -> list[str]:
    """List what costs more than was accepted, by more than is allowed."""
    return [
        describe_change(name, accepted[name], fuel)
        for name, fuel in figures.items()
        if fuel > accepted.get(name, fuel) * (1 + ALLOWED_CHANGE)
    ]


def find_savings(figures: Mapping[str, int], accepted: Mapping[str, int]) -> list[str]:
    """List what costs less than was accepted, by as much."""
    return [
        describe_change(name, accepted[name], fuel)
        for name, fuel in figures.items()
        if fuel < accepted.get(name, fuel) * (1 - ALLOWED_CHANGE)
    ]


def describe_change(name: str, before: int, now: int) -> str:
    """Say how a figure changed."""
    return f"{name}: {before:,} -> {now:,} ({now / before - 1:+.1%})"
