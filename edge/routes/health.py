"""What monitors ask. No key is needed, so nothing here names an entity of a spec."""

from typing import Final

from edge.callers.keys import Access
from edge.calls import Call, Route
from edge.messages import Reply, json_reply
from edge.routes.schemas import OBJECT, TEXT, an_object


def get_health(call: Call) -> Reply:
    """Say which spec answers, how old it is and what it holds; 503 when there is none, or when it is too stale."""
    sandbox = call.sandbox
    report = sandbox.report_spec()
    health = {
        "status": "failing" if report.fault else "ok",
        "spec": report.spec,
        "overrides": report.overrides,
        "id_lists": report.id_lists,
        "settings_faults": sandbox.settings_faults,
        "sandbox": {"requests": sandbox.requests, "events": sandbox.outbox.counts()},
    }
    if report.fault:
        return json_reply(503, {"error": "no_spec", "message": report.fault, **health})
    return json_reply(200, health)


def get_readiness(call: Call) -> Reply:
    """Say whether checks are answered from a spec; 503 when there is none yet."""
    report = call.sandbox.report_spec()
    if not report.is_ready:
        return json_reply(503, {"error": "no_spec", "message": report.fault})
    return json_reply(200, {"status": "ready"})


_NO_SPEC: Final = an_object({"error": TEXT, "message": TEXT})
ROUTES: Final = (
    Route(
        "GET",
        "/healthz",
        get_health,
        Access.NONE,
        replies={200: an_object({"status": TEXT, "spec": OBJECT, "sandbox": OBJECT}), 503: _NO_SPEC},
    ),
    Route("GET", "/readyz", get_readiness, Access.NONE, replies={200: an_object({"status": TEXT}), 503: _NO_SPEC}),
)
