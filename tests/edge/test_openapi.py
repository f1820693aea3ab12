"""The OpenAPI document, made of the table of routes."""

from typing import Any

from edge.callers.keys import Access
from edge.routes.table import ROUTES
from edge.sandbox import Sandbox
from tests.edge.builders import ask, json_of, platform, request


def read_document() -> Any:
    reply = ask(Sandbox(platform()), request("/openapi.json", key=""))
    assert reply.status == 200
    return json_of(reply)


def test_document_has_every_route() -> None:
    operations = {(path, method.upper()) for path, methods in read_document()["paths"].items() for method in methods}
    assert operations == {(route.path, route.method) for route in ROUTES}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    operations = [operation for methods in read_document()["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"].endswith(".") for operation in operations)


def test_operations_ask_for_a_key_where_the_route_does() -> None:
    paths = read_document()["paths"]
    for route in ROUTES:
        assert ("security" in paths[route.path][route.method.lower()]) is (route.access is not Access.NONE)


def test_replies_name_headers_that_the_document_describes() -> None:
    document = read_document()
    described = {f"#/components/headers/{name}" for name in document["components"]["headers"]}
    named: set[str] = set()
    for operation in (one for methods in document["paths"].values() for one in methods.values()):
        for response in operation["responses"].values():
            references = {header["$ref"] for header in response["headers"].values()}
            assert {"#/components/headers/x-gatelet-spec", "#/components/headers/server-timing"} <= references
            named |= references
    assert named == described


def test_headers_of_a_route_stand_on_its_replies() -> None:
    bulk = read_document()["paths"]["/ofrep/v1/evaluate/flags"]["post"]["responses"]
    assert ["etag" in bulk[status]["headers"] for status in ("200", "304", "400")] == [True, True, False]
    context = request("/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u"}})
    assert "etag" in dict(ask(Sandbox(platform()), context).headers)
