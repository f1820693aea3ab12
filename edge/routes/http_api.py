"""Statsig's HTTP API: one question about one user, its exposure logged on the way.

Shapes are those of Statsig's documentation, with `reason` added to each. A name that the spec does not hold gets the
same answer as one that the caller's key may not see.
"""

from collections.abc import Mapping
from typing import Final

from edge.callers.keys import Access
from edge.calls import Call, Route
from edge.checks import Asking, Check, begin_asking, check, expose, may_see
from edge.input.reading import MANY_NAMES, read_json_object, read_name, read_names
from edge.input.users import read_user
from edge.messages import FindEvents, Refusal, Reply, find_no_events, json_reply, refuse_input
from edge.routes.schemas import (
    ANY,
    ERROR,
    MAYBE_TEXT,
    METADATA,
    NAME,
    NOTHING,
    OBJECT,
    SWITCH,
    TEXT,
    USER,
    a_list,
    a_map,
    an_object,
    one_of,
)
from edge.spec.wanted import Wanted
from evaluator.bandits import rank_groups
from evaluator.conditions import GATE
from evaluator.evaluate import CONFIG, LAYER, find_gate_outcome
from evaluator.view import UserView

type Body = Mapping[str, object]


def post_check_gate(call: Call) -> Reply:
    """Check one gate (`gateName`) or several (`gateNames`) for a user."""
    body = read_body(call)
    is_single, names = read_gate_names(call, body)
    asking = begin_asking(call, read_user(call, body), [Wanted(GATE, name) for name in names])
    checks = [check(asking, GATE, name) for name in names]
    value = write_gate(checks[0]) if is_single else {one.name: write_gate(one) for one in checks}
    return json_reply(200, value, expose_unless_disabled(asking, body, *checks))


def read_gate_names(call: Call, body: Body) -> tuple[bool, list[str]]:
    """Read whether one gate is asked for, and the names; raises a refusal."""
    if ("gateName" in body) == ("gateNames" in body):
        raise refuse_input("send either gateName or gateNames")
    if "gateName" in body:
        return True, [read_name(body["gateName"], "gateName")]
    if call.caller.access < Access.SERVER:
        raise Refusal(403, "forbidden", "gateNames needs a server secret; a client key does not open it")
    return False, read_names(body["gateNames"], "gateNames")


def write_gate(checked: Check) -> dict[str, object]:
    """Return the answer about a gate; without a spec it is false."""
    found = checked.evaluation
    return {
        "name": checked.name,
        "value": found is not None and found.value is True,
        "rule_id": None if found is None else found.rule_id or None,
        "group_name": None if found is None else found.group_name,
        "reason": checked.reason,
    }


def post_get_config(call: Call) -> Reply:
    """Return the value of a dynamic config or experiment for a user; an unknown one has the empty value."""
    body = read_body(call)
    name = read_name(body.get("configName"), "configName")
    asking = begin_asking(call, read_user(call, body), [Wanted(CONFIG, name)])
    checked = check(asking, CONFIG, name)
    return json_reply(200, write_config(checked), expose_unless_disabled(asking, body, checked))


def write_config(checked: Check) -> dict[str, object]:
    """Return the answer about a config; `group` is the old name of its rule ID."""
    found = checked.evaluation
    return {
        "name": checked.name,
        "value": find_value(checked),
        "group": "" if found is None else found.rule_id,
        "rule_id": None if found is None else found.rule_id or None,
        "group_name": None if found is None else found.group_name,
        "reason": checked.reason,
    }


def post_get_layer(call: Call) -> Reply:
    """Return the value of a layer for a user; 404 for an unknown one. Every parameter that is returned is exposed."""
    body = read_body(call)
    name = read_name(body.get("layerName"), "layerName")
    asking = begin_asking(call, read_user(call, body), [Wanted(LAYER, name)])
    checked = check(asking, LAYER, name)
    if not checked.is_known:
        raise Refusal(404, "unknown_layer", "there is no layer of this name")
    return json_reply(200, write_layer(asking, checked), expose_unless_disabled(asking, body, checked))


def write_layer(asking: Asking, checked: Check) -> dict[str, object]:
    """Return the answer about a layer, in the other spelling that Statsig uses here.

    An experiment that the caller may not see gives the value, and is not named.
    """
    found = checked.evaluation
    answer = {
        "name": checked.name,
        "value": find_value(checked),
        "ruleID": "" if found is None else found.rule_id,
        "reason": checked.reason,
    }
    experiment = None if found is None else found.allocated_experiment
    if experiment and may_see(asking, checked, CONFIG, experiment):
        answer["allocatedExperimentName"] = experiment
    return answer


def post_get_ranked_list(call: Call) -> Reply:
    """Return the groups of a contextual bandit, the best for the user first; nothing is exposed."""
    body = read_body(call)
    name = read_name(body.get("configName"), "configName")
    asking = begin_asking(call, read_user(call, body), [Wanted(CONFIG, name)])
    view = asking.find_view(CONFIG, name)
    if view is None or not has_bandit(asking, view, name):
        raise Refusal(404, "unknown_bandit", "there is no contextual bandit of this name")
    return json_reply(200, [write_group(*ranked) for ranked in rank_groups(view, name, find_gate_outcome)])


def has_bandit(asking: Asking, view: UserView, name: str) -> bool:
    """Tell whether there is a contextual bandit that the caller may see; as quick when there is none at all."""
    bandit = view.project.cmab_configs.get(name)
    return asking.shows(view, CONFIG, name, bandit) and isinstance(bandit, dict)


def write_group(group: Mapping[str, object], score: float | None) -> dict[str, object]:
    """Return one entry of a ranking; a group that was never scored has none."""
    return {"name": group["name"], "value": group["parameterValues"], "rule_id": group["id"], "score": score}


def find_value(checked: Check) -> object:
    """Return the value of a config or layer; an empty object where the evaluation has none."""
    value = None if checked.evaluation is None else checked.evaluation.value
    return {} if value is None else value


def read_body(call: Call) -> Body:
    """Read the JSON object of a request; raises a refusal."""
    return read_json_object(call.request, call.sandbox.settings.max_body_bytes)


def expose_unless_disabled(asking: Asking, body: Body, *checks: Check) -> FindEvents:
    """Return what makes the exposure events of some checks, unless the client asked for none."""
    metadata = body.get("statsigMetadata")
    is_disabled = isinstance(metadata, dict) and metadata.get("exposureLoggingDisabled") is True
    return find_no_events if is_disabled else expose(asking, *checks)


_REFUSALS: Final = {400: ERROR, 401: ERROR, 403: ERROR, 413: ERROR, 415: ERROR}
_GATE: Final = an_object(
    {"name": TEXT, "value": SWITCH, "rule_id": MAYBE_TEXT, "group_name": MAYBE_TEXT, "reason": TEXT}
)
_CONFIG: Final = an_object(
    {"name": TEXT, "value": OBJECT, "group": TEXT, "rule_id": MAYBE_TEXT, "group_name": MAYBE_TEXT, "reason": TEXT}
)
_LAYER: Final = an_object({"name": TEXT, "value": OBJECT, "ruleID": TEXT, "reason": TEXT}, allocatedExperimentName=TEXT)
_RANKED: Final = an_object({"name": TEXT, "value": ANY, "rule_id": TEXT, "score": {"type": ["number", "null"]}})
ROUTES: Final = (
    Route(
        "POST",
        "/v1/check_gate",
        post_check_gate,
        Access.CLIENT,
        body=one_of(
            an_object({"user": USER}, statsigMetadata=METADATA),
            an_object({"gateName": NAME}, gateNames=NOTHING),
            an_object({"gateNames": a_list(NAME, minItems=1, maxItems=MANY_NAMES)}, gateName=NOTHING),
        ),
        replies={200: {"anyOf": [_GATE, a_map(_GATE)]}, **_REFUSALS},
    ),
    Route(
        "POST",
        "/v1/get_config",
        post_get_config,
        Access.CLIENT,
        body=an_object({"user": USER, "configName": NAME}, statsigMetadata=METADATA),
        replies={200: _CONFIG, **_REFUSALS},
    ),
    Route(
        "POST",
        "/v1/get_layer",
        post_get_layer,
        Access.CLIENT,
        body=an_object({"user": USER, "layerName": NAME}, statsigMetadata=METADATA),
        replies={200: _LAYER, 404: ERROR, **_REFUSALS},
    ),
    Route(
        "POST",
        "/v1/get_ranked_list",
        post_get_ranked_list,
        Access.CLIENT,
        body=an_object({"user": USER, "configName": NAME}),
        replies={200: a_list(_RANKED), 404: ERROR, **_REFUSALS},
    ),
)
