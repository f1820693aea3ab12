"""What `pull` writes and `push`, `check` and `diff` take: a spec with its ID lists, in a folder; or a spec file alone.

    FOLDER/spec.json     the spec, byte for byte as it was received, unless it was narrowed to an app
    FOLDER/pulled.json   where it came from, and the ID lists: {"origin": …, "lists": {NAME: {"file_id": …,
                         "creation_time": …, "size": …, "file": …}}}; no "lists" when none were asked for
    FOLDER/lists/…       a file for each list, in Statsig's form: lines `+HASH` and `-HASH`

Each file is replaced as a whole, `pulled.json` last. A list's file may be longer than the `size` that `pulled.json`
says, after a break between the two; what is too much is not read.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from publisher.exit_codes import Unusable

SPEC_NAME = "spec.json"
INDEX_NAME = "pulled.json"
LISTS_FOLDER = "lists"


class PulledList(NamedTuple):
    """An ID list as Statsig hands it out; `content` are its lines so far, which may end within one."""

    file_id: str
    creation_time: int
    content: bytes

    @property
    def size(self) -> int:
        """Return how many bytes of its file were read."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Pulled:
    """A spec with its ID lists; `lists` is None where nobody asked for them, so that nothing is said of them.

    `origin` says for people where it came from, `path` is where it was read from.
    """

    spec: bytes
    lists: Mapping[str, PulledList] | None = None
    origin: str = ""
    path: Path | None = field(default=None, compare=False)


def read_pulled(path: Path) -> Pulled:
    """Read a spec file, or a folder that `pull` wrote; raises Unusable."""
    if not path.is_dir():
        return Pulled(read_bytes(path), origin=str(path), path=path)
    index = read_index(path)
    listed = index.get("lists")
    lists = None
    if isinstance(listed, dict):
        lists = {name: read_list(path, name, about) for name, about in listed.items()}
    return Pulled(read_bytes(path / SPEC_NAME), lists, str(index.get("origin") or path), path)


def read_index(folder: Path) -> Mapping[str, object]:
    """Read what a folder says of itself; a folder without that file has a spec only. Raises Unusable."""
    path = folder / INDEX_NAME
    if not path.exists():
        return {}
    try:
        index = json.loads(read_bytes(path))
    except ValueError as problem:
        raise Unusable(f"{path} is not JSON: {problem}") from problem
    if not isinstance(index, dict):
        raise Unusable(f"{path} must be an object: pull again into an empty folder")
    return index


def read_list(folder: Path, name: str, about: object) -> PulledList:
    """Read one ID list of a folder; raises Unusable."""
    try:
        file_id, created, size = about["file_id"], about["creation_time"], about["size"]  # type: ignore[index]
        content = read_bytes(folder / str(about["file"]))  # type: ignore[index]
    except (TypeError, KeyError) as problem:
        raise Unusable(f"{folder / INDEX_NAME}: lists.{name} is not understood: pull again") from problem
    if len(content) < size:
        raise Unusable(f"{folder}: the file of the ID list {name} is cut: pull again")
    return PulledList(str(file_id), int(created), content[:size])


def write_pulled(folder: Path, pulled: Pulled) -> None:
    """Write a folder that `read_pulled` reads; raises Unusable."""
    try:
        (folder / LISTS_FOLDER).mkdir(parents=True, exist_ok=True)
        write_bytes(folder / SPEC_NAME, pulled.spec)
        index: dict[str, object] = {"origin": pulled.origin}
        if pulled.lists is not None:
            for name, one in pulled.lists.items():
                write_bytes(folder / name_list_file(name), one.content)
            index["lists"] = {name: describe_list(name, one) for name, one in pulled.lists.items()}
        write_bytes(folder / INDEX_NAME, json.dumps(index, indent=2).encode())
    except OSError as problem:
        raise Unusable(f"cannot write to {folder}: {problem.strerror}") from problem


def describe_list(name: str, one: PulledList) -> dict[str, object]:
    """Return what `pulled.json` says of a list."""
    about = {"file_id": one.file_id, "creation_time": one.creation_time, "size": one.size}
    return {**about, "file": name_list_file(name)}


def name_list_file(name: str) -> str:
    """Return the file of a list within the folder; a list's name may hold anything, a file's may not."""
    return f"{LISTS_FOLDER}/{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}.txt"


def read_bytes(path: Path) -> bytes:
    """Read a file; raises Unusable."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Unusable(f"cannot read {path}: {problem.strerror}") from problem


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file as a whole: after a break there is the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)
