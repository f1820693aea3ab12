"""What Statsig's client SDKs ask: everything evaluated for one user, in one reply.

The shapes are those of the browser client, read on the wire. Its requests carry the key in the query and are text, so
that no preflight is needed.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from json import loads
from typing import Final

from edge.callers.keys import Access, Caller, KeyPlace
from edge.callers.narrowing import narrow_response
from edge.callers.sight import Sight
from edge.calls import Call, Route
from edge.checks import begin_asking
from edge.events.batch import SDK_TYPE, SDK_VERSION
from edge.input.client_bodies import read_client_object
from edge.input.users import complete_user
from edge.messages import Refusal, Reply, encode_json, json_reply, refuse_input
from edge.questions import WHOLE
from edge.routes.schemas import ANY, ERROR, INTEGER, MAYBE_OBJECT, METADATA, OBJECT, SWITCH, TEXT, an_object
from evaluator.bucketing import find_name_hash
from evaluator.client_response import FORMATS, Parts, ResponseOptions, join_parts, write_response_parts
from evaluator.project import Project
from evaluator.sweep import plan_ahead

PLACES: Final = (KeyPlace.QUERY, KeyPlace.HEADER)
HASHES: Final = ("djb2", "sha256", "none")
SDK_INFO: Final = encode_json({"sdkType": SDK_TYPE, "sdkVersion": SDK_VERSION})

type Body = Mapping[str, object]


def post_initialize(call: Call) -> Reply:
    """Evaluate everything for one user, names hashed; a client that holds just this hears that nothing changed."""
    body = read_client_object(call.request, call.sandbox.settings.max_body_bytes)
    sent = body.get("user")
    sent = {} if sent is None else sent
    metadata = body.get("statsigMetadata")
    stable_id = metadata.get("stableID") if isinstance(metadata, dict) else None
    asking = begin_asking(call, complete_user(call, sent, stable_id), WHOLE)
    project = asking.questions.whole_project()
    if project is None:
        raise Refusal(503, "no_spec", asking.questions.fault)
    view = asking.view_of(project)
    sight = asking.find_sight(view)
    parts = write_response_parts(view, read_options(asking.caller, body, project.time, may_choose=sight is None))
    if parts["has_updates"] == b"false":
        return json_reply(200, {"has_updates": False})
    parts = {**parts, "user": encode_json(echo_user(sent)), "sdkInfo": SDK_INFO}
    text = finish_response(project, sight, parts)
    return Reply(200, text, made_from=(view, parts), ahead=partial(plan_ahead, view))


def read_options(caller: Caller, body: Body, time: int, *, may_choose: bool) -> ResponseOptions:
    """Read what of a body decides the response from a spec of this time; raises a refusal.

    Who sees a part may not choose the format: one is narrowed.
    """
    held = body.get("full_checksum") if body.get("sinceTime") == time else None
    response_format = read_choice(body, "responseFormat", FORMATS, FORMATS[0])
    return ResponseOptions(
        hash=read_choice(body, "hash", HASHES, "djb2"),
        response_format=response_format if may_choose else FORMATS[0],
        client_key=caller.key if caller.access is Access.CLIENT else None,
        previous_response_hash=held if isinstance(held, str) else "",
    )


def read_choice(body: Body, field: str, choices: Sequence[str], default: str) -> str:
    """Read one of some texts, the default for none or an empty one; raises a refusal."""
    found = body.get(field)
    if found is None or found == "":
        return default
    if found not in choices:
        raise refuse_input(f"{field} must be one of {', '.join(choices)}")
    return str(found)


def finish_response(project: Project, sight: Sight | None, parts: Parts) -> bytes:
    """Join the parts; what is not in sight is taken out of them."""
    text = join_parts(parts)
    if sight is None:
        return text
    response = loads(text)
    return encode_json(narrow_response(response, project, sight, find_name_hash(response["hash_used"])))


def echo_user(sent: object) -> dict[str, object]:
    """Return the user exactly as sent, without private attributes: the client compares it with its own."""
    return {key: value for key, value in sent.items() if key != "privateAttributes"} if isinstance(sent, dict) else {}


_INITIALIZED: Final = an_object(
    {"has_updates": SWITCH},
    feature_gates=OBJECT,
    dynamic_configs=OBJECT,
    layer_configs=OBJECT,
    param_stores=OBJECT,
    time=INTEGER,
    hash_used=TEXT,
    user=OBJECT,
)
_REFUSALS: Final = {400: ERROR, 401: ERROR, 413: ERROR}
ROUTES: Final = (
    Route(
        "POST",
        "/v1/initialize",
        post_initialize,
        Access.CLIENT,
        PLACES,
        body=an_object(
            {},
            user=MAYBE_OBJECT,
            hash={"enum": [*HASHES, "", None]},
            responseFormat={"enum": [*FORMATS, "", None]},
            sinceTime=ANY,
            full_checksum=ANY,
            statsigMetadata=METADATA,
        ),
        replies={200: _INITIALIZED, **_REFUSALS, 503: ERROR},
        query={"k": TEXT, "se": TEXT},
    ),
)
