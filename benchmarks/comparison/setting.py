"""Under what a run was made, as far as its figures depend on it."""

import json
import os
import platform
import subprocess
from typing import Any, NamedTuple, Self

from benchmarks.comparison.peers import FOLDER
from benchmarks.comparison.specs import AskedSpec
from devhost.viceroy import find_viceroy


class Setting(NamedTuple):
    """The machine, the programs, what was asked and how long."""

    processors: int
    machine: str  # its architecture
    viceroy: str
    packages: dict[str, str]  # name: version
    spec: str
    rounds: int
    seconds: float

    @classmethod
    def find(cls, usual: AskedSpec, rounds: int, seconds: float) -> Self:
        """Look at this machine."""
        spec = f"{usual.source}, {len(usual.text) / 1000:.0f} KB, asked for its gate {usual.gate}"
        packages: dict[str, str] = json.loads((FOLDER / "package.json").read_bytes())["dependencies"]
        processors = len(os.sched_getaffinity(0))
        return cls(processors, platform.machine(), read_viceroy_version(), packages, spec, rounds, seconds)

    def describe(self) -> str:
        """Say it in a few sentences."""
        packages = ", ".join(f"{name} {version}" for name, version in self.packages.items())
        return (
            f"{self.processors} processors ({self.machine}), {self.viceroy}; {packages}. Rounds: {self.rounds}, "
            f"{self.seconds:g} s a turn. The usual spec: {self.spec}."
        )

    def list_measurements(self) -> list[dict[str, Any]]:
        """Return it as objects like those of measurements."""
        told = (
            ("processors", self.processors, self.machine),
            ("Viceroy", self.viceroy, "version"),
            *((name, version, "version") for name, version in self.packages.items()),
            ("usual spec", self.spec, "spec"),
            ("rounds", self.rounds, "rounds"),
            ("turn", self.seconds, "s"),
        )
        names = ("name", "value", "unit", "ratio_to", "ratio")
        return [dict(zip(names, (f"setting: {one[0]}", *one[1:], None, None), strict=True)) for one in told]


def read_viceroy_version() -> str:
    """Return what Viceroy calls itself."""
    viceroy = find_viceroy()
    if viceroy is None:
        return "no Viceroy"
    return subprocess.run([viceroy, "--version"], check=True, capture_output=True, text=True).stdout.strip()
