"""ID lists by Statsig's protocol.

The lookup names each list's file, its size and creation time. A file only grows: what is held is kept, and the rest is
asked for with a range. A file with another ID replaces the list from its first byte, unless it is older than the one
held, which a server that is behind may still name. A body begins with `+` or `-`; anything else is not what was asked
for. One that is shorter than the lookup's size is not taken.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, cast

from publisher.exit_codes import Failed
from publisher.sources.fetching import Fetcher, Reply
from publisher.sources.pulled import PulledList

SIZE_HEADER: Final = "statsig-id-list-file-size"


class ListFile(NamedTuple):
    """What the lookup says of one list."""

    name: str
    url: str
    file_id: str
    creation_time: int
    size: int


def decode_lookup(content: bytes | str) -> dict[str, ListFile]:
    """Read the reply of `get_id_lists`; raises Failed. A list without a file is left out."""
    try:
        document = json.loads(content)
    except ValueError as problem:
        raise Failed(f"the lookup of ID lists is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise Failed("the lookup of ID lists must be an object")
    return {file.name: file for file in iterate_files(document)}


def iterate_files(document: Mapping[str, object]) -> Iterator[ListFile]:
    """Yield the files that a lookup names; raises Failed for one that is not understood."""
    for name, about in document.items():
        if not isinstance(about, dict):
            raise Failed(f"the lookup of ID lists: {name} must be an object")
        if about.get("fileID") and about.get("url"):
            numbers = [about.get("creationTime", 0), about.get("size", 0)]
            if not all(type(one) is int for one in numbers):
                raise Failed(f"the lookup of ID lists: {name} must have integers for creationTime and size")
            yield ListFile(name, str(about["url"]), str(about["fileID"]), *cast("list[int]", numbers))


def pull_lists(
    fetcher: Fetcher, files: Iterable[ListFile], held: Mapping[str, PulledList]
) -> Iterator[tuple[str, PulledList]]:
    """Yield each list by name, with what is held brought up to date; raises Failed."""
    for file in files:
        yield file.name, pull_list(fetcher, file, held.get(file.name))


def pull_list(fetcher: Fetcher, file: ListFile, held: PulledList | None) -> PulledList:
    """Bring one list up to date; raises Failed."""
    if held is not None and file.file_id != held.file_id:
        if file.creation_time < held.creation_time:
            return held
        held = None
    content = b"" if held is None else held.content
    if file.size > len(content):
        content = pull_rest(fetcher, file, content)
    return PulledList(file.file_id, file.creation_time, content)


def pull_rest(fetcher: Fetcher, file: ListFile, content: bytes) -> bytes:
    """Return the content of a file, of which the beginning is held; raises Failed."""
    reply = fetcher.fetch(
        f"the ID list {file.name}",
        "GET",
        file.url,
        headers={"range": f"bytes={len(content)}-", SIZE_HEADER: str(file.size)},
        allowed=(416,),
    )
    whole = join_parts(reply, content)
    if whole is None:
        if not content:
            raise Failed(f"the ID list {file.name}: the reply does not begin with + or -")
        return pull_rest(fetcher, file, b"")
    if len(whole) < file.size:
        raise Failed(f"the ID list {file.name}: {len(whole):,} bytes came, and its file has {file.size:,}")
    return whole


def join_parts(reply: Reply, content: bytes) -> bytes | None:
    """Return what is held with what came; None when they do not belong together, and all must be asked for."""
    came = reply.content
    if reply.status == 416 or came[:1] not in {b"+", b"-"}:
        return None
    if reply.status == 206:
        return content + came if starts_at(reply, len(content)) else None
    # A server that knows no ranges sends the whole file; it must be the one that is held so far.
    return came if came.startswith(content) else None


def starts_at(reply: Reply, offset: int) -> bool:
    """Tell whether a partial reply begins where it should; one that does not say is believed."""
    text = reply.headers.get("content-range", "")
    return not text or text.removeprefix("bytes ").partition("-")[0] == str(offset)
