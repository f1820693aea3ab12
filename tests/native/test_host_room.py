"""The room `edge/host` on the stand-in of the bindings: its guard, its faults, its addresses."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from devhost.fastly.backends import BackendTarget, Delivered
from devhost.fastly.http import HttpDownstream
from devhost.fastly.kv import KvStore
from devhost.fastly.service import Service
from devhost.fastly.values import Err
from devhost.native.bindings import calling, load_bindings
from devhost.native.client import Ask, Client
from edge import sandbox, service
from edge.messages import Reply, Request
from edge.ports import InsertRules, StoreFault

HEALTH = Ask("GET", "/healthz")
OK = Reply(200, b"fine")


def answer_with(monkeypatch: pytest.MonkeyPatch, *actions: Callable[[], Reply]) -> None:
    """Let the service's answers come from these, one after the other."""
    following = iter(actions)

    def answer(_sandbox: sandbox.Sandbox, _request: Request) -> Reply:
        return next(following)()

    monkeypatch.setattr(service, "answer", answer)


def fail() -> Reply:
    raise KeyError("some-person")


def test_bug_of_a_route_is_an_apology_and_its_text_is_not_logged(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_with(monkeypatch, fail, lambda: OK)
    first, second = client.ask_in_turn([HEALTH, HEALTH])
    assert (first.status, json.loads(first.content)["error"]) == (500, "internal")
    assert (second.status, second.content) == (200, b"fine")
    logged = capsys.readouterr().err
    assert "gatelet: bug: KeyError at test_host_room.py:" in logged
    assert "some-person" not in logged


def test_reply_that_the_host_refuses_is_an_apology(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_with(monkeypatch, lambda: Reply(200, b"", (("bad name", b"x"),)))
    assert client.ask("GET", "/").status == 500
    assert "bug: Err(Error_GenericError) at " in capsys.readouterr().err


def test_bug_after_a_reply_spoils_neither_it_nor_the_next(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox.Sandbox, "after_reply", lambda *_: fail())
    assert [reply.status for reply in client.ask_in_turn([HEALTH, HEALTH])] == [200, 200]
    assert capsys.readouterr().err.count("bug: KeyError") == 2


def test_sandbox_that_the_host_gives_no_further_request_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise Err("generic-error")

    monkeypatch.setattr(HttpDownstream, "await_request", refuse)
    assert client.ask("GET", "/healthz").status == 200
    assert client.ended[-1].failure is None


def test_service_without_any_store_says_so_and_answers(capsys: pytest.CaptureFixture[str]) -> None:
    bare = Client(Service())
    assert bare.ask("GET", "/healthz").status == 503
    assert bare.ask("POST", "/v1/check_gate", b"{}", (("statsig-api-key", b"x"),)).status == 401
    logged = capsys.readouterr().err
    assert "settings: the Config Store gatelet does not open: not_found" in logged
    assert "keys: the Secret Store gatelet does not open: not_found" in logged


def test_value_that_breaks_while_it_is_read_is_a_fault(client: Client) -> None:
    client.faults.break_body("lookup", 10)
    health = client.ask("GET", "/healthz")
    assert health.status == 503
    assert "HttpIncomplete" in json.loads(health.content)["message"]


class Room:
    """The modules of `edge/host` in a sandbox in which the test is the guest."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sandbox = client.begin()
        self.addresses: Any = client.snapshot.load("edge.host.addresses")
        self.module: Any = client.snapshot.load("edge.host.platform")
        self.platform: Any = self.module.FastlyPlatform()


@pytest.fixture
def room() -> Room:
    places = {"10.0.0.1": {"country_code": "de"}, "10.0.0.2": {"country_code": "DEU"}, "10.0.0.3": {"city": "Berlin"}}
    return Room(
        Client(Service(kv_stores={"s": KvStore()}, backends={"events": BackendTarget("http://e")}, places=places))
    )


@pytest.mark.parametrize("text", ["127.0.0.1", "255.0.10.3", "::1", "2001:db8::1:0:ff", "1:2:3:4:5:6:7:8"])
def test_address_is_the_same_after_the_way_there_and_back(room: Room, text: str) -> None:
    assert room.addresses.write_address(room.addresses.read_address(text)) == text


@pytest.mark.parametrize(
    ("ip", "country"),
    [
        ("10.0.0.1", "DE"),
        ("10.0.0.2", None),
        ("10.0.0.3", None),
        ("10.0.0.4", None),
        ("::1", "US"),
        ("no address", None),
        ("", None),
    ],
)
def test_country_has_two_letters_or_is_unknown(room: Room, ip: str, country: str | None) -> None:
    with calling(room.sandbox):
        assert room.platform.find_country(ip) == country


@pytest.mark.parametrize(
    ("place", "ask"),
    [
        ("lookup", lambda platform: platform.begin_lookup("s", "k").wait()),
        ("lookup", lambda platform: platform.lookup("s", "k")),
        ("insert", lambda platform: platform.begin_insert("s", "k", b"").wait()),
        ("delete", lambda platform: platform.begin_delete("s", "k").wait()),
        ("list", lambda platform: platform.list_keys("s", "", 10)),
    ],
)
def test_what_the_store_refuses_is_a_fault(room: Room, place: str, ask: Callable[[Any], object]) -> None:
    room.client.faults.fail(place, "too-many-requests")
    with calling(room.sandbox), pytest.raises(StoreFault, match="the KV store s failed: TooManyRequests"):
        ask(room.platform)


@pytest.mark.parametrize("ask", ["begin_lookup", "begin_delete"])
def test_key_that_no_store_can_have_is_a_fault(room: Room, ask: str) -> None:
    with calling(room.sandbox), pytest.raises(StoreFault, match="GenericError"):
        getattr(room.platform, ask)("s", "a#b")


def test_key_that_no_store_can_have_is_a_fault_when_it_is_waited_for(room: Room) -> None:
    with calling(room.sandbox), pytest.raises(StoreFault, match="BadRequest"):
        room.platform.lookup("s", "a#b")


def test_handles_that_are_done_with_go_after_the_reply(room: Room) -> None:
    room.client.service.kv_stores["s"].insert("k", b"value")
    with calling(room.sandbox):
        room.platform.begin_reply()
        before = len(room.sandbox.handles)
        assert room.platform.lookup("s", "k").read() == b"value"
        kept = len(room.sandbox.handles)
        room.platform.end_reply()
        assert (kept - before, len(room.sandbox.handles) - before) == (3, 1)  # the store stays open
        assert room.platform.lookup("s", "k").read() == b"value"
        assert len(room.sandbox.handles) - before == 1


def test_insert_under_a_key_that_no_store_can_have_is_a_fault(room: Room) -> None:
    with calling(room.sandbox), pytest.raises(StoreFault, match="GenericError"):
        room.platform.begin_insert("s", "..", b"")


@pytest.mark.parametrize("listing", [b"", b"[]", b"{}", b'{"data": 1, "meta": {}}', b'{"data": []}'])
def test_listing_that_is_none_is_a_fault(room: Room, listing: bytes) -> None:
    with pytest.raises(StoreFault, match="a listing that is none"):
        room.module.read_listing(listing)


def test_answer_has_the_status_the_beginning_of_the_body_and_when_to_come_again(room: Room) -> None:
    room.client.backends["events"].answer = lambda _: (429, b"x" * 100_000)
    with calling(room.sandbox):
        answer = room.platform.begin_send("events", "http://e/", (), b"{}").find_answer()
    assert (answer.status, answer.retry_after, answer.problem) == (429, "", "")
    assert 0 < len(answer.start) < 100_000
    assert set(answer.start) == set(b"x")


def test_delivery_is_waited_for_no_longer_than_asked(room: Room) -> None:
    may_answer = threading.Event()

    def answer(_delivered: Delivered) -> tuple[int, bytes]:
        may_answer.wait(20)
        return 202, b""

    events = room.client.backends["events"]
    events.late, events.answer = True, answer
    with calling(room.sandbox):
        pending = room.platform.begin_send("events", "http://e/", (), b"{}")
        room.platform.wait_any([pending], 0.001)
        assert pending.find_answer() is None
        may_answer.set()
        room.platform.wait_any([pending], 20)
        assert pending.find_answer().status == 202


def test_delivery_that_breaks_says_how(room: Room) -> None:
    room.client.faults.fail("send", "http-incomplete")
    with calling(room.sandbox):
        answer = room.platform.begin_send("events", "http://e/", (), b"{}").find_answer()
    assert answer.problem == "the backend failed: HttpIncomplete"


def test_answer_whose_body_breaks_still_has_its_status(room: Room) -> None:
    room.client.faults.break_body("send", 0)
    with calling(room.sandbox):
        answer = room.platform.begin_send("events", "http://e/", (), b"{}").find_answer()
    assert (answer.status, answer.start, answer.problem) == (202, b"", "")


def test_waiting_for_nothing_takes_its_time(room: Room) -> None:
    started = time.monotonic()
    room.platform.wait_any([], 0.02)
    assert time.monotonic() - started >= 0.02


def test_value_is_read_once(room: Room) -> None:
    room.client.service.kv_stores["s"].insert("k", b"value")
    with calling(room.sandbox):
        entry = room.platform.begin_lookup("s", "k").wait()
        assert entry.read() == b"value"
        with pytest.raises(StoreFault, match="without a value"):
            entry.read()


@pytest.mark.parametrize("metadata", ["noted", None])
def test_metadata_is_what_was_written(room: Room, metadata: str | None) -> None:
    with calling(room.sandbox):
        room.platform.begin_insert("s", "k", b"", InsertRules(metadata=metadata)).wait()
        assert room.platform.begin_lookup("s", "k").wait().metadata() == metadata


def test_metadata_longer_than_anyone_writes_is_a_fault(room: Room) -> None:
    room.client.service.kv_stores["s"].insert("k", b"", metadata="m" * 70_000)
    with calling(room.sandbox), pytest.raises(StoreFault, match="metadata failed: BufferLen"):
        room.platform.begin_lookup("s", "k").wait().metadata()


def test_fault_is_named_by_its_detail_where_there_is_one(room: Room) -> None:
    bindings = load_bindings()
    requests, types = bindings["wit_world.imports.http_req"], bindings["wit_world.imports.types"]
    value = requests.ErrorWithDetail(requests.SendErrorDetail_DnsTimeout(), types.Error_GenericError())
    assert room.module.name_error(bindings["componentize_py_types"].Err(value)) == "DnsTimeout"


@pytest.mark.parametrize(("size", "status"), [(1_048_576, 400), (1_048_577, 413)])
def test_body_is_read_up_to_the_limit(client: Client, size: int, status: int) -> None:
    key = (("statsig-api-key", b"secret-local"),)
    assert client.ask("POST", "/v1/check_gate", b" " * size, key).status == status


def test_header_too_long_to_be_meant_for_us_counts_as_absent(client: Client) -> None:
    reply = client.ask("POST", "/v1/check_gate", b"{}", (("statsig-api-key", b"k" * 70_000),))
    assert (reply.status, json.loads(reply.content)["message"]) == (401, "send a key in the header statsig-api-key")


def test_sandbox_that_waits_for_a_request_settles_its_deliveries_meanwhile(client: Client) -> None:
    events = client.backends["events"]
    events.late = True
    first, second = (ask.exchange() for ask in (Ask("GET", "/gate?name=test_fastly&userID=u"), HEALTH))
    with client.host as host:
        host.dispatch(first)
        first.wait(20)
        deadline = time.monotonic() + 20
        while not events.received and time.monotonic() < deadline:
            time.sleep(0.01)
        host.dispatch(second)
        _, body = second.wait(20)
    assert json.loads(b"".join(body.pieces()))["sandbox"]["requests"] == 2
    assert len(events.received) == 1
