import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def run_gatelet(
    *arguments: str, given: str = "", variables: Mapping[str, str] | None = None, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person would, in a process of its own; it sees no variables of ours but these."""
    command = [sys.executable, "-m", "publisher.cli", *arguments]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("FASTLY_", "GATELET_", "STATSIG_"))
    }
    environment = {**kept, "PYTHONPATH": str(ROOT), **(variables or {})}
    return subprocess.run(
        command,
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
