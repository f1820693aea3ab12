"""Where the events of measured services go: a server that reads a body, answers 202 and keeps a count.

    python -m benchmarks.sink PORT

In a process of its own, and as light as it can be: it shares the processors with what is measured. Its last line of
output is the number of bodies.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.timed_server import ADDRESS, find_free_port
from devhost.build import ROOT

REPLY = b'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"success":true}'
LENGTH = b"content-length:"


class Swallow(asyncio.Protocol):
    """One connection, of which every request is answered when its body is there."""

    bodies = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer every request that is whole."""
        self.received += data
        while (end := find_end(self.received)) is not None:
            self.received = self.received[end:]
            Swallow.bodies += 1
            if isinstance(self.transport, asyncio.Transport):
                self.transport.write(REPLY)


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


async def serve(port: int) -> None:
    """Serve until asked to stop."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    server = await loop.create_server(Swallow, ADDRESS, port, backlog=512)
    async with server:
        await stopped.wait()
    print(Swallow.bodies, flush=True)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
