"""A local event sink: stands where Statsig's event endpoint stands, on loopback.

It answers as Statsig does (202 `{"success": true}`), keeps each body as one line of a file, and prints a line per
event: the event's name, the entity, its value and rule. Nothing of the user is printed; the file holds everything.

    python -m devhost.event_sink --port 7677 --keep .local/events.jsonl [--delay SECONDS] [--status CODE]
    curl -X PUT http://127.0.0.1:7677/mood -d '{"status": 429, "retry_after": 3}'

Its mood says what a slow or failing Statsig would do, and may be changed while it runs: wait before it answers, answer
another status (300 and above keeps nothing), ask to be left alone, or break the connection in the middle of the body.
"""

import argparse
import gzip
import json
import signal
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TextIO

HOST = "127.0.0.1"
GZIP_MAGIC = b"\x1f\x8b"
ENTITY_KEYS = ("gate", "config")


@dataclass(slots=True)
class Received:
    """Where received events go: a file of bodies, a stream of lines, a count. Safe to share between threads."""

    keep: Path | None
    lines: TextIO
    bodies: int = 0
    events: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes) -> None:
        """Keep one `log_event` body and print a line for each event; raises `ValueError` when it is something else."""
        document = json.loads(decompress(body))
        lines = [describe_event(event) for event in iterate_events(document)]
        with self._lock:
            if self.keep is not None:
                with self.keep.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(document, ensure_ascii=False) + "\n")
            for line in lines:
                print(line, file=self.lines, flush=True)
            # Last: who waits for a count then finds everything kept.
            self.bodies += 1
            self.events += len(lines)


def decompress(body: bytes) -> bytes:
    """Return the body as it was before gzip, told by its first bytes: the header is not always there."""
    if not body.startswith(GZIP_MAGIC):
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as problem:
        raise ValueError(f"broken gzip: {problem}") from problem


def iterate_events(document: object) -> Iterator[dict[str, Any]]:
    """Yield the events of a `log_event` body; raises `ValueError` when it is not one."""
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ValueError('expected {"events": [{...}, ...]}')
    yield from events


def describe_event(event: dict[str, Any]) -> str:
    """Say in one line what an event reports, and nothing about the user."""
    metadata = event.get("metadata")
    facts = metadata if isinstance(metadata, dict) else {}
    entity = next((facts[key] for key in ENTITY_KEYS if key in facts), None)
    parts = [f"event  {event.get('eventName')}"]
    if entity is not None:
        parts.append(str(entity))
    parts += [f"{label}={facts[key]}" for label, key in (("value", "gateValue"), ("rule", "ruleID")) if key in facts]
    return "  ".join(parts)


@dataclass(frozen=True, slots=True)
class Mood:
    """What the sink does with a batch."""

    delay: float = 0.0  # seconds before it answers
    status: int = 202
    retry_after: int | None = None
    resets: bool = False  # the connection, before it has read the whole body


def read_mood(document: object) -> Mood:
    """Read a mood from JSON; raises `ValueError` when it is none."""
    try:
        return Mood(**document)  # type: ignore[arg-type]  # what is no object of these names is a TypeError
    except TypeError as problem:
        raise ValueError(str(problem)) from problem


class SinkServer(ThreadingHTTPServer):
    """Serves the sink; each request has a thread, so a delayed answer holds up no other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, received: Received, mood: Mood | None = None) -> None:
        self.received = received
        self.mood = Mood() if mood is None else mood
        self.posts = 0  # requests that carried a batch, whatever became of it
        self.is_listening = True
        super().__init__((HOST, port), SinkHandler)

    def stop_listening(self) -> None:
        """Refuse connections from now on, and break those that are open when they are used."""
        self.is_listening = False
        self.shutdown()
        self.server_close()

    def listen_again(self) -> None:
        """Take connections again, on the same port and a thread of its own."""
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        self.server_activate()
        self.is_listening = True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Return the port in use, which differs from the one asked for when that was 0."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say in one line that a sender broke off; anything else is a fault of ours and shows its traceback."""
        problem = sys.exception()
        if isinstance(problem, ConnectionError):
            print(f"gatelet: a sender of events broke off: {problem}", file=sys.stderr)
        else:
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # only handed on


class SinkHandler(BaseHTTPRequestHandler):
    """Takes any POST as a batch of events."""

    protocol_version = "HTTP/1.1"
    server: SinkServer

    def do_POST(self) -> None:
        """Keep the batch and answer as Statsig does."""
        mood = self.server.mood
        self.server.posts += 1
        if mood.resets or not self.server.is_listening:
            self._reset()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(self._read_chunks())
        status, answer = self._take(body, mood)
        time.sleep(mood.delay)
        self._reply(status, answer, mood.retry_after)

    def do_PUT(self) -> None:
        """Change the mood."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.server.mood = read_mood(json.loads(body))
        except ValueError as problem:
            self._reply(400, {"error": str(problem)})
        else:
            self._reply(200, {"success": True})

    def do_GET(self) -> None:
        """Say how much has arrived."""
        received = self.server.received
        self._reply(200, {"bodies": received.bodies, "events": received.events, "posts": self.server.posts})

    def _reset(self) -> None:
        """Break the connection so that the sender sees a reset and not an end."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _take(self, body: bytes, mood: Mood) -> tuple[int, dict[str, object]]:
        if mood.status >= 300:
            return mood.status, {"error": "the sink was told to answer so"}
        try:
            self.server.received.take(body)
        except ValueError as problem:
            return 400, {"error": str(problem)}
        return mood.status, {"success": True}

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _reply(self, status: int, value: dict[str, object], retry_after: int | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet: each event has its own line."""


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m devhost.event_sink", description="A local event sink.")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--keep", type=Path, help="append each body to this file")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds to wait before each answer")
    parser.add_argument("--status", type=int, default=202, help="answer with this; 300 and above keeps nothing")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run the sink until SIGTERM or Ctrl-C."""
    options = parse_arguments(arguments)
    if options.keep is not None:
        options.keep.parent.mkdir(parents=True, exist_ok=True)
    try:
        mood = Mood(delay=options.delay, status=options.status)
        server = SinkServer(options.port, Received(options.keep, sys.stdout), mood)
    except OSError as problem:
        print(f"gatelet: the event sink cannot listen on port {options.port}: {problem.strerror}", file=sys.stderr)
        return 1
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"gatelet: event sink on http://{HOST}:{server.port}", flush=True)
        stop.wait()
        server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
