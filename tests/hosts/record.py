"""Write down what the probes see under Viceroy: `python -m tests.hosts.record`."""

import json
import tempfile
from pathlib import Path

from tests.component.serving import VICEROY
from tests.hosts.guests import SEEN, ask, list_probes, running_guest


def main() -> None:
    """Ask each probe once."""
    with tempfile.TemporaryDirectory() as folder, running_guest(VICEROY, Path(folder)) as client:
        seen = {name: ask(client, name) for name in list_probes()}
    SEEN.write_text(json.dumps(seen, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {len(seen)} to {SEEN}")


if __name__ == "__main__":
    main()
