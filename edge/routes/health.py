"""What monitors ask. No key is needed, so nothing here names an entity of a spec."""

from typing import Final

from edge.calls import Call, Route
from edge.keys import Access
from edge.messages import Reply, json_reply
from edge.questions import Questions
from edge.routes.schemas import OBJECT, TEXT, an_object
from edge.spec_cache import spec_source


def get_health(call: Call) -> Reply:
    """Say which spec answers, how old it is and what it holds; 503 when there is none."""
    sandbox = call.sandbox
    questions = sandbox.begin_questions()
    is_well = questions.held.project is not None
    health = {
        "status": "ok" if is_well else "no spec",
        "spec": describe_spec(questions),
        "settings_faults": sandbox.settings_faults,
        "sandbox": {"requests": sandbox.requests, "events": sandbox.outbox.counts()},
    }
    if not is_well:
        return json_reply(503, {"error": "no_spec", "message": questions.fault, **health})
    return json_reply(200, health)


def describe_spec(questions: Questions) -> dict[str, object]:
    """Say where the spec comes from, how old it is and what it holds."""
    held, now_ms = questions.held, questions.now_ms
    project = held.project
    spec: dict[str, object] = {"source": spec_source(held), "fault": held.fault or None}
    if project is None:
        return spec
    return spec | {
        "layout": "raw",
        "time": project.time,
        "age_s": max(0, now_ms - project.time) // 1000,
        "generation": str(held.generation),
        "received_ago_s": max(0, now_ms - held.received_ms) // 1000,
        "checked_ago_s": max(0, now_ms - held.checked_ms) // 1000,
        "counts": project.counts(),
    }


def get_readiness(call: Call) -> Reply:
    """Say whether checks are answered from a spec; 503 when there is none yet."""
    questions = call.sandbox.begin_questions()
    if questions.held.project is None:
        return json_reply(503, {"error": "no_spec", "message": questions.fault})
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
