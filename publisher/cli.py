"""The entry of the command line `gatelet`.

Only the command that is asked for gets imported, so that each starts as quickly as its own needs allow; `gatelet
--help` imports them all. A new command is a module with a function `run`, and a row in `COMMANDS`.
"""

import importlib
import sys
from typing import Final

import typer

COMMANDS: Final = {
    "evaluate": "publisher.evaluate_command",
    "events": "publisher.events_command",
    "explain": "publisher.explain_command",
}


def build_app(arguments: list[str]) -> typer.Typer:
    """Build the command line with the commands these arguments need."""
    app = typer.Typer(
        help="Work with Statsig specs and with stored events.", no_args_is_help=True, pretty_exceptions_enable=False
    )
    app.callback()(describe)
    asked = [name for name in COMMANDS if name in arguments[:1]]
    for name in asked or COMMANDS:
        app.command(name)(importlib.import_module(COMMANDS[name]).run)
    return app


def describe() -> None:
    """Work with Statsig specs and with stored events."""


def main() -> None:
    """Run the command line, with room on the stack for gates nested as deep as the official core allows."""
    sys.setrecursionlimit(3_000)
    build_app(sys.argv[1:])()


if __name__ == "__main__":
    main()
