"""Core modules in bytes: what they import and export under other names, and constants in place of imported globals.

A merged module defines itself what its parts imported. An offset that was read from an imported global is no constant
expression any more then, so it is worked out here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from devhost.after_link.binary import (
    HEADER,
    Malformed,
    Section,
    read_sections,
    read_signed,
    read_unsigned,
    write_binary,
    write_signed,
    write_unsigned,
)

CUSTOM, IMPORTS, GLOBALS, EXPORTS, ELEMENTS, CODE = 0, 2, 6, 7, 9, 10  # kinds of a module's sections
KINDS: Final = ("func", "table", "memory", "global", "tag")
FUNC, TABLE, MEMORY, GLOBAL, TAG = range(len(KINDS))
END, GLOBAL_GET, I32_CONST, I32_ADD = 0x0B, 0x23, 0x41, 0x6A  # instructions of constant expressions
NAMES: Final = b"\4name"  # how the custom section with the names of functions begins


class Import(NamedTuple):
    """What a module imports; the type begins with the byte for its kind."""

    module: str
    field: str
    type: bytes

    @property
    def kind(self) -> str:
        """Return its kind as the text format has it."""
        return KINDS[self.type[0]]


class Export(NamedTuple):
    """What a module exports."""

    name: str
    kind: int
    number: int  # in the index space of its kind


def read_name(content: bytes, at: int) -> tuple[str, int]:
    """Read a name; returns it and where it ends."""
    length, at = read_unsigned(content, at)
    return content[at : at + length].decode(), at + length


def write_name(name: str) -> bytes:
    """Write a name."""
    written = name.encode()
    return write_unsigned(len(written)) + written


def read_imports(content: bytes) -> Iterator[Import]:
    """Yield what an import section holds; raises Malformed."""
    count, at = read_unsigned(content, 0)
    for _ in range(count):
        module, at = read_name(content, at)
        field, at = read_name(content, at)
        end = skip_type(content, at)
        yield Import(module, field, content[at:end])
        at = end


def count_imported(content: bytes) -> int:
    """Return how many functions an import section holds: the module's own are numbered from there."""
    return sum(one.type[0] == FUNC for one in read_imports(content))


def write_imports(imports: Sequence[Import]) -> bytes:
    """Return an import section."""
    parts = [write_name(one.module) + write_name(one.field) + one.type for one in imports]
    return write_unsigned(len(parts)) + b"".join(parts)


def skip_type(content: bytes, at: int) -> int:
    """Return where the type of an import ends; raises Malformed."""
    kind, at = content[at], at + 1
    if kind == FUNC:
        return read_unsigned(content, at)[1]
    if kind == TABLE:
        return skip_limits(content, at + 1)
    if kind == MEMORY:
        return skip_limits(content, at)
    if kind == GLOBAL:
        return at + 2
    if kind == TAG:
        return read_unsigned(content, at + 1)[1]
    raise Malformed(f"an import of kind {kind}")


def skip_limits(content: bytes, at: int) -> int:
    """Return where the limits of a memory or table end."""
    has_most, at = content[at] & 1, at + 1
    _least, at = read_unsigned(content, at)
    return read_unsigned(content, at)[1] if has_most else at


def read_exports(content: bytes) -> Iterator[Export]:
    """Yield what an export section holds."""
    count, at = read_unsigned(content, 0)
    for _ in range(count):
        name, at = read_name(content, at)
        kind = content[at]
        index, at = read_unsigned(content, at + 1)
        yield Export(name, kind, index)


def write_exports(exports: Sequence[Export]) -> bytes:
    """Return an export section."""
    parts = [write_name(one.name) + bytes((one.kind,)) + write_unsigned(one.number) for one in exports]
    return write_unsigned(len(parts)) + b"".join(parts)


def evaluate(content: bytes, at: int, known: Sequence[int | None]) -> tuple[int, int]:
    """Work out a constant expression of the imported globals; returns the value and where it ends. Raises Malformed."""
    stack: list[int] = []
    while content[at] != END:
        instruction, at = content[at], at + 1
        if instruction == I32_CONST:
            value, at = read_signed(content, at)
        elif instruction == GLOBAL_GET:
            index, at = read_unsigned(content, at)
            found = known[index] if index < len(known) else None
            if found is None:
                raise Malformed(f"the value of global {index} is not known")
            value = found
        elif instruction == I32_ADD:
            value = stack.pop() + stack.pop()
        else:
            raise Malformed(f"instruction {instruction:#x} in a constant expression")
        stack.append(value)
    return (stack[0] + (1 << 31)) % (1 << 32) - (1 << 31), at + 1


def write_constant(value: int) -> bytes:
    """Return the expression of a constant."""
    return bytes((I32_CONST,)) + write_signed(value) + bytes((END,))


def fold_globals(content: bytes, known: Sequence[int | None]) -> bytes:
    """Return a section of globals that begin with constants; raises Malformed."""
    count, at = read_unsigned(content, 0)
    parts = [write_unsigned(count)]
    for _ in range(count):
        value, end = evaluate(content, at + 2, known)
        parts.append(content[at : at + 2] + write_constant(value))
        at = end
    return b"".join(parts)


def fold_elements(content: bytes, known: Sequence[int | None]) -> bytes:
    """Return a section of elements whose offsets are constants; raises Malformed."""
    count, at = read_unsigned(content, 0)
    parts = [write_unsigned(count)]
    for _ in range(count):
        start = at
        form, at = read_unsigned(content, at)
        if form not in (0, 2):  # functions for the first table, or for one that is named
            raise Malformed(f"elements of form {form}")
        if form == 2:
            _table, at = read_unsigned(content, at)
        head = content[start:at]
        value, start = evaluate(content, at, known)
        functions, at = read_unsigned(content, start + (form == 2))
        for _ in range(functions):
            _index, at = read_unsigned(content, at)
        parts.append(head + write_constant(value) + content[start:at])
    return b"".join(parts)


def read_constants(module: bytes) -> dict[str, int]:
    """Return the exported globals of a module without imported ones that are constants."""
    sections = {section.kind: section.content for section in read_sections(module) if section.kind != CUSTOM}
    count, at = read_unsigned(sections[GLOBALS], 0)
    values: list[int | None] = []
    for _ in range(count):
        is_mutable = sections[GLOBALS][at + 1]
        value, at = evaluate(sections[GLOBALS], at + 2, ())
        values.append(None if is_mutable else value)
    exported = {one.name: values[one.number] for one in read_exports(sections[EXPORTS]) if one.kind == GLOBAL}
    return {name: value for name, value in exported.items() if value is not None}


def rename(
    module: bytes,
    name_import: Callable[[Import], tuple[str, str]],
    name_export: Callable[[str], str],
    constants: Mapping[str, int],
) -> bytes:
    """Return a module with other names and without custom sections but the names of functions; raises Malformed."""
    known: list[int | None] = []
    sections = []
    for kind, content in read_sections(module):
        if kind == CUSTOM and not content.startswith(NAMES):
            continue
        changed = content
        if kind == IMPORTS:
            imports = [Import(*name_import(one), one.type) for one in read_imports(content)]
            known = [constants.get(one.field) for one in imports if one.type[0] == GLOBAL]
            changed = write_imports(imports)
        elif kind == EXPORTS:
            changed = write_exports([one._replace(name=name_export(one.name)) for one in read_exports(content)])
        elif kind == GLOBALS and known:
            changed = fold_globals(content, known)
        elif kind == ELEMENTS:
            changed = fold_elements(content, known)
        sections.append(Section(kind, changed))
    return write_binary(module[:HEADER], sections)


def keep_exports(module: bytes, names: frozenset[str]) -> bytes:
    """Return a module that exports these alone."""
    sections = [
        Section(kind, write_exports([one for one in read_exports(content) if one.name in names]))
        if kind == EXPORTS
        else Section(kind, content)
        for kind, content in read_sections(module)
    ]
    return write_binary(module[:HEADER], sections)


def list_imports(module: bytes) -> list[Import]:
    """Return what a module imports."""
    return [one for kind, content in read_sections(module) if kind == IMPORTS for one in read_imports(content)]
