"""Where a secret is: in the environment or in a file, never in a value that is printed or in an argument."""

import os
from dataclasses import dataclass
from pathlib import Path

from publisher.exit_codes import Unusable


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is; never the secret. `label` says what it is for."""

    label: str
    env: str = ""
    file: Path | None = None

    def find(self) -> str | None:
        """Return the secret, or None when it is nowhere."""
        found = os.environ.get(self.env, "") if self.env else ""
        if not found and self.file is not None:
            found = _read_secret(self.file)
        return found.strip() or None

    def read(self) -> str:
        """Return the secret; raises Unusable saying where it should be."""
        found = self.find()
        if found is None:
            raise Unusable(f"there is no {self.label}: {self.describe()}")
        return found

    def describe(self) -> str:
        """Say where the secret should be."""
        places = [f"set the environment variable {self.env}"] if self.env else []
        places += [f"put it into {self.file}"] if self.file else []
        return " or ".join(places) or "the profile names neither a variable nor a file for it"


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as problem:
        raise Unusable(f"cannot read the secret in {path}: {problem}") from problem
