"""Compare a million generated answers with the official core: `python -m tests.conform_long [COUNT]`.

The same comparison as `tests/property`, under other seeds; it stops at the first difference and shows it.
"""

import sys
from time import monotonic

from tests.property.test_against_core import compare_generated

EXAMPLES_A_SEED = 100


def main() -> None:
    """Compare until enough answers agree."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    started, compared, number = monotonic(), 0, 0
    while compared < wanted:
        compared += compare_generated(number, EXAMPLES_A_SEED)
        number += 1
        print(f"{compared:,} answers agree after {monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
