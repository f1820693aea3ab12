"""What Statsig's server SDKs fetch when a fleet is pointed at the service: the spec, whole, in the shape they read.

A key may stand in the path, as on Statsig's CDN. Protobuf and deltas, which SDKs offer to take, are not offered here.
What the store holds goes out in its own shape where that is asked for.
"""

from dataclasses import replace
from typing import Final

from edge.callers.keys import Access, KeyPlace
from edge.calls import Call, Route
from edge.input.reading import parse_query, read_json_object
from edge.messages import JSON_HEADER, Header, Refusal, Reply, json_reply
from edge.questions import WHOLE
from edge.routes.schemas import ANY, ERROR, SWITCH, TEXT, an_object
from edge.spec.texts import find_text

PATH_PLACES: Final = (KeyPlace.PATH, KeyPlace.HEADER)


def get_spec_v1(call: Call) -> Reply:
    """Return the spec with arrays and inline conditions, as the older SDKs read it."""
    return send_spec(call, since=parse_query(call.request.query).get("sinceTime"), wants_v1=True)


def get_spec_v2(call: Call) -> Reply:
    """Return the spec with objects by name and a table of conditions, as the newer SDKs read it."""
    return send_spec(call, since=parse_query(call.request.query).get("sinceTime"), wants_v1=False)


def post_spec_v1(call: Call) -> Reply:
    """Return the spec with arrays and inline conditions; `sinceTime` stands in the body."""
    return send_spec(call, since=read_since(call), wants_v1=True)


def post_spec_v2(call: Call) -> Reply:
    """Return the spec with objects by name and a table of conditions; `sinceTime` stands in the body."""
    return send_spec(call, since=read_since(call), wants_v1=False)


def read_since(call: Call) -> object:
    """Read what a body says of the spec that the caller holds; raises a refusal."""
    return read_json_object(call.request, call.sandbox.settings.max_body_bytes).get("sinceTime")


def send_spec(call: Call, *, since: object, wants_v1: bool) -> Reply:
    """Return the spec in one of its shapes, or say that the caller holds it."""
    questions = call.sandbox.begin_questions(WHOLE, call.caller.key)
    project = questions.whole_project()
    if project is None:
        raise Refusal(503, "no_spec", questions.fault)
    header: Header = ("x-since-time", b"%d" % project.time)
    if is_held(since, project.time):
        return replace(json_reply(200, {"has_updates": False}), headers=(JSON_HEADER, header))
    return Reply(200, find_text(project, wants_v1=wants_v1), (JSON_HEADER, header))


def is_held(since: object, time_ms: int) -> bool:
    """Tell whether a caller holds this spec or a newer one; what is no number holds none."""
    text = str(since)
    return text.isascii() and text.isdigit() and len(text) < 16 and int(text) >= time_ms


_SPEC: Final = an_object({"has_updates": SWITCH})
_REFUSALS: Final = {401: ERROR, 403: ERROR, 503: ERROR}
ROUTES: Final = (
    *(
        Route(
            "GET",
            f"/{version}/download_config_specs{rest}",
            handler,
            Access.SERVER,
            places,
            replies={200: _SPEC, **_REFUSALS, 400: ERROR},
            query={"sinceTime": TEXT},
            headers=("x-since-time",),
        )
        for version, handler in (("v1", get_spec_v1), ("v2", get_spec_v2))
        for rest, places in (("", (KeyPlace.HEADER,)), ("/{key}", PATH_PLACES))
    ),
    *(
        Route(
            "POST",
            f"/{version}/download_config_specs",
            handler,
            Access.SERVER,
            body=an_object({}, sinceTime=ANY),
            replies={200: _SPEC, **_REFUSALS, 400: ERROR, 413: ERROR, 415: ERROR},
            headers=("x-since-time",),
        )
        for version, handler in (("v1", post_spec_v1), ("v2", post_spec_v2))
    ),
)
