"""An HTTP response as it comes in over a bare socket.

What a client does between two parts of a long response stands in its time, and a server that has to wait for the client
waits longer. So parts go into one buffer, which serves every response of a connection, and of each only its end is
looked at.
"""

import re
import socket
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_END_OF_HEAD: Final = b"\r\n\r\n"
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"
_OK: Final = b"HTTP/1.1 200 "
_ROOM: Final = 1 << 20
_LEAST_ROOM: Final = 1 << 16
_SHOWN: Final = 500


class WrongAnswer(Exception):
    """A server did not answer as it has to; its figures would mean nothing."""


class Answer:
    """A response, and how far it has come; `begin` makes room for the next one."""

    __slots__ = ("_body_at", "_buffer", "_length", "_size")

    def __init__(self) -> None:
        self._buffer = bytearray(_ROOM)
        self.begin()

    def begin(self) -> None:
        """Forget what has come."""
        self._size = 0
        self._body_at = 0  # unknown
        self._length: int | None = None  # of the body, where the head says it

    def receive(self, connection: socket.socket) -> bool:
        """Wait for a part, take it, and tell whether that was the last one; raises WrongAnswer and OSError."""
        if len(self._buffer) - self._size < _LEAST_ROOM:
            self._buffer += bytes(len(self._buffer))
        with memoryview(self._buffer) as whole, whole[self._size :] as room:
            count = connection.recv_into(room)
        if not count:
            raise WrongAnswer(f"the host broke the connection off after {self._start()!r}")
        self._size += count
        return self._is_whole()

    def _is_whole(self) -> bool:
        if not self._body_at:
            at = self._buffer.find(_END_OF_HEAD, 0, self._size)
            if at < 0:
                return False
            self._body_at = at + len(_END_OF_HEAD)
            found = _LENGTH.search(self._buffer, 0, at + 2)
            self._length = int(found[1]) if found else None
        if self._length is not None:
            return self._size - self._body_at >= self._length
        # The line before the last chunk may be the end of the head.
        return self._buffer.endswith(_LAST_CHUNK, self._body_at - 2, self._size)

    def receive_all(self, connection: socket.socket) -> None:
        """Take parts to the last; raises as `receive`."""
        while not self.receive(connection):
            pass

    def check(self, expected: bytes, start: bytes = _OK) -> None:
        """Raise WrongAnswer unless the response begins and goes on as it has to."""
        if not self._buffer.startswith(start) or self._buffer.find(expected, 0, self._size) < 0:
            raise WrongAnswer(f"expected {start!r} and {expected!r}, and got {self._start()!r}")

    def _start(self) -> bytes:
        return bytes(self._buffer[: min(self._size, _SHOWN)])

    @property
    def body(self) -> bytes:
        """Return the body of a response that is whole, without its division into chunks."""
        body = bytes(self._buffer[self._body_at : self._size])
        return join_chunks(body) if self._length is None else body


def join_chunks(body: bytes) -> bytes:
    """Return a body that came in chunks as one."""
    parts: list[bytes] = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        body = rest[length + 2 :] if length else b""
    return b"".join(parts)
