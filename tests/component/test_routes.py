"""The routes beyond single checks, over HTTP: one question to each audience's."""

import base64
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.component.serving import CLIENT, SERVER, Running

USER = {"userID": "a-user"}


@pytest.fixture(scope="module")
def client(example: Running) -> Iterator[httpx.Client]:
    with example.client() as made:
        yield made


def test_client_response_to_an_encoded_body(client: httpx.Client) -> None:
    user = {"userID": "é"}
    body = base64.b64encode(json.dumps({"user": user, "hash": "none"}, ensure_ascii=False).encode("latin-1"))[::-1]
    reply = client.post("/v1/initialize?k=client-local&se=1", content=body).json()
    assert reply["user"] == user
    assert {"test_fastly", "staff", "new_checkout"} == reply["feature_gates"].keys()
    held = {"user": user, "hash": "none", "sinceTime": reply["time"], "full_checksum": reply["full_checksum"]}
    assert client.post("/v1/initialize?k=client-local", json=held).json() == {"has_updates": False}


def test_browser_on_loopback_is_answered_like_a_user_from_nowhere(client: httpx.Client) -> None:
    headers = {**CLIENT, "user-agent": "Mozilla/5.0 (Linux; Android 14) Chrome/130.0"}
    reply = client.post("/v1/get_config", json={"user": USER, "configName": "delivery"}, headers=headers).json()
    assert reply["rule_id"] == "phones"


def test_layer_and_its_parameter_agree(client: httpx.Client) -> None:
    layer = client.post("/v1/get_layer", json={"user": USER, "layerName": "storefront"}, headers=CLIENT).json()
    context = {"context": {"targetingKey": "a-user"}}
    path = "/ofrep/v1/evaluate/flags"
    flag = client.post(f"{path}/storefront.color", json=context, headers={"x-api-key": "client-local"}).json()
    assert flag["value"] == layer["value"]["color"]
    bulk = client.post(path, json=context, headers={"authorization": "Bearer client-local"})
    again = client.post(path, json=context, headers={**CLIENT, "if-none-match": bulk.headers["etag"]})
    assert (bulk.status_code, again.status_code, again.content) == (200, 304, b"")


def test_server_sdk_gets_the_spec_in_both_shapes(client: httpx.Client) -> None:
    shapes = [client.get(f"/{one}/download_config_specs/secret-local.json").json() for one in ("v1", "v2")]
    assert [type(shape["feature_gates"]) for shape in shapes] == [list, dict]
    since = f"?sinceTime={shapes[0]['time']}"
    assert client.get(f"/v2/download_config_specs{since}", headers=SERVER).json() == {"has_updates": False}
    assert client.get("/v1/download_config_specs/client-local.json").status_code == 403


def test_explanation_shows_the_rule(client: httpx.Client) -> None:
    reply = client.post("/v1/explain", json={"user": USER, "name": "test_fastly"}, headers=SERVER).json()
    assert [rule["id"] for rule in reply["rules"]] == ["half_of_all_users"]


def test_events_of_a_client_reach_the_sink_before_the_reply(example: Running, client: httpx.Client) -> None:
    before = example.sink.received.events
    events = {"events": [{"eventName": "bought", "user": USER}]}
    reply = client.post("/v1/rgstr?k=client-local&ec=1", json=events)
    assert (reply.status_code, reply.json()) == (202, {"success": True})
    assert example.sink.received.events > before


def test_document_of_all_routes_is_served(client: httpx.Client) -> None:
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
