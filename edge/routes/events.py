"""Events that callers hand over: they are passed on to Statsig before their request is answered.

Bodies stay as they came, whatever their encoding: what they hold is between the client and Statsig. Only the key is
ours. A reply of 202 says that the events are delivered or kept; clients repeat what gets a 5xx and forget the rest.
"""

from collections.abc import Mapping
from typing import Final

from edge.callers.keys import Access, KeyPlace
from edge.calls import Call, Route
from edge.events.batch import wrap_events
from edge.events.client_events import ClientEvents, Fate, Handover
from edge.input.client_bodies import find_encoding
from edge.input.reading import parse_query, read_json_object, read_name, read_within
from edge.messages import Event, Header, Reply, Request, encode_json, json_reply, refuse_input
from edge.routes.schemas import (
    ANY,
    ERROR,
    MAYBE_LIST,
    MAYBE_TEXT,
    NAME,
    NOTHING,
    OBJECT,
    SUCCESS,
    SWITCH,
    TEXT,
    USER,
    a_list,
    an_object,
    one_of,
)
from evaluator.errors import InvalidUser
from evaluator.exposures import CONFIG_EXPOSURE, GATE_EXPOSURE
from evaluator.user import decode_user

MANY_EXPOSURES: Final = 1_000
PASSED_HEADERS: Final = (
    "statsig-sdk-type",
    "statsig-sdk-version",
    "statsig-server-session-id",
    "statsig-client-time",
    "statsig-retry-count",
    "statsig-event-count",
)
# What a client hears of its events: only what is safe may be forgotten, so all else but a wrong content says try again.
_ANSWERS: Final = {Fate.DELIVERED: 202, Fate.STORED: 202, Fate.WRONG: 400, Fate.TOO_LARGE: 413, Fate.REFUSED: 503}


def post_events(call: Call) -> Reply:
    """Pass events on to Statsig; 202 only when they are delivered or kept, so that a client repeats what is not."""
    request = call.request
    body = read_within(request, call.sandbox.settings.max_body_bytes)
    if not body.strip():
        raise refuse_input("the body is empty")
    encoding = find_encoding(body, request.find_header("content-encoding") or "")
    events = ClientEvents(body, count_events(request), encoding, passed_headers(request))
    return answer_handover(call.sandbox.hand_over(events, call.caller.key))


def answer_handover(done: Handover) -> Reply:
    """Tell a client what became of its events."""
    if done.is_safe:
        return json_reply(202, {"success": True})
    answer = {"success": False, "error": "events_not_taken", "message": done.reason}
    return json_reply(_ANSWERS[done.fate], answer)


def count_events(request: Request) -> int:
    """Return how many events a client says it sends; 0 when it does not say."""
    count = request.find_header("statsig-event-count") or parse_query(request.query).get("ec", "")
    return int(count) if count.isascii() and count.isdigit() and len(count) < 7 else 0


def passed_headers(request: Request) -> tuple[Header, ...]:
    """Return the headers of Statsig's own that go with events."""
    found = ((name, request.find_header(name)) for name in PASSED_HEADERS)
    return tuple((name, value.encode("latin-1")) for name, value in found if value)


def post_custom_exposures(call: Call) -> Reply:
    """Log exposures that the caller decided on, each of a gate or of an experiment."""
    body = read_json_object(call.request, call.sandbox.settings.max_body_bytes)
    exposures = body.get("exposures")
    if not isinstance(exposures, list) or not 1 <= len(exposures) <= MANY_EXPOSURES:
        raise refuse_input(f"exposures must be a list of 1 to {MANY_EXPOSURES} objects")
    now_ms = call.sandbox.platform.now_ms()
    events = [write_exposure(one, f"exposures[{index}]", now_ms) for index, one in enumerate(exposures)]
    batch = wrap_events(encode_json(events)[1:-1], call.sandbox.platform.session_id())
    return answer_handover(call.sandbox.hand_over(ClientEvents(batch, len(events)), call.caller.key))


def write_exposure(value: object, path: str, now_ms: int) -> Event:
    """Return the event of one custom exposure; raises a refusal."""
    if not isinstance(value, dict):
        raise refuse_input(f"{path} must be an object")
    if ("experimentName" in value) == ("gateName" in value):
        raise refuse_input(f"{path} must have either experimentName or gateName")
    try:
        user = decode_user(value.get("user"))
    except InvalidUser as problem:
        raise refuse_input(f"{path}.{problem}") from None
    is_gate = "gateName" in value
    secondary = value.get("secondaryExposures")
    if not isinstance(secondary, (list, type(None))) or not all(isinstance(one, dict) for one in secondary or ()):
        raise refuse_input(f"{path}.secondaryExposures must be a list of objects")
    return {
        "eventName": GATE_EXPOSURE if is_gate else CONFIG_EXPOSURE,
        "user": user.to_loggable(),
        "value": None,
        "metadata": {**(describe_gate if is_gate else describe_experiment)(value, path), "isManualExposure": "true"},
        "time": now_ms,
        "secondaryExposures": secondary or [],
    }


def describe_gate(value: Mapping[str, object], path: str) -> dict[str, object]:
    """Return what the event of a gate says; raises a refusal."""
    if not isinstance(value.get("passes"), bool):
        raise refuse_input(f"{path}.passes must be true or false")
    return {
        "gate": read_name(value["gateName"], f"{path}.gateName"),
        "gateValue": "true" if value["passes"] else "false",
        "ruleID": read_text(value.get("ruleID"), f"{path}.ruleID"),
    }


def describe_experiment(value: Mapping[str, object], path: str) -> dict[str, object]:
    """Return what the event of an experiment says; its group is a rule ID unless one is given. Raises a refusal."""
    group = read_name(value.get("group"), f"{path}.group")
    return {
        "config": read_name(value["experimentName"], f"{path}.experimentName"),
        "ruleID": read_text(value.get("ruleID"), f"{path}.ruleID") or group,
    }


def read_text(value: object, field: str) -> str:
    """Read a text that may be missing; raises a refusal."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise refuse_input(f"{field} must be a text")
    return value


def post_sdk_exception(_call: Call) -> Reply:
    """Take a client's report about itself, and drop it: it is for Statsig's own developers."""
    return json_reply(202, {"success": True})


_BODY: Final = an_object({"events": a_list(OBJECT)}, statsigMetadata=ANY)
_NOT_TAKEN: Final = an_object({"error": TEXT, "message": TEXT}, success=SWITCH)
_REPLIES: Final = {202: SUCCESS, 400: _NOT_TAKEN, 401: ERROR, 413: _NOT_TAKEN, 503: _NOT_TAKEN}
_EXPOSURE: Final = one_of(
    an_object({"user": USER}, ruleID=MAYBE_TEXT, secondaryExposures=MAYBE_LIST),
    an_object({"experimentName": NAME, "group": NAME}, gateName=NOTHING),
    an_object({"gateName": NAME, "passes": SWITCH}, experimentName=NOTHING),
)
CLIENT_EVENTS: Final = Route(
    "POST",
    "/v1/rgstr",
    post_events,
    Access.CLIENT,
    (KeyPlace.QUERY, KeyPlace.HEADER),
    body=_BODY,
    replies=_REPLIES,
    query={"k": TEXT, "ec": TEXT, "gz": TEXT},
)
ROUTES: Final = (
    CLIENT_EVENTS,
    Route("POST", "/v1/log_event", post_events, Access.CLIENT, body=_BODY, replies=_REPLIES),
    Route(
        "POST",
        "/v1/log_custom_exposure",
        post_custom_exposures,
        Access.CLIENT,
        body=an_object({"exposures": a_list(_EXPOSURE, minItems=1, maxItems=MANY_EXPOSURES)}),
        replies={**_REPLIES, 415: ERROR},
    ),
    Route("POST", "/v1/sdk_exception", post_sdk_exception, Access.NONE, replies={202: SUCCESS}),
)
