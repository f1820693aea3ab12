import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def run_gatelet(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line as a person would, in a process of its own."""
    command = [sys.executable, "-m", "publisher.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, encoding="utf-8", check=False)
