import json

from edge.events.client_events import ClientEvents, Fate
from edge.ports import DELIVERED
from edge.sandbox import Sandbox
from tests.edge.builders import ask, json_of, platform, request

PERSON = {"userID": "u-1", "email": "person@example.com", "privateAttributes": {"salary": 1}}


def check(sandbox: Sandbox, **body: object) -> None:
    assert ask(sandbox, request("/v1/check_gate", {"user": PERSON, **body})).status == 200


def test_one_batch_per_request_holds_an_event_per_gate() -> None:
    outside = platform()
    check(Sandbox(outside), gateNames=["open", "shut", "open", "nope"])
    (batch,) = outside.batches
    body = json.loads(batch.body)
    shown = [(event["metadata"]["gate"], event["metadata"]["gateValue"]) for event in body["events"]]
    assert shown == [("open", "true"), ("shut", "false"), ("nope", "false")]
    assert body["statsigMetadata"] == {"sdkType": "gatelet", "sdkVersion": "0.1.0", "sessionID": "memory"}


def test_event_has_the_shape_of_log_event() -> None:
    outside = platform()
    check(Sandbox(outside), gateName="open")
    (event,) = json.loads(outside.batches[0].body)["events"]
    assert event["eventName"] == "statsig::gate_exposure"
    assert event["metadata"] == {
        "gate": "open",
        "gateValue": "true",
        "ruleID": "pass_all",
        "reason": "Adapter(FastlyKV):Recognized",
        "lcut": "1600000000000",
        "receivedAt": "1700000000000",
        "configVersion": "3",
    }
    assert event["user"] == {"userID": "u-1", "email": "person@example.com"}
    assert event["time"] == 1_700_000_000_000


def test_batch_carries_statsigs_headers_and_our_own_key() -> None:
    outside = platform()
    outside.secrets["statsig_key"] = b"secret-statsig\n"
    check(Sandbox(outside), gateName="open")
    headers = dict(outside.batches[0].headers)
    assert headers["statsig-api-key"] == b"secret-statsig"
    assert (headers["statsig-event-count"], headers["statsig-retry-count"]) == (b"1", b"0")
    assert outside.batches[0].url == "https://events.statsigapi.net/v1/log_event"


def test_environment_setting_stands_in_for_users_without_one() -> None:
    outside = platform(environment="staging")
    check(Sandbox(outside), gateName="open")
    (event,) = json.loads(outside.batches[0].body)["events"]
    assert event["user"]["statsigEnvironment"] == {"tier": "staging"}


def test_nothing_is_sent_when_the_client_disables_exposures() -> None:
    outside = platform()
    check(Sandbox(outside), gateName="open", statsigMetadata={"exposureLoggingDisabled": True})
    assert outside.batches == []


def test_nothing_is_sent_for_a_refused_request() -> None:
    outside = platform()
    ask(Sandbox(outside), request("/v1/check_gate", b"{"))
    assert outside.batches == []


def test_failed_delivery_is_counted_and_logged_without_the_user() -> None:
    outside = platform()
    outside.answer = "the backend answered 500"
    sandbox = Sandbox(outside)
    check(sandbox, gateName="open")
    sandbox.close()
    assert sandbox.outbox.counts()["failed"] == 1
    assert outside.lines == ["events: 1 lost: the backend answered 500"]


def test_missing_backend_is_counted_and_does_not_reach_the_reply() -> None:
    outside = platform(events_backend="nowhere")
    sandbox = Sandbox(outside)
    check(sandbox, gateName="open")
    assert sandbox.outbox.counts()["failed"] == 1
    assert outside.lines == ["events: 1 lost: there is no backend nowhere"]


def test_slow_backend_holds_up_no_request_and_is_waited_for_at_the_end() -> None:
    outside = platform()
    outside.answer_delay_ms = 2_000
    sandbox = Sandbox(outside)
    for _ in range(3):
        check(sandbox, gateName="open")
    assert outside.seconds == 0.0
    sandbox.close()
    assert outside.seconds == 5.0  # 2 s, 2 s, and 1 s: what is left of the bound does not do for the third
    assert sandbox.outbox.counts() == {"begun": 3, "delivered": 2, "failed": 0, "unanswered": 1, "waiting": 0}


def test_answered_deliveries_are_counted_at_the_next_request() -> None:
    outside = platform()
    sandbox = Sandbox(outside)
    check(sandbox, gateName="open")
    assert outside.answer == DELIVERED
    ask(sandbox, request("/nope"))
    counts = json_of(ask(sandbox, request("/healthz")))["sandbox"]
    assert counts == {
        "requests": 3,
        "events": {"begun": 1, "delivered": 1, "failed": 0, "unanswered": 0, "waiting": 0},
    }


def test_client_events_are_passed_on_as_they_came() -> None:
    outside = platform()
    events = ClientEvents(b"not opened", 7, "zstd", (("statsig-sdk-type", b"node"),))
    handover = Sandbox(outside).hand_over(events)
    assert handover.fate is Fate.DELIVERED
    (batch,) = outside.batches
    headers = dict(batch.headers)
    assert batch.body == b"not opened"
    assert headers["content-encoding"] == b"zstd"
    assert headers["statsig-sdk-type"] == b"node"


def test_client_events_that_nobody_takes_are_not_safe() -> None:
    outside = platform()
    outside.answer = "the backend answered 500"
    handover = Sandbox(outside).hand_over(ClientEvents(b"{}", 1))
    assert (handover.fate, handover.is_safe) == (Fate.REFUSED, False)
    assert handover.reason == "the backend answered 500"
