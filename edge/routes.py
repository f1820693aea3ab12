"""The routes: plain functions from a sandbox and a request to a reply, and the table that finds them.

A route raises `Refusal` for what the client did wrong; anything else that leaves it is a bug of ours and is answered by
the guard around it (`host.incoming`).
"""

from collections.abc import Callable, Mapping
from typing import Final

from edge.checks import GateCheck, begin_asking, check_gate
from edge.inputs import parse_query, read_json_object
from edge.keys import KEY_HEADER, Access, require_access, require_server_access
from edge.messages import Reply, Request, json_reply, refuse_input
from edge.questions import Wanted
from edge.sandbox import Sandbox
from edge.spec_cache import spec_source
from evaluator.conditions import GATE
from evaluator.errors import InvalidUser
from evaluator.user import User, decode_user

MANY_NAMES: Final = 100

type Route = Callable[[Sandbox, Request], Reply]


def get_health(sandbox: Sandbox, _request: Request) -> Reply:
    """Say which spec answers, how old it is and what it holds; 503 when there is none."""
    now_ms = sandbox.platform.now_ms()
    held = sandbox.begin_questions().held
    project = held.project
    spec: dict[str, object] = {"source": spec_source(held), "fault": held.fault or None}
    if project is not None:
        spec |= {
            "layout": "raw",
            "time": project.time,
            "age_s": max(0, now_ms - project.time) // 1000,
            "generation": str(held.generation),
            "received_ago_s": max(0, now_ms - held.received_ms) // 1000,
            "checked_ago_s": max(0, now_ms - held.checked_ms) // 1000,
            "counts": project.counts(),
        }
    health = {
        "status": "ok" if project is not None else "no spec",
        "spec": spec,
        "settings_faults": sandbox.settings_faults,
        "sandbox": {"requests": sandbox.requests, "events": sandbox.outbox.counts()},
    }
    if project is None:
        return json_reply(503, {"error": "no_spec", "message": held.fault, **health})
    return json_reply(200, health)


def get_gate(sandbox: Sandbox, request: Request) -> Reply:
    """Check one gate for a user ID, in the shape of Statsig's own example for Fastly."""
    if not sandbox.settings.open_gate_check:
        require_access(sandbox.keys, request)
    query = parse_query(request.query)
    name, user_id = query.get("name"), query.get("userID")
    if not name:
        raise refuse_input("the query parameter name, the gate's name, is missing")
    if user_id is None:
        raise refuse_input("the query parameter userID is missing")
    asking = begin_asking(sandbox, decode_user({"userID": user_id}), [Wanted(GATE, name)])
    if asking.find_view(GATE, name) is None:
        return json_reply(500, {"error": "no spec to answer from", "details": asking.questions.fault})
    check = check_gate(asking, name)
    return json_reply(200, {"userID": user_id, "gateResult": check.value}, events_of(check))


def post_check_gate(sandbox: Sandbox, request: Request) -> Reply:
    """Check one gate (`gateName`) or several (`gateNames`) for a user, as Statsig's HTTP API does."""
    access = require_access(sandbox.keys, request)
    body = read_json_object(request, sandbox.settings.max_body_bytes)
    is_single, names = read_gate_names(body, access)
    api_key = request.find_header(KEY_HEADER) or ""
    asking = begin_asking(sandbox, read_user(body), [Wanted(GATE, name) for name in names], api_key)
    checks = [check_gate(asking, name) for name in names]
    events = () if is_exposure_logging_disabled(body) else events_of(*checks)
    value: object = checks[0].to_json() if is_single else {check.name: check.to_json() for check in checks}
    return json_reply(200, value, events)


def read_gate_names(body: Mapping[str, object], access: Access) -> tuple[bool, list[str]]:
    """Read whether one gate is asked for, and the names; raises a refusal."""
    if ("gateName" in body) == ("gateNames" in body):
        raise refuse_input("send either gateName or gateNames")
    if "gateName" in body:
        return True, read_names([body["gateName"]], "gateName")
    require_server_access(access, "gateNames")
    return False, read_names(body["gateNames"], "gateNames")


def read_names(value: object, field: str) -> list[str]:
    """Read a list of names, each kept once; raises a refusal."""
    if not isinstance(value, list) or not 1 <= len(value) <= MANY_NAMES:
        raise refuse_input(f"{field} must be a list of 1 to {MANY_NAMES} names")
    if not all(isinstance(name, str) and name for name in value):
        raise refuse_input(
            f"{field} must be a text that is not empty" if field == "gateName" else f"{field} must hold texts"
        )
    return list(dict.fromkeys(value))


def read_user(body: Mapping[str, object]) -> User:
    """Read the user of a body; raises a refusal."""
    if "user" not in body:
        raise refuse_input("user is missing")
    try:
        return decode_user(body["user"])
    except InvalidUser as problem:
        raise refuse_input(str(problem)) from None


def is_exposure_logging_disabled(body: Mapping[str, object]) -> bool:
    """Tell whether the client asked for no exposures."""
    metadata = body.get("statsigMetadata")
    return isinstance(metadata, dict) and metadata.get("exposureLoggingDisabled") is True


def events_of(*checks: GateCheck) -> tuple[Mapping[str, object], ...]:
    """Return the exposure events of some checks."""
    return tuple(check.event for check in checks if check.event is not None)


ROUTES: Final[Mapping[str, Mapping[str, Route]]] = {
    "/gate": {"GET": get_gate},
    "/healthz": {"GET": get_health},
    "/v1/check_gate": {"POST": post_check_gate},
}
