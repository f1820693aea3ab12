"""Requests that the OpenAPI document allows and forbids, generated, against the running service.

What the document allows is answered, what it forbids is refused, and whatever comes, the reply is one that the document
knows, with the headers that it promises, and never a 5xx. `make schemathesis-long` asks for many more of each
(`GATELET_EXAMPLES`).
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings

from edge.callers.keys import Access
from edge.routes.table import ROUTES
from tests.component.serving import EMBEDDED, NATIVE, VICEROY, Running

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis: run `make clients`")

EXAMPLES = int(os.environ.get("GATELET_EXAMPLES", "5"))  # for each operation, good ones and bad ones
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
]
KEYS = ("secret-local", "client-local", "nobody")  # each request is sent with each of them
KEYED = {f"{one.method} {one.path}" for one in ROUTES if one.access is not Access.NONE}
# What has no input has no bad one, and a report that is dropped is never wrong.
TAKES_INPUT = {f"{one.method} {one.path}" for one in ROUTES if one.body or one.query or "{" in one.path}
generated = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="session", params=[pytest.param(VICEROY, marks=pytest.mark.viceroy), NATIVE, EMBEDDED])
def host(request: pytest.FixtureRequest) -> str:
    """Every host: the built component has another Python than the source here."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """What asks; connections are kept."""
    with requests.Session() as made:
        yield made


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_every_operation_keeps_to_its_schema(example: Running, session: requests.Session, mode: str) -> None:
    schemathesis.checks.load_all_checks()
    checks = schemathesis.checks.CHECKS.get_by_names(CHECKS)
    schema = schemathesis.openapi.from_url(f"{example.url}/openapi.json")
    asked: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    failures: list[str] = []
    for operation in (found.ok() for found in schema.get_all_operations()):
        if mode == "NEGATIVE" and operation.label not in TAKES_INPUT:
            continue
        for case in list_cases(operation, mode):
            for key in KEYS:
                case.headers = {**(case.headers or {}), "statsig-api-key": key, "x-api-key": key}
                reply = case.call(session=session)
                asked[operation.label] += 1
                statuses[reply.status_code] += 1
                if operation.label in KEYED and (key == "nobody") is not (reply.status_code == 401):
                    failures.append(f"{key} got {reply.status_code}: {case.as_curl_command()}")
                failures += list_failures(case, reply, checks)
    print(f"schemathesis, {mode.lower()}: {asked.total()} requests to {len(asked)} operations, {dict(statuses)}")
    assert failures == [], f"{len(failures)} requests were answered otherwise; the first of them: {failures[:3]}"
    # The document itself is left out by schemathesis.
    assert set(asked) == TAKES_INPUT if mode == "NEGATIVE" else len(asked) == len(ROUTES) - 1


def list_failures(case: Any, reply: Any, checks: list[Any]) -> list[str]:
    """Say what is wrong with a reply."""
    try:
        case.validate_response(reply, checks=checks)
    except BaseExceptionGroup as problems:  # none of Exception, in schemathesis
        return [str(problems)]
    return []


def list_cases(operation: Any, mode: str) -> list[Any]:
    """Generate the requests of one operation."""
    cases = []

    @generated
    @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode[mode]))
    def keep(case: Any) -> None:
        cases.append(case)

    keep()
    return cases
