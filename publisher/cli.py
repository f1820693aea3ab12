"""The entry of the command line `gatelet`.

Only the command that is asked for gets imported, so that each starts as quickly as its own needs allow; `gatelet
--help` and shell completion import them all. A new command is a row in `COMMANDS` and a module: with a function `run`,
or, for a command with commands of its own, with a Typer app `app`.
"""

import importlib
import sys
from io import TextIOWrapper
from typing import Final

import typer

from publisher.console import print_trouble
from publisher.exit_codes import Trouble

ABOUT: Final = "Bring Statsig specs to the edge, look into them, and work with stored events."
COMMANDS: Final = {
    "check": "publisher.commands.check",
    "diff": "publisher.commands.diff",
    "doctor": "publisher.commands.doctor",
    "evaluate": "publisher.commands.evaluate",
    "events": "publisher.commands.events",
    "explain": "publisher.commands.explain",
    "gc": "publisher.commands.gc",
    "init": "publisher.commands.init",
    "override": "publisher.commands.override",
    "pull": "publisher.commands.pull",
    "push": "publisher.commands.push",
    "rollback": "publisher.commands.rollback",
    "status": "publisher.commands.status",
    "sync": "publisher.commands.sync",
    "versions": "publisher.commands.versions",
}


def build_app(arguments: list[str]) -> typer.Typer:
    """Build the command line with the commands these arguments need."""
    app = typer.Typer(
        help=ABOUT,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(describe)
    for name in [name for name in COMMANDS if name in arguments[:1]] or COMMANDS:
        add_command(app, name)
    return app


def add_command(app: typer.Typer, name: str) -> None:
    """Add a command, or a group of commands."""
    module = importlib.import_module(COMMANDS[name])
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name)(module.run)


def describe() -> None:
    """Bring Statsig specs to the edge, look into them, and work with stored events."""


def take_any_text() -> None:
    """Let output hold what its encoding does not: names in a spec may have lone surrogates, terminals may be ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line, with room on the stack for gates nested as deep as the official core allows."""
    sys.setrecursionlimit(3_000)
    take_any_text()
    arguments = sys.argv[1:]
    try:
        build_app(arguments)()
    except Trouble as trouble:
        print_trouble(trouble, as_json="--json" in arguments)
        sys.exit(trouble.exit_code)


if __name__ == "__main__":
    main()
