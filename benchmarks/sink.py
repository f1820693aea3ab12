"""Where the events of measured services go: a server that reads a body, answers 202 and keeps a count.

    python -m benchmarks.sink PORT

In a process of its own, and as light as it can be: it shares the processors with what is measured. Its last line of
output is the number of bodies.
"""

import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.timed_server import ADDRESS, find_free_port
from devhost.build import ROOT

REPLY = b'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"success":true}'
LENGTH = b"content-length:"


class Sink:
    """Answers every request on every connection when its body is there."""

    def __init__(self, listener: socket.socket) -> None:
        self.bodies = 0
        self._waiting = selectors.DefaultSelector()
        self._listener = listener
        self._waiting.register(listener, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until a signal ends it."""
        while True:
            for key, _ in self._waiting.select():
                if key.data is None:
                    client, _address = self._listener.accept()
                    self._waiting.register(client, selectors.EVENT_READ, (client, bytearray()))
                else:
                    self._take(*key.data)

    def _take(self, client: socket.socket, received: bytearray) -> None:
        """Take what came, and answer every request that is whole; a client that has gone is let go."""
        try:
            part = client.recv(1 << 18)
            received += part
            while (end := find_end(bytes(received))) is not None:
                del received[:end]
                self.bodies += 1
                client.sendall(REPLY)
        except ConnectionError:
            part = b""
        if not part:
            self._waiting.unregister(client)
            client.close()


def find_end(received: bytes) -> int | None:
    """Return where the first request ends, None while it is not whole; its body has a length or comes in chunks."""
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return None
    for line in head.lower().split(b"\r\n"):
        if line.startswith(LENGTH):
            end = len(head) + 4 + int(line[len(LENGTH) :])
            return end if len(received) >= end else None
    last = body.find(b"0\r\n\r\n") if body.startswith(b"0\r\n") else body.find(b"\r\n0\r\n\r\n")
    return None if last < 0 else received.index(b"0\r\n\r\n", len(head) + 4 + last) + 5


@contextmanager
def running_sink() -> Iterator[int]:
    """Run a sink and give its port; in a process of its own, or it would take this one's time."""
    port = find_free_port()
    command = [sys.executable, "-m", "benchmarks.sink", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as sink:
        try:
            yield port
        finally:
            sink.terminate()


def serve(port: int) -> None:
    """Serve until asked to stop, then say how many bodies came."""
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: sys.exit())
    with socket.create_server((ADDRESS, port), backlog=512) as listener:
        sink = Sink(listener)
        try:
            sink.run()
        finally:
            print(sink.bodies, flush=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
