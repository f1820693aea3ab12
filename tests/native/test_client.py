import json
import sys
from pathlib import Path

import pytest

from devhost.fastly.values import MissingFunction
from devhost.native.client import Ask, Client
from devhost.native.snapshot import Snapshot

GATE = "/gate?name=test_fastly&userID=a-user"
GUEST = """
from wit_world import exports
from wit_world.imports import acl, http_body, http_resp

seen = []

class HttpIncoming(exports.HttpIncoming):
    def handle(self, request, body):
        seen.append(request.get_uri(100))
        {action}
"""


def make_client(client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch, action: str) -> Client:
    """A client of another service, of one module."""
    (folder / "guest.py").write_text(GUEST.replace("{action}", action), encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return Client(client.service, snapshot=Snapshot("guest", ()))


def test_a_fresh_sandbox_answers_and_sends_its_exposures(client: Client) -> None:
    reply = client.ask("GET", GATE)
    assert (reply.status, json.loads(reply.content)) == (200, {"userID": "a-user", "gateResult": True})
    (batch,) = client.backends["events"].received
    assert batch.method == "POST"
    assert ("statsig-api-key", b"secret-statsig-local") in batch.headers
    assert [event["metadata"]["gate"] for event in json.loads(batch.content)["events"]] == ["test_fastly"]


def test_each_fresh_sandbox_begins_with_nothing(client: Client) -> None:
    first, second = (json.loads(client.ask("GET", "/healthz").content) for _ in range(2))
    assert first["sandbox"]["requests"] == second["sandbox"]["requests"] == 1


def test_requests_in_turn_share_a_sandbox(client: Client) -> None:
    asks = [Ask("GET", GATE), Ask("GET", f"{GATE}-too"), Ask("GET", "/healthz")]
    replies = client.ask_in_turn(asks)
    assert json.loads(replies[-1].content)["sandbox"]["requests"] == 3
    batches = [json.loads(batch.content)["events"] for batch in client.backends["events"].received]
    assert sum(map(len, batches)) == 2


def test_more_requests_in_turn_than_a_sandbox_takes_are_said(client: Client) -> None:
    with pytest.raises(TimeoutError):
        client.ask_in_turn([Ask("GET", GATE)] * 21)


def test_a_sandbox_lets_go_of_everything(client: Client) -> None:
    client.ask("GET", GATE)
    assert len(client.ended[-1].handles) == 0


def test_backend_answers_what_it_was_told_to(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.backends["events"].answer = lambda _: (503, b"")
    assert client.ask("GET", GATE).status == 200
    assert "the backend answered 503" in capsys.readouterr().err


def test_fault_in_the_way_of_a_lookup_is_seen(client: Client) -> None:
    client.faults.fail("lookup", "too-many-requests", times=1)
    assert client.ask("GET", "/healthz").status == 503
    assert client.ask("GET", "/healthz").status == 200


def test_fault_in_the_way_of_a_backend_is_seen(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.faults.fail("send", "http-incomplete")
    assert client.ask("GET", GATE).status == 200
    assert "HttpIncomplete" in capsys.readouterr().err
    assert not client.backends["events"].received


def test_guest_that_raises_is_answered_500_with_its_traceback(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = make_client(client, tmp_path, monkeypatch, "raise LookupError('a bug of the guest')")
    reply = guest.ask("GET", "/")
    assert reply.status == 500
    assert b"LookupError: a bug of the guest" in reply.content
    assert isinstance(guest.ended[-1].failure, LookupError)


def test_guest_cannot_catch_what_the_host_does_not_have(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = make_client(client, tmp_path, monkeypatch, "try: acl.Acl.open('a')\n        except Exception: pass")
    assert guest.ask("GET", "/").status == 500
    assert isinstance(guest.ended[-1].failure, MissingFunction)


def test_guest_that_answers_nothing_gives_an_empty_200(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = make_client(client, tmp_path, monkeypatch, "pass")
    reply = guest.ask("GET", "/")
    assert (reply.status, reply.content) == (200, b"")


def test_guests_modules_do_not_stay(client: Client) -> None:
    client.ask("GET", GATE)
    assert not [name for name in sys.modules if name in ("app", "wit_world") or name.startswith("edge.host.")]
