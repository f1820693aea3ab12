"""What hatchling does before it builds a wheel: write the country table, which is not committed.

So `pip install .` works in a fresh checkout, as a container that runs `gatelet sync` needs it.
"""

import runpy
from pathlib import Path

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CountryTableHook(BuildHookInterface[BuilderConfig]):
    """The hook; hatchling finds it by its base class."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:  # noqa: ARG002 - hatchling's names
        """Write the table; this module is loaded by its path, so the other one is run by its path too."""
        runpy.run_path(str(Path(self.root, "devhost", "country_table.py")), run_name="__main__")
