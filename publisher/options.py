"""Options that several commands have, so that they are called and explained the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        envvar="GATELET_PROFILE",
        help="The profile of gatelet.toml; its default_profile when left out.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", envvar="GATELET_CONFIG", help="The file with the profiles; ./gatelet.toml when left out."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
