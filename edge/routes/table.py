"""Every route of the service, and how a path finds its row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edge.calls import Route
from edge.input.reading import decode_percent_path
from edge.routes import clients, events, example, health, http_api, lists, ofrep, openapi, servers, tracing

_ANSWERING: Final[tuple[Route, ...]] = (
    *health.ROUTES,
    *example.ROUTES,
    *http_api.ROUTES,
    *clients.ROUTES,
    *events.ROUTES,
    *ofrep.ROUTES,
    *servers.ROUTES,
    *lists.ROUTES,
    *tracing.ROUTES,
)
ROUTES: Final = (*_ANSWERING, openapi.make_route(_ANSWERING))


@dataclass(slots=True)
class Place:
    """The routes at one path, by method, and what the path holds behind their own part."""

    methods: Mapping[str, Route]
    parameter: str = ""


def group_routes(routes: tuple[Route, ...]) -> dict[str, dict[str, Route]]:
    """Return {path without its parameter: {method: route}}."""
    places: dict[str, dict[str, Route]] = {}
    for route in routes:
        places.setdefault(route.path.partition("{")[0], {})[route.method] = route
    return places


def find_place(path: str) -> Place | None:
    """Find the routes of a path, the exact ones first; raises a refusal when a parameter is not UTF-8."""
    methods = _PLACES.get(path)
    if methods is not None and path not in _OPEN:
        return Place(methods)
    for start in _OPEN:
        if path.startswith(start) and len(path) > len(start):
            return Place(_PLACES[start], decode_percent_path(path[len(start) :]))
    return None


_PLACES: Final = group_routes(ROUTES)
_OPEN: Final = tuple(route.path.partition("{")[0] for route in ROUTES if "{" in route.path)
