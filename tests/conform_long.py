"""Compare a million generated answers with the official core: `python -m tests.conform_long [COUNT] [--seed FIRST]`.

The same comparison as `tests/property`, seed after seed, on every processor; and of every project as many questions
about users of any kind, a million of them in all, which only must not raise. It stops at the first difference and shows
it; `--seed` goes on where an earlier run stopped.
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator
from time import monotonic
from typing import NamedTuple

from tests.property.test_against_core import compare_generated

EXAMPLES_A_SEED = 25
# To the 20 users of hypothesis; a seed then compares some 90,000 answers.
FURTHER_A_PROJECT = 40
# So a million answers go with a million users.
CROWD_A_PROJECT = 4_000
MOST_SEEDS = 1_000_000


class Done(NamedTuple):
    """What became of one seed: how many answers agreed and how many users there were, or the difference."""

    seed: int
    compared: int
    met: int
    difference: str = ""


def compare_seed(seed: int) -> Done:
    """Compare the projects of one seed."""
    try:
        return Done(seed, *compare_generated(seed, EXAMPLES_A_SEED, CROWD_A_PROJECT, FURTHER_A_PROJECT))
    except AssertionError as problem:
        return Done(seed, 0, 0, str(problem))


def compare_seeds(first: int, processes: int) -> Iterator[Done]:
    """Yield what becomes of each seed, in order; the official core does not survive a fork, so processes start anew."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(compare_seed, range(first, first + MOST_SEEDS))


def main() -> int:
    """Compare until enough answers agree; 1 at a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.conform_long", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000, help="answers to compare")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    started, compared, met = monotonic(), 0, 0
    for done in compare_seeds(arguments.seed, arguments.processes):
        if done.difference:
            print(f"seed {done.seed} differs: {done.difference}", file=sys.stderr)
            return 1
        compared += done.compared
        met += done.met
        spent = f"{monotonic() - started:.0f} s; --seed {done.seed + 1} goes on from here"
        print(f"{compared:,} answers agree, {met:,} users raised nothing, after {spent}", flush=True)
        if compared >= arguments.count:
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
