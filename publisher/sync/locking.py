"""One process at a time in a folder: a lock that the system takes back when its holder ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from publisher.exit_codes import Conflict, Unusable

LOCK_NAME: Final = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder for a block; raises Conflict when another process has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK_NAME).open("ab")
    except OSError as problem:
        raise Unusable(f"cannot write to {folder}: {problem.strerror}") from problem
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise Conflict(f"another gatelet works in {folder}: wait for it, or use another folder") from problem
        yield
