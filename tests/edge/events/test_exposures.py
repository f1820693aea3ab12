import json

from edge.events.answers import Answer
from edge.events.client_events import ClientEvents, Fate
from edge.sandbox import Sandbox
from tests.edge.builders import KEY, STORE, TIME, ask, document, gate, json_of, platform, request

RULE = {
    "name": "pass_all",
    "id": "pass_all",
    "salt": "pass_all",
    "passPercentage": 100.0,
    "conditions": ["everyone"],
    "returnValue": True,
    "idType": "userID",
}
PERSON = {"userID": "u-1", "email": "person@example.com", "privateAttributes": {"salary": 1}}


def check(sandbox: Sandbox, **body: object) -> None:
    assert ask(sandbox, request("/v1/check_gate", {"user": PERSON, **body})).status == 200


def check_and_close(sandbox: Sandbox, **body: object) -> None:
    check(sandbox, **body)
    sandbox.close()


def test_one_batch_per_request_holds_an_event_per_gate() -> None:
    outside = platform()
    check_and_close(Sandbox(outside), gateNames=["open", "shut", "open", "nope"])
    (batch,) = outside.batches
    body = json.loads(batch.body)
    shown = [(event["metadata"]["gate"], event["metadata"]["gateValue"]) for event in body["events"]]
    assert shown == [("open", "true"), ("shut", "false"), ("nope", "false")]
    assert body["statsigMetadata"] == {"sdkType": "gatelet", "sdkVersion": "0.1.0", "sessionID": "memory"}


def test_event_has_the_shape_of_log_event() -> None:
    outside = platform()
    check_and_close(Sandbox(outside), gateName="open")
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
    check_and_close(Sandbox(outside), gateName="open")
    headers = dict(outside.batches[0].headers)
    assert headers["statsig-api-key"] == b"secret-statsig"
    assert (headers["statsig-event-count"], headers["statsig-retry-count"]) == (b"1", b"0")
    assert outside.batches[0].url == "https://events.statsigapi.net/v1/log_event"


def test_experiment_whose_group_a_gate_asks_for_is_exposed_too() -> None:
    grouped = gate(rules=[{**RULE, "conditions": ["in_control"]}])
    spec = document(grouped=grouped)
    spec["dynamic_configs"] = {"e": {**gate(), "type": "dynamic_config", "entity": "experiment", "defaultValue": {}}}
    in_control = {"type": "experiment_group", "operator": "none", "targetValue": ["Control"], "field": "e"}
    spec["condition_map"] = {"everyone": {"type": "public"}, "in_control": in_control}
    outside = platform(spec)
    check_and_close(Sandbox(outside), gateNames=["grouped", "nope"])
    events = json.loads(outside.batches[0].body)["events"]
    shown = [(event["metadata"].get("config") or event["metadata"]["gate"]) for event in events]
    assert shown == ["e", "grouped", "nope"]
    assert "rulePassed" not in events[0]["metadata"]
    assert events[0]["metadata"]["reason"] == "Adapter(FastlyKV):Recognized"


def test_environment_setting_stands_in_for_users_without_one() -> None:
    outside = platform(environment="staging")
    check_and_close(Sandbox(outside), gateName="open")
    (event,) = json.loads(outside.batches[0].body)["events"]
    assert event["user"]["statsigEnvironment"] == {"tier": "staging"}


def test_nothing_is_sent_when_the_client_disables_exposures() -> None:
    outside = platform()
    check_and_close(Sandbox(outside), gateName="open", statsigMetadata={"exposureLoggingDisabled": True})
    assert outside.batches == []


def test_nothing_is_sent_for_a_refused_request() -> None:
    outside = platform()
    ask(Sandbox(outside), request("/v1/check_gate", b"{"))
    assert outside.batches == []


def test_slow_backend_holds_up_no_request_and_is_waited_for_at_the_end() -> None:
    outside = platform()
    outside.answer_delay_ms = 2_000
    sandbox = Sandbox(outside)
    for number in range(3):
        check(sandbox, user={"userID": f"u-{number}"}, gateName="open")
    assert outside.seconds == 0.0
    sandbox.close()
    assert outside.seconds == 2.0
    assert sandbox.outbox.counts()["delivered"] == 3


def test_answered_deliveries_are_counted_at_the_next_request() -> None:
    outside = platform()
    sandbox = Sandbox(outside)
    check(sandbox, gateName="open")
    ask(sandbox, request("/nope"))
    json_of(ask(sandbox, request("/healthz")))
    counted = {name: number for name, number in sandbox.outbox.counts().items() if number}
    assert counted == {"collected": 1, "posts": 1, "delivered": 1}


def test_log_lines_add_up_to_the_counts() -> None:
    outside = platform()
    sandbox = Sandbox(outside)
    check(sandbox, gateName="open")
    check(sandbox, user={"userID": "another"}, gateNames=["open", "shut"])
    sandbox.close()
    summed: dict[str, int] = {}
    for line in outside.lines:
        for part in line.removeprefix("events: ").split():
            name, _, number = part.partition("=")
            summed[name] = summed.get(name, 0) + int(number)
    assert summed == {name: number for name, number in sandbox.outbox.counts().items() if number}


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
    outside.answer = lambda _batch: Answer(500)
    outside.store_fault = "out of order"
    handover = Sandbox(outside).hand_over(ClientEvents(b"{}", 1))
    assert (handover.fate, handover.is_safe) == (Fate.REFUSED, False)
    assert handover.reason == "the backend answered 500, and out of order"


def test_same_answer_to_the_same_user_is_exposed_once_within_the_window() -> None:
    outside = platform()
    sandbox = Sandbox(outside)
    for _ in range(3):
        check_and_close(sandbox, gateName="open")
    outside.time_ms += 60_001
    check_and_close(sandbox, gateName="open")
    assert len(outside.batches) == 2
    assert (sandbox.outbox.counts()["collected"], sandbox.outbox.counts()["deduplicated"]) == (2, 2)


def test_returning_user_is_exposed_to_what_is_new() -> None:
    outside = platform(document(TIME, old=gate()), sync_interval_ms="0")
    sandbox = Sandbox(outside)
    check_and_close(sandbox, gateName="old")
    rule = {**RULE, "id": "new_rule", "passPercentage": 0.0}
    outside.put(STORE, KEY, json.dumps(document(TIME + 1, old=gate(rules=[rule]), new=gate())).encode())
    check_and_close(sandbox, gateName="old")
    check_and_close(sandbox, gateName="new")
    check_and_close(sandbox, gateName="new", user={"userID": "another"})
    shown = [
        (event["metadata"]["gate"], event["metadata"]["ruleID"], event["user"]["userID"])
        for batch in outside.batches
        for event in json.loads(batch.body)["events"]
    ]
    assert shown == [
        ("old", "pass_all", "u-1"),
        ("old", "new_rule", "u-1"),
        ("new", "pass_all", "u-1"),
        ("new", "pass_all", "another"),
    ]


def test_sample_is_taken_when_the_spec_asks_for_one() -> None:
    sampled = {**RULE, "samplingRate": 1_000_000}
    spec = {**document(TIME, open=gate(rules=[sampled])), "sdk_configs": {"sampling_mode": "on"}}
    sandbox = Sandbox(platform(spec))
    for number in range(5):
        check_and_close(sandbox, gateName="open", user={"userID": f"u-{number}"})
    counted = sandbox.outbox.counts()
    assert counted["collected"] >= 1  # the first of its rule is never left out
    assert counted["collected"] + counted["sampled_out"] == 5
    assert counted["sampled_out"] >= 3


BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def test_bots_are_exposed_unless_the_setting_says_otherwise() -> None:
    for setting, exposed in (("true", 1), ("false", 0)):
        outside = platform(expose_bots=setting)
        sandbox = Sandbox(outside)
        check_and_close(sandbox, gateName="open", user={"userID": "crawling", "userAgent": BOT})
        assert len(outside.batches) == exposed
        assert sandbox.outbox.counts()["bots"] == 1 - exposed
