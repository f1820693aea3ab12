"""OpenFeature's remote evaluation protocol (OFREP 0.3): gates are booleans, configs, experiments and layers objects.

A single parameter of a config or layer is `name.parameter`, an extension of ours. Errors have OFREP's shape; they carry
`errorDetails` always, because the Python provider reads it unconditionally, as it does `variant`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final, cast

from edge.callers.keys import Access, KeyPlace
from edge.calls import Call, Route
from edge.checks import Asking, Check, begin_asking, check, expose
from edge.input.reading import read_json_object
from edge.input.users import complete_user
from edge.messages import JSON_HEADER, Event, FindEvents, Header, Refusal, Reply, encode_json, json_reply
from edge.questions import WHOLE
from edge.routes.ofrep_bulk import find_flags
from edge.routes.schemas import ANY, OBJECT, TEXT, a_list, an_object
from edge.spec.wanted import Wanted
from evaluator.client_response import identify
from evaluator.conditions import GATE
from evaluator.evaluate import CONFIG, LAYER
from evaluator.evaluation import Evaluation
from evaluator.sweep import plan_ahead
from evaluator.user import OBJECT_FIELDS, SCALAR_FIELDS, User

PLACES: Final = (KeyPlace.API_KEY, KeyPlace.BEARER, KeyPlace.HEADER)
KINDS: Final = (GATE, CONFIG, LAYER)
USER_FIELDS: Final = frozenset({*SCALAR_FIELDS, *OBJECT_FIELDS})
_CODES: Final = frozenset({"TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "GENERAL"})

type Item = dict[str, object]


def post_flag(call: Call) -> Reply:
    """Evaluate one entity, or one parameter of it, for a context; it is exposed as a check is."""
    key = call.parameter
    head, _, parameter = key.rpartition(".")
    wanted = [Wanted(kind, name) for name in (key, head) if name for kind in KINDS]
    asking = begin_asking(call, read_context(call), wanted)
    whole = find_known(asking, key)
    found = whole or (find_known(asking, head) if head else None)
    if found is None:
        require_spec(asking)
        raise Refusal(404, "FLAG_NOT_FOUND", "there is no gate, config, experiment or layer of this name")
    item = write_item(key, found) if whole else write_parameter(key, parameter, found)
    if "errorCode" in item:
        return json_reply(400, item)
    events = expose(asking, found)
    is_layer = found.evaluation is not None and found.evaluation.kind == LAYER
    return json_reply(200, item, events if whole or not is_layer else partial(keep_parameter, events, parameter))


def find_known(asking: Asking, name: str) -> Check | None:
    """Check the entity of this name; of gates, configs and layers the first that there is."""
    checks = (check(asking, kind, name) for kind in KINDS)
    return next((checked for checked in checks if checked.is_known), None)


def keep_parameter(find_events: FindEvents, parameter: str) -> tuple[Event, ...]:
    """Return the layer exposure of one parameter."""
    return tuple(
        event for event in find_events() if cast("Mapping[str, str]", event["metadata"])["parameterName"] == parameter
    )


def require_spec(asking: Asking) -> None:
    """Raise a refusal when there is no spec to answer from, so that the client keeps its own default."""
    if asking.questions.held.answer.project is None:
        raise Refusal(500, "GENERAL", f"no spec to answer from: {asking.questions.fault}")


def post_flags(call: Call) -> Reply:
    """Evaluate everything for a context; nothing is exposed. An unchanged answer is 304.

    The entity tag covers the whole reply, and so the context: the web provider sends its old tag again after an
    attribute other than the targeting key has changed.
    """
    asking = begin_asking(call, read_context(call), WHOLE)
    project = asking.questions.whole_project()
    if project is None:
        raise Refusal(500, "GENERAL", f"no spec to answer from: {asking.questions.fault}")
    flags = find_flags(asking, project)
    view = asking.view_of(project)
    texts = flags.write_all(asking, view, write_checked)
    end = b'],"metadata":{"lcut":%d}}' % project.time
    tag = f'"{identify((*texts, end)):016x}"'
    header: Header = ("etag", tag.encode())
    if holds_tag(call.request.find_header("if-none-match") or "", tag):
        return Reply(304, b"", (header,))
    body = b'{"flags":[%b%b' % (b",".join(texts), end)
    return Reply(200, body, (JSON_HEADER, header), made_from=view, ahead=partial(plan_ahead, view))


def write_checked(checked: Check) -> Item:
    """Write an answer under its own name."""
    return write_item(checked.name, checked)


def holds_tag(header: str, tag: str) -> bool:
    """Tell whether an If-None-Match names a tag; weak ones count."""
    return any(one.strip().removeprefix("W/") == tag for one in header.split(","))


def read_context(call: Call) -> User:
    """Read the user of an evaluation context; raises a refusal."""
    body = read_json_object(call.request, call.sandbox.settings.max_body_bytes)
    context = body.get("context", {})
    if not isinstance(context, dict):
        raise Refusal(400, "INVALID_CONTEXT", "context must be an object")
    key = context.get("targetingKey")
    if "targetingKey" in context and (key is None or key == ""):
        raise Refusal(400, "TARGETING_KEY_MISSING", "targetingKey is empty; leave it out for users without an ID")
    if key is not None and not isinstance(key, str):
        raise Refusal(400, "INVALID_CONTEXT", "targetingKey must be a text")
    try:
        return complete_user(call, to_user(context))
    except Refusal as refusal:
        raise Refusal(400, "INVALID_CONTEXT", refusal.message) from None


def to_user(context: Mapping[str, object]) -> Mapping[str, object]:
    """Return the Statsig user of a context: what a user has no field for stands in `custom`."""
    fields = {name: value for name, value in context.items() if name in USER_FIELDS}
    if "targetingKey" in context:
        fields["userID"] = context["targetingKey"]
    rest = {name: value for name, value in context.items() if name not in USER_FIELDS and name != "targetingKey"}
    own = fields.get("custom")
    if rest and isinstance(own, (dict, type(None))):
        fields["custom"] = {**rest, **(own or {})}
    return fields


def write_item(key: str, checked: Check) -> Item:
    """Write an answer, or the failure of one that could not be evaluated."""
    found = checked.evaluation
    if found is None or found.is_error:
        return {"key": key, "errorCode": "GENERAL", "errorDetails": checked.reason}
    item: Item = {"key": key, "reason": find_reason(checked, found), "variant": found.group_name or found.rule_id}
    if found.value is not None:
        item["value"] = found.value
    return {**item, "metadata": write_metadata(checked, found)}


def write_parameter(key: str, parameter: str, checked: Check) -> Item:
    """Write the answer about one parameter; raises a refusal when the value has none of this name."""
    item = write_item(key, checked)
    value = item.get("value")
    if "errorCode" in item:
        return item
    if not isinstance(value, dict) or parameter not in value:
        raise Refusal(404, "FLAG_NOT_FOUND", "the value has no parameter of this name")
    return {**item, "value": value[parameter]}


def find_reason(checked: Check, found: Evaluation) -> str:
    """Return OFREP's word for how the answer came about."""
    if found.state == "Unsupported":
        return "UNKNOWN"
    if found.rule_id == "disabled":
        return "DISABLED"
    if found.is_overridden or found.rule_id in {"default", ""}:
        return "STATIC"
    return "SPLIT" if found.is_user_in_experiment or is_partial(checked, found) else "TARGETING_MATCH"


def is_partial(checked: Check, found: Evaluation) -> bool:
    """Tell whether the rule that answered lets only a share of users pass."""
    spec = None if checked.view is None else checked.view.project.find_spec(found.kind, checked.name)
    rules = () if spec is None else spec.rules
    return any(rule.passed.rule_id == found.rule_id and 0 < rule.pass_percentage < 100 for rule in rules)


def write_metadata(checked: Check, found: Evaluation) -> Item:
    """Return what else is known of an answer; OFREP takes texts, numbers and booleans only."""
    known = {"groupName": found.group_name, "idType": found.id_type, "configVersion": found.version}
    return {
        "ruleID": found.rule_id,
        "reason": checked.reason,
        **{name: value for name, value in known.items() if value is not None},
    }


def refuse_flag(refusal: Refusal, key: str) -> Reply:
    """Write a refusal as OFREP has it; the key stands in it when one entity was asked for."""
    body: Item = {"key": key} if key else {}
    if refusal.status in {400, 404, 500}:
        body["errorCode"] = refusal.error if refusal.error in _CODES else "PARSE_ERROR"
    content = encode_json({**body, "errorDetails": refusal.message})
    return Reply(refusal.status, content, (JSON_HEADER, *refusal.headers))


_ITEM: Final = an_object({"key": TEXT, "reason": TEXT, "variant": TEXT}, value=ANY, metadata=OBJECT)
_FAILED_ITEM: Final = an_object({"key": TEXT, "errorCode": TEXT, "errorDetails": TEXT})
_FAILURE: Final = an_object({"errorCode": TEXT, "errorDetails": TEXT})
_REFUSED: Final = an_object({"errorDetails": TEXT})
_BODY: Final = an_object({}, context=an_object({}, targetingKey={"type": "string", "minLength": 1}))
_REFUSALS: Final = {401: _REFUSED, 413: _REFUSED, 415: _REFUSED, 500: _REFUSED}
ROUTES: Final = (
    Route(
        "POST",
        "/ofrep/v1/evaluate/flags/{key}",
        post_flag,
        Access.CLIENT,
        PLACES,
        body=_BODY,
        replies={200: _ITEM, 400: _FAILED_ITEM, 404: _FAILED_ITEM, **_REFUSALS},
        refuse=refuse_flag,
    ),
    Route(
        "POST",
        "/ofrep/v1/evaluate/flags",
        post_flags,
        Access.CLIENT,
        PLACES,
        body=_BODY,
        replies={
            200: an_object({"flags": a_list({"anyOf": [_ITEM, _FAILED_ITEM]})}, metadata=OBJECT),
            304: None,
            400: _FAILURE,
            **_REFUSALS,
        },
        refuse=refuse_flag,
        headers=("etag",),
    ),
)
