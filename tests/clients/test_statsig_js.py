"""`@statsig/js-client`, unmodified, pointed at the service."""

import gzip
import json
import time
from typing import Any

import pytest

from tests.clients.conftest import CONFORMANCE, RunClient
from tests.component.serving import SERVER, Running

USERS = 100
KEY = "client-local"


def read_vectors() -> tuple[list[Any], dict[int, dict[str, dict[str, Any]]]]:
    """Users who bring a stable ID, as the client would otherwise make one up, and what each entity is for them."""
    users: dict[int, Any] = {}
    expected: dict[int, dict[str, dict[str, Any]]] = {}
    with gzip.open(CONFORMANCE / "vectors" / "eval_proj.jsonl.gz", "rt", encoding="utf-8") as lines:
        values: dict[str, Any] = {}
        for line in map(json.loads, lines):
            if line["kind"] == "value":
                values[line["id"]] = line["value"]
            elif line["kind"] == "user":
                users[line["uid"]] = line["user"]
            else:
                value = line["expected"]["value"]
                known = {**line["expected"], "value": values[value["$value"]] if is_reference(value) else value}
                expected.setdefault(line["uid"], {})[f"{line['kind']}/{line['name']}"] = known
    fit = [uid for uid in users if is_whole(users[uid]) and len(expected.get(uid, ())) > 100][:USERS]
    return [users[uid] for uid in fit], {number: expected[uid] for number, uid in enumerate(fit)}


def is_reference(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"$value"}


def is_whole(user: dict[str, Any]) -> bool:
    """Whether the browser client sends the user as it is: IDs are texts, a stable ID is there."""
    ids = user.get("customIDs")
    return isinstance(user.get("userID"), str) and isinstance(ids, dict) and isinstance(ids.get("stableID"), str)


def find_user_id(event: dict[str, Any]) -> object:
    """The user's ID, where an event has a user that is an object."""
    user = event.get("user")
    return user.get("userID") if isinstance(user, dict) else None


def is_answered(want: dict[str, Any]) -> bool:
    """Whether the core has an answer of its own, also one from an ID list."""
    return want["reason"] in {"Recognized", "Recognized:IdListInMemory"}


def test_every_value_equals_the_vectors(vectors: Running, run_client: RunClient) -> None:
    users, expected = read_vectors()
    names: dict[str, set[str]] = {kind: set() for kind in ("gate", "config", "experiment", "layer")}
    parameters: dict[str, set[str]] = {}
    for answers in expected.values():
        for key, want in answers.items():
            kind, _, name = key.partition("/")
            # Segments, holdouts, and what the core does not answer stand in no client response.
            if want.get("init", True) is not None and is_answered(want):
                names[kind].add(name)
            if kind == "layer" and isinstance(want["value"], dict):
                parameters.setdefault(name, set()).update(want["value"])
    job = {
        "url": vectors.url,
        "key": KEY,
        "users": users,
        "gates": sorted(names["gate"]),
        "configs": sorted(names["config"]),
        "experiments": sorted(names["experiment"]),
        "layers": {name: sorted(parameters.get(name, ())) for name in sorted(names["layer"])},
    }
    asked, differing = 0, []
    for number, found in enumerate(run_client("statsig_values.cjs", job)):
        assert found["success"] is True, number
        for key, want in expected[number].items():
            kind, _, name = key.partition("/")
            if name not in found[f"{kind}s"] or not is_answered(want):
                continue
            value = found[f"{kind}s"][name]
            if kind == "layer":
                value = {parameter: one for parameter, one in value.items() if parameter in (want["value"] or {})}
            asked += 1
            if value != (want["value"] if want["value"] is not None else {}):
                differing.append((number, key, value, want["value"]))
    print(f"@statsig/js-client: {asked - len(differing)} of {asked} values of {len(users)} users equal the vectors")
    assert len(users) == USERS
    assert asked > USERS * 100
    assert differing == []


@pytest.fixture(scope="module")
def session(example: Running, run_client: RunClient) -> Any:
    """One visit; see the script."""
    job = {
        "url": example.url,
        "key": KEY,
        "user": {"userID": "js-visitor", "custom": {"café": "crème"}, "privateAttributes": {"salary": 1}},
        "gate": "test_fastly",
        "experiment": "button_color",
        "layer": "storefront",
        "parameter": "color",
    }
    return run_client("statsig_session.cjs", job)


def test_first_request_is_encoded_and_carries_the_key_in_the_query(session: Any) -> None:
    first = session["requests"][0]
    assert "/v1/initialize?k=client-local" in first["url"]
    assert "se=1" in first["url"]
    assert first["status"] == 200
    assert "statsig-api-key" not in {name.lower() for name in first["headers"]}


def test_second_initialize_hears_that_nothing_changed(session: Any) -> None:
    replies = [one for one in session["requests"] if "/v1/initialize" in one["url"]]
    assert json.loads(replies[1]["reply"]) == {"has_updates": False}
    assert session["second"] == {"success": True, "source": "NetworkNotModified:Recognized"}


@pytest.mark.parametrize("way", ["plain", "gzip", "beacon"])
def test_events_and_exposures_arrive_whole(example: Running, session: Any, way: str) -> None:
    assert session["beacons"]
    assert set(session["beacons"]) == {202}
    deadline = time.monotonic() + 10
    bought: list[dict[str, Any]] = []
    while not bought and time.monotonic() < deadline:
        events = example.wait_for_events(1)
        bought = [event for event in events if event.get("eventName") == f"bought_{way}"]
        time.sleep(0.1)
    (event,) = bought
    assert (event["value"], event["metadata"]["way"]) == (42, way)
    assert event["user"]["userID"] == "js-visitor"
    assert event["user"]["custom"] == {"café": "crème"}
    assert "privateAttributes" not in event["user"]


def test_exposures_name_the_rule_that_the_service_gave(example: Running, session: Any) -> None:
    assert session
    events = example.wait_for_events(1)  # other tests send what is hardly an event
    names = {event["eventName"] for event in events if find_user_id(event) == "js-visitor"}
    assert {"statsig::gate_exposure", "statsig::config_exposure", "statsig::layer_exposure"} <= names


def test_every_request_for_events_is_taken(session: Any) -> None:
    sent = [one for one in session["requests"] if "/v1/rgstr" in one["url"]]
    assert {one["status"] for one in sent} == {202}
    assert any("gz=1" in one["url"] for one in sent)


def test_reply_boots_a_client_offline_without_a_warning(example: Running, run_client: RunClient) -> None:
    user = {"userID": "rendered", "email": "a@gatelet.example", "customIDs": {"stableID": "device-1"}}
    with example.client() as client:
        reply = client.post("/v1/initialize", json={"user": user}, headers=SERVER)
        gate = client.post("/v1/check_gate", json={"user": user, "gateName": "staff"}, headers=SERVER).json()
    job = {"key": KEY, "user": user, "reply": reply.text, "gate": "staff"}
    found = run_client("statsig_offline.cjs", job)
    assert found == {"value": True, "reason": "Bootstrap:Recognized", "warnings": [], "requests": 0}
    assert gate["value"] is True
