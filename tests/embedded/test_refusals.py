"""An entity that a client key may not see is answered like a name that nobody used, by the same calls and as fast.

Fuel is what an answer costs, free of noise: whatever tells the two apart shows in it, however quick the machine is.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from gzip import decompress as gunzip
from typing import NamedTuple

import pytest

from benchmarks.fuel import SECRETS, SPEC_KEY, make_service
from devhost.embedded.fuel import NEXT_REQUEST, REPLY, Scenario
from devhost.embedded.plugin import COMPONENT
from devhost.embedded.sandbox import Host
from devhost.embedded.wasi import fixed_world
from devhost.fastly.backends import BackendTarget, Prepared
from devhost.fastly.hosting import Limits
from devhost.fastly.service import prepare_backends
from devhost.local_store import PAGED, RAW
from edge.settings import TOGETHER
from tests.edge.project import project

APP, LISTED, BOTH = "client-a", "client-listed", "client-both"  # held to an app, to a list of entities, to both
SERVER = "secret-local"
GZIP = b"\x1f\x8b"
MOST_MORE = 0.01  # of what the unknown name costs
OFREP = "/ofrep/v1/evaluate/flags/"
# A value that hidden entities alone have, dear to decode; all of the spec still lies in one page.
LONG = {f"field {number}": [number, str(number)] for number in range(200)}

# route, the field of its body that names the entity, what the key may not see, and where it asks for an entity
QUESTIONS = [
    ("/v1/check_gate", "gateName", "gate_b", APP),
    ("/v1/check_gate", "gateName", "holdout", APP),
    ("/v1/check_gate", "gateName", "gate_b", LISTED),
    ("/v1/check_gate", "gateName", "gate_free", BOTH),
    ("/v1/get_config", "configName", "config_b", APP),
    ("/v1/get_config", "configName", "config_b", LISTED),
    ("/v1/get_config", "configName", "experiment_b", BOTH),
    ("/v1/get_config", "configName", "bandit_b", APP),
    ("/v1/get_layer", "layerName", "layer_b", APP),
    ("/v1/get_layer", "layerName", "layer_b", BOTH),
    ("/v1/get_ranked_list", "configName", "bandit_b", APP),
    ("/v1/get_ranked_list", "configName", "bandit_b", LISTED),
    ("/v1/log_custom_exposure", "gateName", "gate_b", APP),
    ("/v1/log_custom_exposure", "experimentName", "experiment_b", APP),
    (OFREP, "", "gate_b", APP),
    (OFREP, "", "layer_b", APP),
    (OFREP, "", "gate_b", LISTED),
    (OFREP, "", "config_b", BOTH),
    ("/gate", "", "gate_b", APP),
]


class Seen(NamedTuple):
    """What could tell two answers apart, without the name that was asked for."""

    status: int
    headers: list[tuple[str, bytes]]
    body: bytes
    calls: list[str]
    events: list[object]


class Asked(NamedTuple):
    """What was seen of one request, and the fuel that it took to reply."""

    seen: Seen
    fuel: int


class Service(NamedTuple):
    """The component, and where its events go."""

    host: Host
    events: Prepared


@pytest.fixture(scope="module", params=[RAW, PAGED])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    document = project()
    for section, name in (("feature_gates", "gate_b"), ("dynamic_configs", "config_b"), ("layer_configs", "layer_b")):
        document[section][name]["rules"][0]["returnValue"] = LONG  # type: ignore[index]
    around = make_service(json.dumps(document).encode(), request.param)
    secrets = {"gatelet": {**SECRETS, "client_key": f"{APP} {LISTED} {BOTH}".encode()}}
    events = Prepared()
    backends = {"events": BackendTarget("http://events.test", prepared=events)}
    together = {"spec_key": SPEC_KEY, "page_writing_limit_bytes": "0"}  # so that raw stays raw
    settings = {"gatelet": {TOGETHER: json.dumps(together)}}
    around = replace(around, config_stores=settings, secret_stores=secrets, backends=backends)
    around = prepare_backends(around)
    with Host(
        COMPONENT, around, limits=Limits(requests=2), count_fuel=True, make_world=lambda _: fixed_world(0)
    ) as host:
        yield Service(host, events)


def question(route: str, field: str, name: str, key: str) -> Scenario:
    """A question about one name."""
    user = {"userID": "u"}
    headers = (("statsig-api-key", key.encode()),)
    if route == "/gate":
        return Scenario("refusal", "GET", f"{route}?userID=u&name={name}", None, headers)
    if route == OFREP:
        return Scenario("refusal", "POST", route + name, {"context": {"targetingKey": "u"}}, headers)
    body: dict[str, object] = {"user": user, field: name}
    if route == "/v1/log_custom_exposure":
        body = {"exposures": [{**body, "passes": True} if field == "gateName" else {**body, "group": "g"}]}
    return Scenario("refusal", "POST", route, body, headers)


def ask(service: Service, name: str, *scenarios: Scenario) -> list[Asked]:
    """Ask one sandbox two questions, and return what was seen of them and of their events."""
    first, second = exchanges = [scenario.exchange() for scenario in scenarios]
    service.events.received.clear()
    sandbox = service.host.start(first, then=second)
    replies = [exchange.wait(60.0) for exchange in exchanges]
    service.host.join(sandbox)
    events = [event for got in service.events.received for event in read_events(got.content, name)]
    calls = [mark.function for mark in sandbox.trace]
    asked = []
    start = 0
    for response, content in replies:
        end = calls.index(REPLY, start)
        taken = calls.index(NEXT_REQUEST, start, end) if start else 0
        body = b"".join(content.pieces()).replace(name.encode(), b"NAME")
        seen = Seen(response.status, list(response.headers), body, calls[taken:end], events)
        asked.append(Asked(seen, sandbox.trace[end].fuel - sandbox.trace[taken].fuel * bool(start)))
        start = end + 1
    return asked


def read_events(content: bytes, name: str) -> list[object]:
    """The events of a batch, without the name that was asked for."""
    text = gunzip(content) if content[:2] == GZIP else content
    events: list[object] = json.loads(text.replace(name.encode(), b"NAME"))["events"]
    return events


def unused(name: str) -> str:
    """A name of the same length that the spec lacks."""
    return name[:-1] + "x"


@pytest.mark.parametrize(("route", "field", "hidden", "key"), QUESTIONS)
def test_hidden_entity_is_answered_like_an_unknown_one_in_the_same_time(
    service: Service, route: str, field: str, hidden: str, key: str
) -> None:
    found, unknown = (
        ask(service, name, *(question(route, field, name, key),) * 2) for name in (hidden, unused(hidden))
    )
    for one, other in zip(found, unknown, strict=True):
        assert one.seen == other.seen
        assert abs(one.fuel - other.fuel) < other.fuel * MOST_MORE, (one.fuel, other.fuel)


@pytest.mark.parametrize(("route", "field", "hidden", "key"), QUESTIONS)
def test_hidden_entity_tells_nothing_either_where_a_server_has_just_asked_for_it(
    service: Service, route: str, field: str, hidden: str, key: str
) -> None:
    server = question(route, field, hidden, SERVER)
    found, unknown = (
        ask(service, name, server, question(route, field, name, key))[1] for name in (hidden, unused(hidden))
    )
    assert found.seen._replace(events=[]) == unknown.seen._replace(events=[])
    assert abs(found.fuel - unknown.fuel) < unknown.fuel * MOST_MORE, (found.fuel, unknown.fuel)
