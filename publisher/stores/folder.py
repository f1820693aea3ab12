"""A folder as a store: for trying things, and for carrying what was published to a local host.

    FOLDER/index.json   {"last": 7, "entries": {KEY: {"file": "values/…", "generation": 7, "metadata": …}}}
    FOLDER/values/…     the values, each in a file named by its SHA-256

Value files never change, and the index is replaced as a whole, so a break at any point leaves one state or the next.
Writers take turns by a lock on a file, which ends with their process. Files that the index has left behind are removed
after it was written.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, NamedTuple

from publisher.stores.port import BatchLimits, Head, Item, StoreProblem, Traffic
from specstore.limits import Write


class Place(NamedTuple):
    """What the index says of an entry."""

    file: str
    generation: int
    metadata: str | None = None


class Index(NamedTuple):
    """What the index holds; `last` is the generation that was given out last."""

    last: int
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A folder; it is made when it is first written to."""

    folder: Path
    traffic: Traffic = field(default_factory=Traffic)
    kind: ClassVar[str] = "dir"
    is_guarded: ClassVar[bool] = True
    limits: ClassVar[BatchLimits] = BatchLimits(entries=100_000, size=1_000_000_000)

    def find_fault(self, entry: Write) -> str | None:  # noqa: ARG002 - a folder takes what Fastly takes
        """Return None: a folder takes what Fastly takes."""
        return None

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield every key with a prefix, sorted."""
        self.traffic.add(requests=1)
        yield from sorted(key for key in self._read_index().places if key.startswith(prefix))

    def look(self, key: str) -> Head | None:
        """Return what is known of an entry."""
        self.traffic.add(requests=1)
        place = self._read_index().places.get(key)
        if place is None:
            return None
        return Head(str(place.generation), place.metadata, (self.folder / place.file).stat().st_size)

    def find(self, key: str) -> Item | None:
        """Return an entry; None when it is not there."""
        self.traffic.add(requests=1)
        place = self._read_index().places.get(key)
        if place is None:
            return None
        try:
            value = (self.folder / place.file).read_bytes()
        except OSError as problem:
            raise StoreProblem(f"{self.folder}: the value of {key} cannot be read: {problem.strerror}") from problem
        self.traffic.add(received=len(value))
        return Item(value, str(place.generation), place.metadata)

    def write(self, entry: Write) -> None:
        """Write an entry, whatever is there."""
        self.write_batch((entry,))

    def write_batch(self, entries: Sequence[Write]) -> None:
        """Write entries together: all of them or none."""
        with self._changing() as index:
            self._write(index, entries)

    def replace(self, entry: Write, generation: str | None) -> bool:
        """Write an entry over a generation, or only if there is none."""
        with self._changing() as index:
            if not has_generation(index, entry.key, generation):
                return False
            self._write(index, (entry,))
            return True

    def remove(self, key: str, generation: str | None = None) -> bool:
        """Delete an entry, there or not."""
        with self._changing() as index:
            if generation is not None and not has_generation(index, key, generation):
                return False
            places = {name: place for name, place in index.places.items() if name != key}
            self._write_index(Index(index.last, places), index)
            return True

    @contextmanager
    def _changing(self) -> Iterator[Index]:
        """Give the index to the only one who changes it."""
        self.traffic.add(requests=1)
        try:
            (self.folder / "values").mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield self._read_index()
        except OSError as problem:
            raise StoreProblem(f"{self.folder} cannot be written to: {problem.strerror}") from problem

    def _write(self, index: Index, entries: Sequence[Write]) -> None:
        places = dict(index.places)
        for number, entry in enumerate(entries, start=index.last + 1):
            file = f"values/{sha256(entry.value).hexdigest()}"
            if not (self.folder / file).exists():
                replace_file(self.folder / file, entry.value)
            places[entry.key] = Place(file, number, entry.metadata)
            self.traffic.add(sent=len(entry.value))
        self._write_index(Index(index.last + len(entries), places), index)

    def _write_index(self, index: Index, before: Index) -> None:
        entries = {key: place._asdict() for key, place in sorted(index.places.items())}
        document = {"last": index.last, "entries": entries}
        replace_file(self.folder / "index.json", json.dumps(document, indent=1).encode())
        left = {one.file for one in before.places.values()} - {one.file for one in index.places.values()}
        for file in left:
            (self.folder / file).unlink(missing_ok=True)

    def _read_index(self) -> Index:
        path = self.folder / "index.json"
        try:
            document = json.loads(path.read_bytes())
            places = {key: Place(**place) for key, place in document["entries"].items()}
            return Index(int(document["last"]), places)
        except FileNotFoundError:
            return Index(0, {})
        except (OSError, ValueError, TypeError, KeyError) as problem:
            raise StoreProblem(f"{path} cannot be read: {problem}") from problem


def has_generation(index: Index, key: str, generation: str | None) -> bool:
    """Tell whether an entry still has the generation that was seen."""
    place = index.places.get(key)
    return (None if place is None else str(place.generation)) == generation


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file as a whole: after a break there is the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)
