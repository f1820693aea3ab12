"""The memory image of a component: what the data section of its one large module writes when a sandbox starts.

Wasmtime maps such an image copy-on-write, so that a sandbox pays only for the pages it touches, while the image is no
longer than 16 MiB or at least half of it is data. Past that every sandbox gets every byte written: measured, 7,000 page
faults and 17 ms for each request. `check_density` fails a build on its way there.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from devhost.after_link.binary import (
    DATA,
    DATA_COUNT,
    NESTED,
    Malformed,
    Section,
    change_modules,
    is_component,
    read_sections,
    read_signed,
    read_unsigned,
    write_signed,
    write_unsigned,
)

ALWAYS_MAPPED: Final = 16 << 20  # bytes from the first to the last that is written; Wasmtime's default
LEAST_DENSITY: Final = 0.52  # Wasmtime asks for a half
SMALLEST: Final = 4 << 20  # the data section of the snapshot is the one that is longer
GAP: Final = 24  # so many zeros are cheaper left out: a segment costs up to eleven bytes
PIECE: Final = re.compile(rb"(?s)(?:[^\0]|\0(?!\0{%d}))+" % (GAP - 1))


class Sparse(Exception):
    """The image would not be mapped; the message has the figures."""


class Image(NamedTuple):
    """A memory from address 0 on, and where the first segment begins."""

    memory: bytearray
    start: int


class Density(NamedTuple):
    """How long an image is, and how much of it is written."""

    span: int
    data: int


def read_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the address and the bytes of each segment of a data section; raises Malformed."""
    count, at = read_unsigned(content, 0)
    for _ in range(count):
        if content[at : at + 2] != b"\0\x41":
            raise Malformed("a segment without a constant address")
        address, at = read_signed(content, at + 2)
        length, at = read_unsigned(content, at + 1)
        yield address & 0xFFFFFFFF, content[at : at + length]
        at += length


def write_segments(image: Image) -> tuple[int, bytes]:
    """Return how many segments an image takes, and the data section; long runs of zeros are left out."""
    pieces = ((match.start(), match[0].rstrip(b"\0")) for match in PIECE.finditer(image.memory, image.start))
    parts = [
        b"\0\x41" + write_signed(at - (1 << 32) if at >> 31 else at) + b"\x0b" + write_unsigned(len(piece)) + piece
        for at, piece in pieces
        if piece
    ]
    return len(parts), write_unsigned(len(parts)) + b"".join(parts)


def read_image(content: bytes) -> Image:
    """Return the image that a data section writes; raises Malformed."""
    segments = list(read_segments(content))
    memory = bytearray(max(at + len(piece) for at, piece in segments))
    for at, piece in segments:
        memory[at : at + len(piece)] = piece
    return Image(memory, min(at for at, _piece in segments))


def measure_density(content: bytes) -> Density:
    """Measure what a data section writes."""
    segments = list(read_segments(content))
    end = max(at + len(piece) for at, piece in segments)
    return Density(end - min(at for at, _ in segments), sum(len(piece) for _, piece in segments))


def check_density(component: bytes) -> Density:
    """Return the density of a component's image; raises Sparse when a sandbox would not get it by mapping."""
    density = measure_density(find_data(component))
    if density.span > ALWAYS_MAPPED and density.data < LEAST_DENSITY * density.span:
        raise Sparse(
            f"the memory image spans {density.span:,} bytes of which {density.data:,} are data: every sandbox would "
            "write all of it; pack less, or leave less garbage behind (edge/cold/)"
        )
    return density


def find_data(binary: bytes) -> bytes:
    """Return the data section of the snapshot; raises Malformed without one."""
    found = [*list_large_data(binary)]
    if len(found) != 1:
        raise Malformed(f"{len(found)} modules with a snapshot; expected one")
    return found[0]


def list_large_data(binary: bytes) -> Iterator[bytes]:
    """Yield the large data sections of a module, or of those in a component."""
    inside = is_component(binary)
    for kind, content in read_sections(binary):
        if inside and kind in NESTED:
            yield from list_large_data(content)
        elif not inside and kind == DATA and len(content) > SMALLEST:
            yield content


def change_image(component: bytes, change: Callable[[Image], None]) -> bytes:
    """Return a component whose image was changed in place; raises Malformed."""
    return change_modules(component, partial(replace_data, change))


def replace_data(change: Callable[[Image], None], sections: list[Section]) -> list[Section]:
    """Return the sections of a module, with another image if it has one."""
    large = next((content for kind, content in sections if kind == DATA and len(content) > SMALLEST), None)
    if large is None:
        return sections
    image = read_image(large)
    change(image)
    count, data = write_segments(image)
    new = {DATA: data, DATA_COUNT: write_unsigned(count)}
    return [Section(kind, new.get(kind, content)) for kind, content in sections]
