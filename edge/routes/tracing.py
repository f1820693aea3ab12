"""Why a user gets a value: the trace of an evaluation, as `gatelet explain` draws it.

For server secrets only: a trace shows the rules of a spec and what was seen of the user.
"""

from typing import Final

from edge.callers.keys import Access
from edge.calls import Call, Route
from edge.checks import begin_asking, find_document, find_kind
from edge.input.reading import read_json_object, read_name
from edge.input.users import read_user
from edge.messages import Refusal, Reply, json_reply, refuse_input
from edge.routes.schemas import ANY, ERROR, NAME, OBJECT, TEXT, USER, a_list, an_object
from edge.spec.wanted import Wanted
from evaluator.conditions import EXPERIMENT, GATE
from evaluator.evaluate import CONFIG, LAYER
from evaluator.explain import explain

KINDS: Final = (GATE, CONFIG, EXPERIMENT, LAYER)


def post_explain(call: Call) -> Reply:
    """Evaluate one entity and return every rule tried, with each condition, the value seen, bucket and threshold."""
    body = read_json_object(call.request, call.sandbox.settings.max_body_bytes)
    kind = body.get("kind", GATE)
    if kind not in KINDS:
        raise refuse_input(f"kind must be one of {', '.join(KINDS)}")
    name = read_name(body.get("name"), "name")
    user = read_user(call, body)
    asked = CONFIG if kind == EXPERIMENT else str(kind)
    asking = begin_asking(call, user, [Wanted(asked, name)])
    project = asking.questions.project_for(asked, name)
    if project is None:
        raise Refusal(503, "no_spec", asking.questions.fault)
    document = find_document(project, asked, name)
    exact = find_kind(project, asked, name, document) if document else str(kind)
    questions = asking.questions
    return json_reply(200, explain(project, user, exact, name, now_ms=questions.now_ms, options=questions.options))


_TRACE: Final = an_object(
    {"kind": TEXT, "name": TEXT, "value": ANY, "rule_id": TEXT, "state": TEXT, "rules": a_list(OBJECT)}
)
ROUTES: Final = (
    Route(
        "POST",
        "/v1/explain",
        post_explain,
        Access.SERVER,
        body=an_object({"user": USER, "name": NAME}, kind={"enum": list(KINDS)}),
        replies={200: _TRACE, 400: ERROR, 401: ERROR, 403: ERROR, 413: ERROR, 415: ERROR, 503: ERROR},
    ),
)
