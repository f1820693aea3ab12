"""An entity that a client key may not see costs nearly what one costs that is not there, so its time tells nothing."""

import json
from dataclasses import replace

import pytest

from benchmarks.fuel import SECRETS, make_service
from devhost.embedded.fuel import REPLY, Scenario
from devhost.embedded.plugin import COMPONENT
from devhost.embedded.sandbox import Host
from devhost.embedded.wasi import fixed_world
from devhost.fastly.hosting import Limits
from devhost.fastly.service import prepare_backends
from devhost.local_store import PAGED
from tests.edge.project import project

APP, LISTED = "client-a", "client-listed"  # held to an app, to a list of entities
MOST_MORE = 0.15  # of what the unknown name costs
OFREP = "/ofrep/v1/evaluate/flags/"

# key, route, field, hidden name, unknown name
QUESTIONS = [
    (APP, "/v1/check_gate", "gateName", "gate_b", "gate_x"),
    (APP, "/v1/get_config", "configName", "config_b", "config_x"),
    (APP, "/v1/get_layer", "layerName", "layer_b", "layer_x"),
    (APP, OFREP, "", "gate_b", "gate_x"),
    (APP, OFREP, "", "layer_b", "layer_x"),
    (LISTED, "/v1/check_gate", "gateName", "gate_b", "gate_x"),
    (LISTED, "/v1/get_config", "configName", "config_b", "config_x"),
    (LISTED, OFREP, "", "gate_b", "gate_x"),
]


def ask(host: Host, key: str, route: str, field: str, name: str) -> tuple[int, list[str], bytes]:
    """The fuel until the reply, the calls until then, and the reply without the name."""
    body = {"user": {"userID": "u"}, field: name} if field else {"context": {"targetingKey": "u"}}
    headers = (("statsig-api-key", key.encode()),)
    exchange = Scenario("refusal", "POST", route if field else route + name, body, headers).exchange()
    sandbox = host.start(exchange)
    _, content = exchange.wait(60.0)
    answer = b"".join(content.pieces()).replace(name.encode(), b"NAME")
    host.join(sandbox)
    calls = [mark.function for mark in sandbox.trace]
    replied = calls.index(REPLY)
    return sandbox.trace[replied].fuel, calls[:replied], answer


@pytest.mark.parametrize(("key", "route", "field", "hidden", "unknown"), QUESTIONS)
def test_hidden_entity_is_answered_like_an_unknown_one_by_the_same_calls(
    key: str, route: str, field: str, hidden: str, unknown: str
) -> None:
    service = make_service(json.dumps(project()).encode(), PAGED)
    secrets = {"gatelet": {**SECRETS, "client_key": f"{APP} {LISTED}".encode()}}
    service = prepare_backends(replace(service, secret_stores=secrets))
    with Host(COMPONENT, service, limits=Limits(requests=1), count_fuel=True, make_world=fixed_world) as host:
        known_fuel, known_calls, known_answer = ask(host, key, route, field, hidden)
        fuel, calls, answer = ask(host, key, route, field, unknown)
    assert (known_answer, known_calls) == (answer, calls)
    assert abs(known_fuel - fuel) < fuel * MOST_MORE
