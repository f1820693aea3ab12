"""The OpenAPI document, made of the table of routes when the component is built."""

import re
from collections.abc import Iterable
from typing import Final

from edge.callers.keys import Access, KeyPlace
from edge.calls import Call, Handler, Route
from edge.events.batch import SDK_VERSION
from edge.messages import JSON_HEADER, Reply, encode_json
from edge.routes.schemas import OBJECT, TEXT

type Json = dict[str, object]

SCHEMES: Final[dict[KeyPlace, Json]] = {
    KeyPlace.HEADER: {"type": "apiKey", "in": "header", "name": "statsig-api-key"},
    KeyPlace.QUERY: {"type": "apiKey", "in": "query", "name": "k"},
    KeyPlace.API_KEY: {"type": "apiKey", "in": "header", "name": "x-api-key"},
    KeyPlace.BEARER: {"type": "http", "scheme": "bearer"},
}
PHRASES: Final = {
    200: "The answer",
    202: "Taken",
    206: "The end of the file",
    304: "Not changed",
    400: "The request is at fault; the message says where",
    401: "No key, or not one of ours",
    403: "The key does not open this",
    404: "There is no such entity",
    413: "Too long",
    429: "Too many requests of this key; wait as long as Retry-After says",
    416: "The file is not that long",
    415: "An encoding that is not taken",
    500: "There is nothing to answer from",
    503: "Not now; try again",
}
# What replies carry besides their content: all of them, and some by their status.
HEADERS: Final = {
    "x-gatelet-spec": "Which spec answered: its source, layout, time and age",
    "server-timing": "How long the reply took, and which request of its sandbox it is",
    "retry-after": "Seconds to wait",
    "etag": "Stands for the whole reply",
    "x-since-time": "The time of the spec",
    "accept-ranges": "Always bytes",
    "content-range": "Which bytes of how many",
}
ALWAYS: Final = ("x-gatelet-spec", "server-timing")
BY_STATUS: Final[dict[int, tuple[str, ...]]] = {206: ("content-range",), 416: ("content-range",), 429: ("retry-after",)}


def describe_routes(routes: Iterable[Route]) -> Json:
    """Return the OpenAPI 3.1 document of some routes."""
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = describe_route(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatelet",
            "version": SDK_VERSION,
            "description": "Statsig gates, configs, experiments and layers, evaluated at the edge",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": {place.name.lower(): scheme for place, scheme in SCHEMES.items()},
            "headers": {
                name: {"description": text, "required": True, "schema": TEXT} for name, text in HEADERS.items()
            },
        },
    }


def describe_route(route: Route) -> Json:
    """Return the operation of one route; its summary is what the handler says of itself."""
    responses: Json = {str(status): describe_reply(route, status) for status in sorted(route.replies)}
    if route.access is not Access.NONE:
        responses["429"] = {"description": PHRASES[429], "headers": refer_to_headers(route, 429)}
    operation: Json = {
        "operationId": "_".join(re.findall(r"\w+", f"{route.method.lower()} {route.path}")),
        "summary": (route.handler.__doc__ or "").partition("\n")[0],
        "parameters": list(list_parameters(route)),
        "responses": responses,
    }
    if route.access is not Access.NONE:
        operation["security"] = [{place.name.lower(): []} for place in route.places if place in SCHEMES]
    if route.body is not None:
        content = {"application/json": {"schema": route.body}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def list_parameters(route: Route) -> Iterable[Json]:
    """Yield what stands in the path and the query."""
    if "{" in route.path:
        name = route.path.partition("{")[2].rstrip("}")
        yield {"name": name, "in": "path", "required": True, "schema": {**TEXT, "minLength": 1}}
    for name, schema in route.query.items():
        yield {"name": name, "in": "query", "required": name in route.needed, "schema": schema}


def describe_reply(route: Route, status: int) -> Json:
    """Return what a reply of this status holds."""
    schema = route.replies[status]
    reply: Json = {"description": PHRASES[status], "headers": refer_to_headers(route, status)}
    return reply if schema is None else {**reply, "content": {"application/json": {"schema": schema}}}


def refer_to_headers(route: Route, status: int) -> Json:
    """Return the headers of a reply of this status."""
    own = route.headers if status < 400 else ()
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*ALWAYS, *BY_STATUS.get(status, ()), *own)}


def make_route(routes: tuple[Route, ...]) -> Route:
    """Return the route that serves the document of these routes and of itself."""
    made: list[bytes] = []

    def get_openapi(_call: Call) -> Reply:
        """Return this document."""
        return Reply(200, made[0], (JSON_HEADER,))

    handler: Handler = get_openapi
    route = Route("GET", "/openapi.json", handler, Access.NONE, replies={200: OBJECT})
    made.append(encode_json(describe_routes((*routes, route))))
    return route
