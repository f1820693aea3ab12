"""A real Redis of the tests' own, on loopback, gone after the test."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

SECONDS = 10.0


@contextmanager
def running_redis(folder: Path) -> Iterator[redis.Redis]:
    """Run Redis until the end of the block; skips the test when there is none on this machine."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is missing (Debian: apt install redis-server)")
    port = find_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(host="127.0.0.1", port=port) as connection:
            wait_for(connection)
            yield connection
    finally:
        process.terminate()
        process.wait(SECONDS)


def find_port() -> int:
    """Return a port that is free."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(connection: redis.Redis) -> None:
    """Wait until Redis answers."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            connection.ping()
        except redis.ConnectionError:
            assert time.monotonic() < until, "redis-server does not answer"
            time.sleep(0.05)
        else:
            return


def name_url(connection: redis.Redis) -> str:
    """Return the address of a Redis."""
    return f"redis://127.0.0.1:{connection.connection_pool.connection_kwargs['port']}/0"
