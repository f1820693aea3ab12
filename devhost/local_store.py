"""What stands in the KV store of a local host: the spec in the wished layout, ID lists, overrides.

Written by the same code that writes a real store (`specstore`), so that what is tried here is what is deployed. The raw
spec is always there, as the Statsig console leaves it; `paged` puts its pages and their manifest beside it. A spec that
cannot be cut is left raw: what is wrong with it is for the service to say.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from specstore.cut import cut_project
from specstore.idlists import CutList, cut_list, read_lines
from specstore.keys import overrides_key
from specstore.limits import Write
from specstore.plan import plan_lists, plan_publication

type Item = dict[str, str]

RAW = "raw"
PAGED = "paged"
LAYOUTS = (PAGED, RAW)


def list_entries(spec_key: str, spec: bytes, layout: str) -> tuple[Write, ...]:
    """List the entries of a spec in a layout."""
    if layout == RAW:
        return (Write(spec_key, spec),)
    try:
        cut = cut_project(decode_project(json.loads(spec)))
    except (ValueError, RecursionError, InvalidSpec):
        return (Write(spec_key, spec),)
    return plan_publication(spec_key, cut, raw=spec).list_writes()


def list_entries_beside(spec_key: str, id_lists: Mapping[str, Path], overrides: Path | None) -> Iterator[Write]:
    """Yield the entries of ID lists and overrides."""
    if id_lists:
        yield from plan_lists(spec_key, {name: read_list(path) for name, path in id_lists.items()}, {})
    if overrides is not None:
        yield Write(overrides_key(spec_key), overrides.read_bytes())


def read_list(path: Path) -> CutList:
    """Read and cut an ID list, a file of `+HASH` and `-HASH` lines."""
    text = path.read_text(encoding="ascii", errors="replace")
    return cut_list(read_lines(text.splitlines()), file_id=path.name, creation_time=0, size=len(text))


def write_store(entries: tuple[Write, ...], folder: Path) -> list[Item]:
    """Write the values of entries into a folder of their own, and return what a fastly.toml says of them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return [write_item(entry, folder / f"{number:05}") for number, entry in enumerate(entries)]


def write_item(entry: Write, file: Path) -> Item:
    """Write the value of an entry, and return its item."""
    file.write_bytes(entry.value)
    item = {"key": entry.key, "file": str(file)}
    return item if entry.metadata is None else {**item, "metadata": entry.metadata}
