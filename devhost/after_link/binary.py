"""WebAssembly's binary format, as far as the tools after the link need it: sections, and numbers in LEB128.

A module and a component both begin with eight bytes of magic number and version; then come sections, each a byte for
its kind, its length, its content. A component holds core modules in sections of kind 1, components in those of kind 4.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

HEADER: Final = 8
CORE: Final = b"\1\0\0\0"
COMPONENT: Final = b"\x0d\0\1\0"
NESTED: Final = frozenset((1, 4))  # kinds of a component's sections that hold a module or a component
DATA: Final = 11  # kinds of a module's sections
DATA_COUNT: Final = 12


class Malformed(Exception):
    """The bytes are no component of the kind that our builder makes; the message says what was met."""


class Section(NamedTuple):
    """A section's kind and content."""

    kind: int
    content: bytes


def read_sections(binary: bytes) -> Iterator[Section]:
    """Yield the sections of a module or component; raises Malformed."""
    at = HEADER
    while at < len(binary):
        kind = binary[at]
        length, at = read_unsigned(binary, at + 1)
        if at + length > len(binary):
            raise Malformed("a section is longer than what holds it")
        yield Section(kind, binary[at : at + length])
        at += length


def write_binary(header: bytes, sections: list[Section]) -> bytes:
    """Return a module or component."""
    parts = [header]
    for kind, content in sections:
        parts += (bytes((kind,)), write_unsigned(len(content)), content)
    return b"".join(parts)


def change_modules(binary: bytes, change: Callable[[list[Section]], list[Section]]) -> bytes:
    """Return a component or module in which the sections of each module were changed; raises Malformed."""
    sections = list(read_sections(binary))
    if not is_component(binary):
        return write_binary(binary[:HEADER], change(sections))
    changed = [
        Section(kind, change_modules(content, change) if kind in NESTED else content) for kind, content in sections
    ]
    return write_binary(binary[:HEADER], changed)


def is_component(binary: bytes) -> bool:
    """Tell a component from a core module; raises Malformed for anything else."""
    version = binary[4:HEADER]
    if binary[:4] != b"\0asm" or version not in (CORE, COMPONENT):
        raise Malformed("neither a core module nor a component")
    return version == COMPONENT


def read_unsigned(binary: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned number; returns it and where it ends."""
    number = shift = 0
    while True:
        byte = binary[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def read_signed(binary: bytes, at: int) -> tuple[int, int]:
    """Read a signed number; returns it and where it ends."""
    start = at
    number, at = read_unsigned(binary, at)
    return number - (1 << 7 * (at - start)) if binary[at - 1] & 0x40 else number, at


def write_unsigned(number: int) -> bytes:
    """Write an unsigned number."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def write_signed(number: int) -> bytes:
    """Write a signed number."""
    written = bytearray()
    while not -0x40 <= number < 0x40:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number & 0x7F)
    return bytes(written)
