"""What Statsig's client SDKs ask: everything evaluated for one user, in one reply.

The shapes are those of the browser client, read on the wire. Its requests carry the key in the query and are text, so
that no preflight is needed.
"""

from collections.abc import Mapping, Sequence
from json import loads
from typing import Final

from edge.callers.keys import Access, KeyPlace
from edge.callers.narrowing import narrow_response
from edge.calls import Call, Route
from edge.checks import Asking, begin_asking
from edge.events.batch import SDK_TYPE, SDK_VERSION
from edge.input.client_bodies import read_client_object
from edge.input.users import complete_user
from edge.messages import Refusal, Reply, encode_json, json_reply, refuse_input
from edge.questions import WHOLE
from edge.routes.schemas import ANY, ERROR, INTEGER, MAYBE_OBJECT, METADATA, OBJECT, SWITCH, TEXT, an_object
from evaluator.bucketing import find_name_hash
from evaluator.client_response import FORMATS, Parts, ResponseOptions, join_parts, write_response_parts
from evaluator.project import Project

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
    parts = write_parts(asking, project, body)
    if parts["has_updates"] == b"false":
        return json_reply(200, {"has_updates": False})
    parts = {**parts, "user": encode_json(echo_user(sent)), "sdkInfo": SDK_INFO}
    return Reply(200, finish_response(asking, project, parts))


def write_parts(asking: Asking, project: Project, body: Body) -> Parts:
    """Return the client response that a body asks for, as {top-level key: JSON text or pieces}; raises a refusal."""
    held = body.get("full_checksum") if body.get("sinceTime") == project.time else None
    options = ResponseOptions(
        hash=read_choice(body, "hash", HASHES, "djb2"),
        response_format=find_format(asking, project, body),
        client_key=asking.caller.key if asking.caller.access is Access.CLIENT else None,
        previous_response_hash=held if isinstance(held, str) else "",
    )
    return write_response_parts(asking.view_of(project), options)


def find_format(asking: Asking, project: Project, body: Body) -> str:
    """Return the format that a body asks for; raises a refusal. A key that sees a part gets the one we narrow."""
    wanted = read_choice(body, "responseFormat", FORMATS, FORMATS[0])
    return wanted if asking.find_sight(asking.view_of(project)) is None else FORMATS[0]


def read_choice(body: Body, field: str, choices: Sequence[str], default: str) -> str:
    """Read one of some texts, the default for none or an empty one; raises a refusal."""
    found = body.get(field)
    if found is None or found == "":
        return default
    if found not in choices:
        raise refuse_input(f"{field} must be one of {', '.join(choices)}")
    return str(found)


def finish_response(asking: Asking, project: Project, parts: Parts) -> bytes:
    """Join the parts; what the caller may not see is taken out of them."""
    sight = asking.find_sight(asking.view_of(project))
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
