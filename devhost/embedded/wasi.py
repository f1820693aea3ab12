"""WASI 0.2 for a guest without files and sockets.

CPython in the component asks for clocks, random bytes, the environment and standard streams, and for nothing else. A
`World` says what they give: `system_world` is this machine, `fixed_world` never differs, which makes instruction counts
exact. What the guest writes to its streams is kept, because a Python traceback is all that explains a trap.
"""

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from devhost.fastly.values import Err, Interface, Resource

NANOSECONDS = 1_000_000_000
STREAM_ROOM = 1 << 16


@dataclass(slots=True)
class World:
    """What a sandbox sees of the world."""

    wall_ns: Callable[[], int]
    monotonic_ns: Callable[[], int]
    sleep_ns: Callable[[int], None]
    cpu_ns: Callable[[], int]  # of the calling thread
    random_bytes: Callable[[int], bytes]
    environment: Mapping[str, str]


FASTLY_ENVIRONMENT = {
    "FASTLY_CACHE_GENERATION": "0",
    "FASTLY_CUSTOMER_ID": "0000000000000000000000",
    "FASTLY_POP": "XXX",
    "FASTLY_REGION": "Somewhere",
    "FASTLY_SERVICE_ID": "0000000000000000000000",
    "FASTLY_SERVICE_VERSION": "0",
    "FASTLY_HOSTNAME": "localhost",
    "FASTLY_IS_STAGING": "0",
}


def system_world(sandbox_id: int) -> World:
    """Give this machine's clocks and randomness, and the environment that Viceroy gives."""
    environment = {**FASTLY_ENVIRONMENT, "FASTLY_TRACE_ID": f"{sandbox_id:032x}"}
    return World(
        time.time_ns,
        time.monotonic_ns,
        lambda nanoseconds: time.sleep(nanoseconds / NANOSECONDS),
        time.thread_time_ns,
        os.urandom,
        environment,
    )


def fixed_world(_sandbox_id: int = 0, *, wall_s: int = 1_700_000_000, seed: int = 1) -> World:
    """Give a world that is the same each time: the clock goes a microsecond further at each look, and sleep is free."""
    now = FixedClock(wall_s * NANOSECONDS)
    random_bytes = random.Random(seed).randbytes  # noqa: S311  # it must repeat
    return World(now.look, now.look, now.advance, lambda: 0, random_bytes, {})


class FixedClock:
    """A clock that only looking and sleeping moves."""

    def __init__(self, start_ns: int) -> None:
        self._now = start_ns

    def look(self) -> int:
        """Return the time, a microsecond later than before."""
        self._now += 1000
        return self._now

    def advance(self, nanoseconds: int) -> None:
        """Move the clock."""
        self._now += nanoseconds


class GuestExit(Exception):
    """The guest called `exit`."""

    def __init__(self, status: object) -> None:
        super().__init__(f"the guest called exit({status!r})")
        self.succeeded = not isinstance(status, Err)


@dataclass(slots=True)
class Streams:
    """What a guest wrote to its standard streams."""

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)


class WaitUntil(Resource):
    """A point of the monotonic clock that the guest waits for."""

    def __init__(self, world: World, when_ns: int) -> None:
        self._world = world
        self._when = when_ns

    def ready(self) -> bool:
        """Say whether the time has come."""
        return self._world.monotonic_ns() >= self._when

    def block(self) -> None:
        """Wait for it."""
        self._world.sleep_ns(max(0, self._when - self._world.monotonic_ns()))


class OutputStream(Resource):
    """A standard stream that keeps what is written."""

    def __init__(self, kept: bytearray, world: World) -> None:
        self._kept = kept
        self._world = world

    def check_write(self) -> int:
        """Say how much may be written at once."""
        return STREAM_ROOM

    def write(self, contents: bytes) -> None:
        """Keep what is written."""
        self._kept += contents

    def blocking_write_and_flush(self, contents: bytes) -> None:
        """Keep what is written."""
        self._kept += contents

    def flush(self) -> None:
        """Everything is kept already."""

    def blocking_flush(self) -> None:
        """Everything is kept already."""

    def subscribe(self) -> WaitUntil:
        """Return what is always ready."""
        return WaitUntil(self._world, 0)


class InputStream(Resource):
    """The standard input of a guest, which has none."""

    def read(self, _size: int) -> bytes:
        """Say that it is closed."""
        raise Err("closed")

    def blocking_read(self, _size: int) -> bytes:
        """Say that it is closed."""
        raise Err("closed")


class WasiInterface(Interface):
    """What all interfaces of WASI are made with."""

    def __init__(self, world: World, streams: Streams) -> None:
        self._world = world
        self._streams = streams


class Poll(WasiInterface):
    """`wasi:io/poll`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"pollable": WaitUntil}

    def poll(self, waits: list[WaitUntil]) -> list[int]:
        """Wait until something is ready and say what."""
        while not (ready := [index for index, wait in enumerate(waits) if wait.ready()]):
            self._world.sleep_ns(NANOSECONDS // 1000)
        return ready


class IoStreams(WasiInterface):
    """`wasi:io/streams`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"input-stream": InputStream, "output-stream": OutputStream}


class WallClock(WasiInterface):
    """`wasi:clocks/wall-clock`."""

    def now(self) -> dict[str, int]:
        """Tell the time."""
        seconds, nanoseconds = divmod(self._world.wall_ns(), NANOSECONDS)
        return {"seconds": seconds, "nanoseconds": nanoseconds}

    def resolution(self) -> dict[str, int]:
        """Tell how fine the clock is."""
        return {"seconds": 0, "nanoseconds": 1000}


class MonotonicClock(WasiInterface):
    """`wasi:clocks/monotonic-clock`."""

    def now(self) -> int:
        """Tell the time since some start."""
        return self._world.monotonic_ns()

    def resolution(self) -> int:
        """Tell how fine the clock is."""
        return 1000

    def subscribe_instant(self, when: int) -> WaitUntil:
        """Return a wait for a time."""
        return WaitUntil(self._world, when)

    def subscribe_duration(self, duration: int) -> WaitUntil:
        """Return a wait of a length."""
        return WaitUntil(self._world, self._world.monotonic_ns() + duration)


class Random(WasiInterface):
    """`wasi:random/random`, `insecure` and `insecure-seed`: all three give the same."""

    def get_random_bytes(self, size: int) -> bytes:
        """Return random bytes."""
        return self._world.random_bytes(size)

    def get_random_u64(self) -> int:
        """Return a random number."""
        return int.from_bytes(self._world.random_bytes(8))

    get_insecure_random_bytes = get_random_bytes
    get_insecure_random_u64 = get_random_u64

    def insecure_seed(self) -> tuple[int, int]:
        """Return two random numbers."""
        return self.get_random_u64(), self.get_random_u64()


class CommandLine(WasiInterface):
    """`wasi:cli/environment`, `exit`, `stdin`, `stdout` and `stderr`."""

    def get_environment(self) -> list[tuple[str, str]]:
        """Return the environment."""
        return list(self._world.environment.items())

    def get_arguments(self) -> list[str]:
        """Return the name that Viceroy gives a service."""
        return ["compute-app"]

    def initial_cwd(self) -> None:
        """Say that there is no directory."""

    def exit(self, status: object) -> None:
        """End the guest."""
        raise GuestExit(status)

    def get_stdin(self) -> InputStream:
        """Return an input that is closed."""
        return InputStream()

    def get_stdout(self) -> OutputStream:
        """Return a stream that keeps what is written."""
        return OutputStream(self._streams.stdout, self._world)

    def get_stderr(self) -> OutputStream:
        """Return a stream that keeps what is written."""
        return OutputStream(self._streams.stderr, self._world)


WASI_INTERFACES: dict[str, type[WasiInterface]] = {
    "wasi:io/poll": Poll,
    "wasi:io/streams": IoStreams,
    "wasi:clocks/wall-clock": WallClock,
    "wasi:clocks/monotonic-clock": MonotonicClock,
    "wasi:random/random": Random,
    "wasi:random/insecure": Random,
    "wasi:random/insecure-seed": Random,
    "wasi:cli/environment": CommandLine,
    "wasi:cli/exit": CommandLine,
    "wasi:cli/stdin": CommandLine,
    "wasi:cli/stdout": CommandLine,
    "wasi:cli/stderr": CommandLine,
}
