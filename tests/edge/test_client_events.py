"""Events that callers hand over: delivered before the reply, unopened."""

import gzip
import json

import pytest

from edge.events.answers import Answer
from edge.sandbox import Sandbox
from tests.edge.builders import CLIENT, SERVER, ask, json_of, platform, request

EVENTS = {"events": [{"eventName": "buy", "user": {"userID": "u"}, "value": 1}], "statsigMetadata": {"sdkType": "js"}}
PLAIN = json.dumps(EVENTS).encode()


def test_events_of_a_client_arrive_as_they_were_sent() -> None:
    outside = platform()
    asked = request(
        f"/v1/rgstr?k={CLIENT}&ec=1", PLAIN, key="", headers={"statsig-sdk-type": "js", "content-type": "text/plain"}
    )
    reply = ask(Sandbox(outside), asked)
    assert (reply.status, json_of(reply)) == (202, {"success": True})
    (batch,) = outside.batches
    headers = dict(batch.headers)
    assert batch.body == PLAIN
    assert (headers["statsig-api-key"], headers["statsig-event-count"]) == (SERVER.encode(), b"1")
    assert headers["statsig-sdk-type"] == b"js"
    assert "content-encoding" not in headers


@pytest.mark.parametrize("query", ["&gz=1", ""])
def test_gzip_is_told_by_its_first_bytes(query: str) -> None:
    outside = platform()
    body = gzip.compress(PLAIN)
    assert ask(Sandbox(outside), request(f"/v1/rgstr?k={CLIENT}{query}", body, key="")).status == 202
    assert outside.batches[0].body == body
    assert dict(outside.batches[0].headers)["content-encoding"] == b"gzip"


def test_any_encoding_of_a_server_sdk_is_passed_on_unopened() -> None:
    outside = platform()
    body = b"\x28\xb5\x2f\xfd not really zstd"
    asked = request("/v1/log_event", body, headers={"content-encoding": "zstd", "statsig-event-count": "7"})
    assert ask(Sandbox(outside), asked).status == 202
    (batch,) = outside.batches
    assert (batch.body, dict(batch.headers)["content-encoding"]) == (body, b"zstd")
    assert dict(batch.headers)["statsig-event-count"] == b"7"


def test_events_that_nobody_takes_are_503_so_that_the_client_repeats_them() -> None:
    outside = platform(spool_store="nowhere")
    outside.answer = lambda _batch: Answer(500)
    reply = ask(Sandbox(outside), request("/v1/log_event", PLAIN))
    assert (reply.status, json_of(reply)["success"]) == (503, False)


def test_empty_body_is_400() -> None:
    assert ask(Sandbox(platform()), request("/v1/log_event", b" ")).status == 400


def test_events_route_answers_under_the_paths_of_the_setting() -> None:
    sandbox = Sandbox(platform(events_paths="/v1/telemetry /t"))
    statuses = [ask(sandbox, request(f"{path}?k={CLIENT}", PLAIN, key="")).status for path in ("/t", "/v1/telemetry")]
    assert statuses == [202, 202]
    assert ask(sandbox, request("/u", PLAIN)).status == 404


def test_custom_exposures_become_events() -> None:
    outside = platform()
    user = {"userID": "u", "privateAttributes": {"a": 1}}
    exposures = [
        {"user": user, "experimentName": "e", "group": "control"},
        {"user": user, "gateName": "g", "passes": True, "ruleID": "r"},
    ]
    reply = ask(Sandbox(outside), request("/v1/log_custom_exposure", {"exposures": exposures}))
    assert (reply.status, json_of(reply)) == (202, {"success": True})
    first, second = json.loads(outside.batches[0].body)["events"]
    assert first["eventName"] == "statsig::config_exposure"
    assert first["metadata"] == {"config": "e", "ruleID": "control", "isManualExposure": "true"}
    assert first["user"] == {"userID": "u"}
    assert second["metadata"] == {"gate": "g", "gateValue": "true", "ruleID": "r", "isManualExposure": "true"}


@pytest.mark.parametrize(
    ("exposures", "named"),
    [
        (None, "list"),
        ([], "list"),
        ([1], "exposures[0] must be an object"),
        ([{"user": {}}], "either experimentName or gateName"),
        ([{"user": {}, "gateName": "g"}], "exposures[0].passes"),
        ([{"user": 1, "gateName": "g", "passes": True}], "exposures[0].user"),
        ([{"user": {}, "experimentName": "e"}], "exposures[0].group"),
        ([{"user": {}, "gateName": "g", "passes": True, "secondaryExposures": "x"}], "exposures[0].secondaryExposures"),
        ([{"user": {}, "gateName": "g", "passes": True, "secondaryExposures": [1]}], "exposures[0].secondaryExposures"),
    ],
)
def test_bad_exposure_is_400_and_says_where(exposures: object, named: str) -> None:
    reply = ask(Sandbox(platform()), request("/v1/log_custom_exposure", {"exposures": exposures}))
    assert reply.status == 400
    assert named in str(json_of(reply)["message"])


def test_reports_of_a_client_about_itself_are_taken() -> None:
    assert ask(Sandbox(platform()), request("/v1/sdk_exception", b"whatever", key="")).status == 202
