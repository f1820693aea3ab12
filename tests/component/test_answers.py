"""The built component over HTTP: what it answers, to good input and bad."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.component.serving import CLIENT, SERVER, Running

CHECKS = 1_000  # always the same users, so that no run fails by chance


@pytest.fixture(scope="module")
def client(example: Running) -> Iterator[httpx.Client]:
    with example.client() as made:
        yield made


def post(client: httpx.Client, content: bytes, headers: dict[str, str] = SERVER) -> httpx.Response:
    return client.post("/v1/check_gate", content=content, headers=headers)


def assert_refused(reply: httpx.Response, status: int, error: str) -> None:
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert body["error"] == error
    assert body["message"]


def assert_still_serving(client: httpx.Client) -> None:
    assert client.get("/gate", params={"name": "test_fastly", "userID": "a"}).status_code == 200


def test_health_is_200_and_says_what_is_held(client: httpx.Client) -> None:
    reply = client.get("/healthz")
    assert reply.status_code == 200
    assert reply.json()["spec"]["source"] == "kv"
    assert reply.json()["spec"]["counts"]["feature_gates"] >= 1
    assert reply.headers["x-gatelet-spec"].startswith("kv; layout=paged; time=")
    assert "total;dur=" in reply.headers["server-timing"]


def test_gate_and_check_gate_agree(client: httpx.Client) -> None:
    for user_id in ("a", "b", "c", "é", "a b&c"):
        first = client.get("/gate", params={"name": "test_fastly", "userID": user_id}).json()
        body = {"user": {"userID": user_id}, "gateName": "test_fastly"}
        second = client.post("/v1/check_gate", json=body, headers=CLIENT).json()
        assert first == {"userID": user_id, "gateResult": second["value"]}
        assert second["reason"] == "Adapter(FastlyKV):Recognized"


def test_test_fastly_is_open_to_half_of_all_users(client: httpx.Client) -> None:
    passed = sum(
        client.get(f"/gate?name=test_fastly&userID={uuid.uuid5(uuid.NAMESPACE_URL, str(number))}").json()["gateResult"]
        for number in range(CHECKS)
    )
    assert abs(passed / CHECKS - 0.5) < 0.05


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"nonsense",
        b'{"user": {"userID": "\xff"}, "gateName": "test_fastly"}',
        b'{"user": [], "gateName": "test_fastly"}',
        b'{"user": {"userID": "a"}}',
        b'{"gateName": "test_fastly"}',
        b"[]",
        b"[" * 500_000,
        b'{"user":' * 50_000,
        b'{"user": {"userID": "\\ud800"}, "gateName": "test_fastly"}',
        b'{"user": {"userID": ' + b"9" * 10_000 + b'}, "gateName": "test_fastly"}',
    ],
    ids=lambda content: repr(content[:24]),
)
def test_bad_body_is_400_and_the_next_request_works(client: httpx.Client, content: bytes) -> None:
    assert_refused(post(client, content), 400, "bad_request")
    assert_still_serving(client)


@pytest.mark.parametrize("size", [1_048_577, 10_000_000])
def test_body_over_the_limit_is_413_and_the_next_request_works(client: httpx.Client, size: int) -> None:
    assert_refused(post(client, b" " * size), 413, "body_too_large")
    assert_still_serving(client)


def test_body_of_unknown_length_over_the_limit_is_413(client: httpx.Client) -> None:
    pieces = (b" " * 100_000 for _ in range(100))
    assert_refused(client.post("/v1/check_gate", content=pieces, headers=SERVER), 413, "body_too_large")
    assert_still_serving(client)


def test_missing_gate_name_is_400(client: httpx.Client) -> None:
    assert_refused(client.get("/gate?userID=a"), 400, "bad_request")


def test_query_that_is_not_utf8_is_400(client: httpx.Client) -> None:
    assert_refused(client.get("/gate?name=%ff&userID=a"), 400, "bad_request")


def test_unknown_path_is_404(client: httpx.Client) -> None:
    assert_refused(client.get("/nothing/here"), 404, "not_found")


def test_wrong_method_is_405(client: httpx.Client) -> None:
    reply = client.delete("/v1/check_gate")
    assert_refused(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "POST, OPTIONS"


def test_unknown_gate_is_false(client: httpx.Client) -> None:
    reply = client.get("/gate?name=no_such_gate&userID=a")
    assert (reply.status_code, reply.json()) == (200, {"userID": "a", "gateResult": False})


@pytest.mark.parametrize("headers", [{}, {"statsig-api-key": "wrong"}])
def test_check_gate_without_a_known_key_is_401(client: httpx.Client, headers: dict[str, str]) -> None:
    body = b'{"user": {}, "gateName": "test_fastly"}'
    assert_refused(post(client, body, headers), 401, "unauthorized")


def test_long_address_is_answered(client: httpx.Client) -> None:
    assert_refused(client.get(f"/gate?name={'n' * 30_000}&userID=a"), 400, "bad_request")
    assert client.get(f"/gate?name=n&userID={'u' * 30_000}").json()["gateResult"] is False
