"""The part of docs/benchmarks.md that `make bench` writes: the verdicts and the plots of a run."""

from typing import Final

from benchmarks.comparison.tables import PROMISES, Results, write_table, write_verdicts
from devhost.build import ROOT

DOCS: Final = ROOT / "docs"
PAGE: Final = DOCS / "benchmarks.md"
PLOTS: Final = DOCS / "plots"
START, END = "<!-- `make bench` writes from here -->\n", "<!-- to here -->\n"
# The plots by their files' names, with what they show.
SHOWN: Final = {
    "latency": "Reply times of a check over one connection, as the share of replies that took at most so long",
    "spec-size": "Median reply time of a fresh check, as the spec grows",
    "connections": "Checks a second over 1, 2 and 8 connections",
}


def write_section(results: Results) -> str:
    """Return the verdicts and the plots."""
    promises = write_table(PROMISES, write_verdicts(results.verdicts))
    plots = [f"![{what}](plots/{name}.svg)" for name, what in SHOWN.items()]
    return "\n\n".join([results.setting.describe(), promises, *plots])


def replace_section(page: str, section: str) -> str:
    """Return a page with another section between the marks; raises ValueError when a mark is missing."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{PAGE.name} lacks the marks of the part that is written by make bench")
    return f"{before}{start}\n{section}\n\n{end}{after}"
