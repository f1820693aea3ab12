"""The event sink takes what senders of events send, and shows nothing of the user."""

import gzip
import http.client
import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost.event_sink import Mood, Received, SinkServer, describe_event

GATE_EVENT = {
    "eventName": "statsig::gate_exposure",
    "user": {"userID": "ada", "email": "ada@example.com"},
    "metadata": {"gate": "test_fastly", "gateValue": "true", "ruleID": "half"},
}


class Sink:
    """A running sink and what it has shown and kept."""

    def __init__(self, folder: Path, delay: float = 0.0, status: int = 202) -> None:
        self.shown = io.StringIO()
        self.kept = folder / "events.jsonl"
        self.received = Received(self.kept, self.shown)
        self.server = SinkServer(0, self.received, Mood(delay=delay, status=status))

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, object]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request("POST", "/v1/log_event", body, headers or {})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()


def run_sink(sink: Sink) -> Iterator[Sink]:
    with sink.server:
        thread = threading.Thread(target=sink.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield sink
        sink.server.shutdown()
        thread.join()


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    yield from run_sink(Sink(tmp_path))


@pytest.fixture
def slow_sink(tmp_path: Path) -> Iterator[Sink]:
    yield from run_sink(Sink(tmp_path, delay=0.3))


@pytest.fixture
def failing_sink(tmp_path: Path) -> Iterator[Sink]:
    yield from run_sink(Sink(tmp_path, status=503))


def batch(*events: object) -> bytes:
    return json.dumps({"events": events, "statsigMetadata": {}}).encode()


def test_answers_as_statsig_does_and_keeps_the_body(sink: Sink) -> None:
    assert sink.post(batch(GATE_EVENT)) == (202, {"success": True})
    assert json.loads(sink.kept.read_text())["events"] == [GATE_EVENT]


def test_takes_a_gzipped_body_with_or_without_the_header(sink: Sink) -> None:
    body = gzip.compress(batch(GATE_EVENT))
    assert sink.post(body, {"Content-Encoding": "gzip"})[0] == 202
    assert sink.post(body)[0] == 202
    assert sink.received.events == 2


def test_prints_one_line_per_event_without_the_user(sink: Sink) -> None:
    sink.post(batch(GATE_EVENT, GATE_EVENT))
    assert (
        sink.shown.getvalue().splitlines()
        == [
            "event  statsig::gate_exposure  test_fastly  value=true  rule=half",
        ]
        * 2
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"events": 1}', b'{"events": [1]}', b"\xff\xfe", b"\x1f\x8bbroken"],
)
def test_refuses_what_is_not_a_batch_and_goes_on(sink: Sink, body: bytes) -> None:
    assert sink.post(body)[0] == 400
    assert sink.post(batch(GATE_EVENT))[0] == 202
    assert sink.received.bodies == 1


def test_a_delay_holds_up_the_answer_but_not_the_event(slow_sink: Sink) -> None:
    started = time.monotonic()
    slow_sink.post(batch(GATE_EVENT))
    assert time.monotonic() - started >= 0.3
    assert slow_sink.received.events == 1


def test_a_failing_sink_keeps_nothing(failing_sink: Sink) -> None:
    assert failing_sink.post(batch(GATE_EVENT))[0] == 503
    assert failing_sink.received.bodies == 0


def test_takes_a_chunked_body(sink: Sink) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sink.server.port, timeout=10)
    body = batch(GATE_EVENT)
    connection.request("POST", "/", iter([body[:10], body[10:]]), encode_chunked=True)
    assert connection.getresponse().status == 202
    connection.close()


def test_describes_a_config_exposure_and_an_event_of_ones_own() -> None:
    config = {"eventName": "statsig::config_exposure", "metadata": {"config": "delivery", "ruleID": "default"}}
    assert describe_event(config) == "event  statsig::config_exposure  delivery  rule=default"
    assert describe_event({"eventName": "bought", "value": 3, "metadata": None}) == "event  bought"


def test_mood_changes_while_it_runs(sink: Sink) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sink.server.port, timeout=10)
    connection.request("PUT", "/mood", b'{"status": 429, "retry_after": 3}')
    assert connection.getresponse().read() == b'{"success": true}'
    connection.request("POST", "/", batch(GATE_EVENT))
    reply = connection.getresponse()
    reply.read()
    connection.close()
    assert (reply.status, reply.getheader("Retry-After"), sink.received.events) == (429, "3", 0)


@pytest.mark.parametrize("mood", ['{"colour": 1}', "[]", "{"])
def test_mood_that_is_none_is_refused(sink: Sink, mood: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sink.server.port, timeout=10)
    connection.request("PUT", "/mood", mood)
    assert connection.getresponse().status == 400
    connection.close()


def test_resets_in_the_middle_of_the_body(sink: Sink) -> None:
    sink.server.mood = Mood(resets=True)
    with pytest.raises(ConnectionError):
        sink.post(batch(*[GATE_EVENT] * 1000))
    assert (sink.received.events, sink.server.posts) == (0, 1)


def test_refuses_connections_and_takes_them_again(sink: Sink) -> None:
    sink.server.stop_listening()
    with pytest.raises(ConnectionRefusedError):
        sink.post(batch(GATE_EVENT))
    sink.server.listen_again()
    assert sink.post(batch(GATE_EVENT)) == (202, {"success": True})
