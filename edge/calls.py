"""A call: one request, who asks, and what answers. A route is a function of it and a row that says who may call.

The row is all there is to know of a route: the service looks up path and method there, checks the key before the
handler runs, and writes refusals in the shape its audience expects. The OpenAPI document is made of the same rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge.callers.keys import Access, Caller, KeyPlace
from edge.messages import Refusal, Reply, Request
from edge.sandbox import Sandbox

type Handler = Callable[[Call], Reply]
type Schema = Mapping[str, object]


@dataclass(slots=True)
class Call:
    """One request with its caller; `parameter` is what the path holds behind the route's own part."""

    sandbox: Sandbox
    request: Request
    caller: Caller
    parameter: str = ""


@dataclass(slots=True)
class Route:
    """One route. A path that ends with a name in braces takes the rest of the path as its parameter."""

    method: str
    path: str
    handler: Handler
    access: Access
    places: tuple[KeyPlace, ...] = (KeyPlace.HEADER,)
    body: Schema | None = None  # of the JSON that the request holds
    replies: Mapping[int, Schema | None] = field(default_factory=dict)  # by status; None says that there is no JSON
    query: Mapping[str, Schema] = field(default_factory=dict)
    needed: tuple[str, ...] = ()  # of the query
    refuse: Callable[[Refusal, str], Reply] | None = None  # takes the path's parameter too
    headers: tuple[str, ...] = ()  # of every reply that is no refusal, besides those that all replies carry
