"""How a command ends: the exit codes of docs/command-line.md, and the exceptions that carry them.

Whatever keeps a command from its work is a `Trouble` of one of these kinds; its text is one sentence for a person, who
should know from it what to do. `publisher.cli` catches it once, and `publisher.console` prints it. Anything else that
is raised is a bug.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a shell, cron or CI is told."""

    DONE = 0
    FOUND = 1
    UNUSABLE = 2
    FAILED = 3
    CONFLICT = 4
    WARNED = 5


MEANINGS = {
    ExitCode.DONE: "Done; also when there was nothing to do",
    ExitCode.FOUND: "Something is wrong with what was looked at: `check` or `doctor` found an error, `sync` a spec "
    "that it does not publish, `diff` a larger change than `--most`",
    ExitCode.UNUSABLE: "What was given cannot be used: an option, a file, `gatelet.toml`, a missing secret",
    ExitCode.FAILED: "A server or a store did not do what it was asked; trying again later may help",
    ExitCode.CONFLICT: "Somebody else is writing, or has written meanwhile; nothing of both is mixed",
    ExitCode.WARNED: "`check` or `doctor` found warnings only, and `--fail-on warning` was given",
}


class Trouble(Exception):
    """What keeps a command from its work; the text says what, and what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class Unusable(Trouble):
    """What was given cannot be used: mend it before trying again."""

    exit_code = ExitCode.UNUSABLE


class Failed(Trouble):
    """A server or a store did not do what it was asked."""

    exit_code = ExitCode.FAILED


class Conflict(Trouble):
    """Somebody else is writing, or has written meanwhile."""

    exit_code = ExitCode.CONFLICT
