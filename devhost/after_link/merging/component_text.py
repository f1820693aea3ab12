"""A component in the text that `wasm-tools print --name-unnamed` writes, as far as merging needs it.

Text, because there everything is referred to by name: what is taken out leaves no numbers behind to be put right.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from devhost.after_link.binary import Malformed

NAME: Final = r'(\$"(?:[^"\\]|\\.)*"|\$[^\s()]+)'
QUOTED: Final = r'"((?:[^"\\]|\\.)*)"'
ITEM: Final = "  ("  # how what stands directly in the component begins
MODULE: Final = re.compile(rf"  \(core module {NAME}")
ALIAS: Final = re.compile(rf"  \(alias core export {NAME} {QUOTED} \(core (\w+) {NAME}")
INSTANCE: Final = re.compile(rf"  \(core instance {NAME}(?: \(@name [^)]*\))? \(;\d+;\)")
INSTANTIATE: Final = re.compile(rf"\s*\(instantiate {NAME}")
ARGUMENT: Final = re.compile(rf"\(with {QUOTED} \(instance {NAME}")
EXPORT: Final = re.compile(rf"\(export {QUOTED} \((\w+) {NAME}")
# The printer numbers exports inside types in a way that the parser does not take.
TYPE_EXPORT: Final = re.compile(rf"^(\s{{6,}})\(export {NAME} \(;\d+;\) ({QUOTED}) \((\w+)", re.MULTILINE)


class Alias(NamedTuple):
    """A name for what a core instance exports."""

    instance: str
    field: str
    kind: str
    name: str


class Instance(NamedTuple):
    """A core instance: of a module with instances for its arguments, or made of items that have a name."""

    name: str
    module: str
    arguments: Mapping[str, str]
    items: Mapping[str, tuple[str, str]]  # kind and name by the name of the export


class Item(NamedTuple):
    """What stands directly in the component."""

    text: str
    module: str = ""
    alias: Alias | None = None
    instance: Instance | None = None


def read_items(text: str) -> list[Item]:
    """Return what stands in the component, in order."""
    return [read_item(one) for one in split(text)]


def split(text: str) -> Iterator[str]:
    """Yield the texts of what stands in the component."""
    lines: list[str] = []
    for line in text.split("\n")[1:]:
        if lines and (line.startswith((ITEM, ")"))):
            yield "\n".join(lines)
            lines = []
        if line.startswith(")"):
            return
        lines.append(line)


def read_item(text: str) -> Item:
    """Return an item with what it defines, when that is of interest."""
    if found := MODULE.match(text):
        return Item(text, module=found[1])
    if found := ALIAS.match(text):
        return Item(text, alias=Alias(found[1], found[2], found[3], found[4]))
    if found := INSTANCE.match(text):
        return Item(text, instance=read_instance(found[1], text[found.end() :]))
    return Item(text)


def read_instance(name: str, text: str) -> Instance:
    """Return an instance from what follows its name."""
    made = INSTANTIATE.match(text)
    if made:
        return Instance(name, made[1], dict(ARGUMENT.findall(text)), {})
    return Instance(name, "", {}, {export: (kind, item) for export, kind, item in EXPORT.findall(text)})


def mend(text: str) -> str:
    """Return an item as the parser takes it."""
    return text if MODULE.match(text) else TYPE_EXPORT.sub(r"\1(export \3 (\5 \2", text)


def quote(text: str) -> str:
    """Write a string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def indent_module(text: str, name: str) -> str:
    """Return a printed module as an item of a component."""
    first, *others = text.rstrip().split("\n")
    if not first.startswith("(module"):
        raise Malformed(f"expected a module, got {first}")
    return "\n".join([f"  (core module {name}", *(f"  {line}" for line in others)])
