"""`GET /gate`, in the shape of Statsig's own example for Fastly."""

from dataclasses import replace
from typing import Final

from edge.callers.keys import NOBODY, Access, KeyPlace, require_caller
from edge.calls import Call, Route
from edge.checks import begin_asking, check, expose
from edge.input.reading import parse_query, read_name
from edge.messages import Reply, json_reply, refuse_input
from edge.routes.schemas import ERROR, NAME, SWITCH, TEXT, an_object
from edge.spec.wanted import Wanted
from evaluator.conditions import GATE
from evaluator.user import User

PLACES: Final = (KeyPlace.HEADER,)


def get_gate(call: Call) -> Reply:
    """Check one gate for a user ID; without a key only where the setting open_gate_check allows it."""
    sandbox = call.sandbox
    is_open = sandbox.settings.open_gate_check
    caller = NOBODY if is_open else require_caller(sandbox.keys, call.request, Access.CLIENT, PLACES)
    query = parse_query(call.request.query)
    name = read_name(query.get("name"), "the query parameter name")
    user_id = query.get("userID")
    if user_id is None:
        raise refuse_input("the query parameter userID is missing")
    asking = begin_asking(replace(call, caller=caller), User({"userID": user_id}), [Wanted(GATE, name)])
    checked = check(asking, GATE, name)
    if checked.evaluation is None:
        return json_reply(500, {"error": "no spec to answer from", "details": asking.questions.fault})
    return json_reply(200, {"userID": user_id, "gateResult": checked.evaluation.value is True}, expose(asking, checked))


ROUTES: Final = (
    Route(
        "GET",
        "/gate",
        get_gate,
        Access.NONE,
        replies={
            200: an_object({"userID": TEXT, "gateResult": SWITCH}),
            400: ERROR,
            401: ERROR,
            500: an_object({"error": TEXT, "details": TEXT}),
        },
        query={"name": NAME, "userID": TEXT},
        needed=("name", "userID"),
    ),
)
