"""How commands speak.

The result goes to standard output: for a person with colours and at the width of the terminal, plain and never wrapped
into a pipe or a file, and with `--json` as one JSON document and nothing else. What happens meanwhile (notes, progress
bars) goes to standard error, so that a result can always be piped. Texts of specs, users and servers are shown as they
are: nothing in them is taken for markup.

A command that cannot do its work raises a `Trouble` (`publisher.exit_codes`); `print_trouble` prints it for all.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from publisher.exit_codes import Trouble

UNWRAPPED = 10_000
FAR_MS = 253_402_300_800_000  # the year 10000, which no calendar of Python's reaches

type Json = Mapping[str, object] | Sequence[object]


@dataclass(frozen=True, slots=True)
class Output:
    """How one run of a command speaks; `as_json` is its option `--json`."""

    as_json: bool = False

    def print_result(self, document: Json, *shown: RenderableType) -> None:
        """Print the result: `shown`, one below the other, for a person, or `document` with `--json`."""
        if self.as_json:
            print_json(document)
            return
        console = open_console(sys.stdout)
        for one in shown:
            console.print(take_as_text(one))

    def note(self, text: str) -> None:
        """Tell a person what is going on; nothing with `--json`."""
        if not self.as_json:
            open_console(sys.stderr).print(Text(text, "dim"))

    def track[T](self, items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
        """Yield the items, with a progress bar on a terminal; it is gone when they are."""
        if self.as_json or not sys.stderr.isatty():
            yield from items
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=open_console(sys.stderr), transient=True) as progress:
            yield from progress.track(items, description=what, total=total)


def open_console(stream: TextIO) -> Console:
    """Return rich's console for a stream; a file or a pipe has no width to wrap at."""
    return Console(
        file=stream, width=None if stream.isatty() else UNWRAPPED, markup=False, highlight=False, emoji=False
    )


def take_as_text(shown: RenderableType) -> RenderableType:
    """Return texts as rich's own, which never look for markup."""
    return Text(shown) if isinstance(shown, str) else shown


def print_json(document: Json) -> None:
    """Print a JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def make_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> Table:
    """Make a table without frames, which reads well in a log too; `numbers` are the columns that stand right."""
    table = Table(box=None, pad_edge=False, show_header=bool(headings), header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return table


def print_trouble(trouble: Trouble, *, as_json: bool) -> None:
    """Print why a command ended: one line on standard error, and with `--json` the result's place is taken too."""
    sys.stderr.write(f"gatelet: {trouble}\n")
    if as_json:
        code = trouble.exit_code
        print_json({"error": str(trouble), "exit_code": int(code), "kind": code.name.lower()})


def show_size(size: int) -> str:
    """Return a number of bytes as people write it: `937 B`, `12.4 KB`, `1.20 MB` (1 KB is 1,000 bytes)."""
    if size < 1_000:
        return f"{size} B"
    return f"{size / 1_000:.1f} KB" if size < 1_000_000 else f"{size / 1_000_000:.2f} MB"


def show_age(milliseconds: int) -> str:
    """Return how long ago something was: `12 s`, `5 min`, `3 h`, `2 d`."""
    seconds = max(0, milliseconds) // 1_000
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def show_time(milliseconds: int) -> str:
    """Return an instant as people and other programs know it: `1760000000000 (2025-10-09 08:53:20Z)`."""
    at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(milliseconds / 1_000)) if 0 < milliseconds < FAR_MS else ""
    return f"{milliseconds} ({at})" if at else str(milliseconds)


def show_count(number: int, what: str) -> str:
    """Return a number of things: `1 gate`, `1,200 gates`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
