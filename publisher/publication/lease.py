"""One writer at a time: a lease in the store, held while somebody publishes, rolls back or collects.

The lease keeps honest writers apart; what keeps a mixture out when a writer comes back after its lease has ended is the
generation that every switching write is conditional on. It lasts a minute, is renewed when half of it is over, and is
deleted at the end. A writer that was killed leaves it behind: on the same machine, and in the same container, the next
one sees that the process is gone and takes it over at once; elsewhere it waits until the lease ends, or says so.
"""

import getpass
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final, NamedTuple
from uuid import getnode

from publisher.exit_codes import Conflict
from publisher.stores.port import Item, Store, StoreProblem
from specstore.keys import lease_key
from specstore.limits import Write

LEASE_MS: Final = 60_000
PAUSE_SECONDS: Final = 1.0


class Holder(NamedTuple):
    """Who holds a lease, what for, and until when in milliseconds since 1970; `host` is where `pid` means something."""

    who: str
    host: str
    pid: int
    nonce: str
    doing: str
    until_ms: int

    def is_gone(self, now: int) -> bool:
        """Tell whether the lease is over, or its holder was a process of this machine that has ended."""
        return now >= self.until_ms or (self.host == name_host() and not is_running(self.pid))

    def describe(self, now: int) -> str:
        """Say who it is, and how long the lease lasts."""
        return f"{self.who} (process {self.pid}) is at it: {self.doing}, for {(self.until_ms - now) / 1000:.0f} s more"


@dataclass(slots=True)
class Lease:
    """The right to write, which this process holds."""

    store: Store
    key: str
    holder: Holder

    def hold(self) -> None:
        """Renew the lease when half of it is over; raises Conflict when somebody else has it."""
        if self.holder.until_ms - now_ms() > LEASE_MS // 2:
            return
        found = self._find_own()
        renewed = self.holder._replace(until_ms=now_ms() + LEASE_MS)
        if not self.store.replace(Write(self.key, encode_holder(renewed)), found.generation):
            raise Conflict(LOST)
        self.holder = renewed

    def release(self) -> None:
        """Give the lease back; if it is somebody else's by now it stays."""
        found = self.store.find(self.key)
        if found is not None and is_held_by(found, self.holder):
            self.store.remove(self.key, found.generation)

    def _find_own(self) -> Item:
        found = self.store.find(self.key)
        if found is None or not is_held_by(found, self.holder):
            raise Conflict(LOST)
        return found


LOST: Final = "somebody else has begun to write here, because this took longer than its lease: try again"


@contextmanager
def leased(
    store: Store, spec_key: str, doing: str, *, wait_seconds: float = 0.0, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Lease]:
    """Hold the lease of a spec for a block; raises Conflict when somebody else has it for longer than the wait."""
    key = lease_key(spec_key)
    until = time.monotonic() + wait_seconds
    while not isinstance(found := take(store, key, doing), Lease):
        if time.monotonic() >= until:
            who = "somebody else began in the same moment" if found is None else found.describe(now_ms())
            raise Conflict(f"{who}. Try again then, or give --wait")
        sleep(PAUSE_SECONDS)
    try:
        yield found
    finally:
        with suppress(StoreProblem):  # the lease ends by itself, and what was done is done
            found.release()


def take(store: Store, key: str, doing: str) -> Lease | Holder | None:
    """Take the lease, or return who has it; None when somebody else was quicker and has given it back."""
    found = store.find(key)
    before = None if found is None else decode_holder(found.value)
    if before is not None and not before.is_gone(now_ms()):
        return before
    mine = Holder(name_user(), name_host(), os.getpid(), token_hex(8), doing, now_ms() + LEASE_MS)
    if store.replace(Write(key, encode_holder(mine)), None if found is None else found.generation):
        return Lease(store, key, mine)
    found = store.find(key)
    return None if found is None else decode_holder(found.value)


def is_running(pid: int) -> bool:
    """Tell whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_held_by(found: Item, holder: Holder) -> bool:
    """Tell whether a lease that was read is the one of this holder."""
    read = decode_holder(found.value)
    return read is not None and read.nonce == holder.nonce


def encode_holder(holder: Holder) -> bytes:
    """Write the value of the lease's key."""
    return json.dumps(holder._asdict()).encode()


def decode_holder(value: bytes) -> Holder | None:
    """Read the value of the lease's key; None when it is not understood, and so nobody's."""
    try:
        fields = json.loads(value)
        who, host, nonce, doing = (str(fields[name]) for name in ("who", "host", "nonce", "doing"))
        return Holder(who, host, int(fields["pid"]), nonce, doing, int(fields["until_ms"]))
    except (ValueError, TypeError, KeyError):
        return None


def name_user() -> str:
    """Return who publishes, for people."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):  # a container may have no name for its user
        return socket.gethostname()


@cache
def name_host() -> str:
    """Return what tells machines and containers apart: names of hosts repeat, and so do process IDs in containers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        place = boot + str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux
        place = str(getnode())
    return f"{socket.gethostname()} {sha256(place.encode()).hexdigest()[:12]}"


def now_ms() -> int:
    """Return the wall clock."""
    return time.time_ns() // 1_000_000
