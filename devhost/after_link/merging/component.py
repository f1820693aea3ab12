"""Merge the core modules of the service inside the SDK's component.

componentize-py leaves a dozen core modules (the interpreter, the C library, extensions), which are linked for every
sandbox: some 2,600 imports are resolved before the first instruction. Merged into one they are calls inside a module.
Only two small modules stay, by which the host's functions find the memory. What comes out is optimized (`optimizing`),
and validated like every build.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from devhost.after_link.binary import HEADER, Malformed, Section, is_component, read_sections, write_binary
from devhost.after_link.merging.component_text import Alias, Instance, Item, indent_module, mend, quote, read_items
from devhost.after_link.merging.core_modules import Import, keep_exports, list_imports, read_constants, rename
from devhost.after_link.merging.optimizing import optimize
from devhost.after_link.merging.tools import FEATURES, Tools, run

MODULE_SECTION, COMPONENT_SECTION = 1, 4
KEPT: Final = frozenset(("$wit-component-shim-module", "$wit-component-fixup"))
MERGED_MODULE, MERGED, OUTSIDE = "$merged-module", "$merged", "$outside"
FROM_OUTSIDE: Final = "outside"  # the module name of what the merged module still imports


class Outside(NamedTuple):
    """Something the merged module imports: a named item, or (without a name) what a kept instance exports."""

    kind: str
    name: str
    instance: str = ""
    field: str = ""


class Graph:
    """What is merged, and who provides what."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.instances = {item.instance.name: item.instance for item in items if item.instance}
        self.aliases = {(item.alias.kind, item.alias.name): item.alias for item in items if item.alias}
        chosen = [one.name for one in self.instances.values() if one.module and one.module not in KEPT]
        self.merged = {name: f"I{number}" for number, name in enumerate(chosen)}
        self.outside: dict[Outside, str] = {}

    def name_provider(self, instance: Instance, imported: Import) -> tuple[str, str]:
        """Return the module and field under which the merged modules find what one of them imports."""
        return self.name_export_of(instance.arguments[imported.module], imported.field, imported.kind)

    def name_export_of(self, name: str, field: str, kind: str) -> tuple[str, str]:
        """Return the module and field of what an instance exports; raises Malformed."""
        if name in self.merged:
            return self.merged[name], f"{self.merged[name]}|{field}"
        instance = self.instances[name]
        if instance.module:
            return FROM_OUTSIDE, self.name_outside(Outside(kind, "", name, field))
        item = instance.items[field]
        alias = self.aliases.get(item)
        if alias and (alias.instance in self.merged or not self.instances[alias.instance].module):
            return self.name_export_of(alias.instance, alias.field, alias.kind)
        return FROM_OUTSIDE, self.name_outside(Outside(*item))

    def name_outside(self, one: Outside) -> str:
        """Return the field of something from outside."""
        return self.outside.setdefault(one, f"{len(self.outside)}")


def merge_modules(component: bytes, tools: Tools, *, is_optimized: bool = True) -> bytes:
    """Return the component with the modules of its largest nested component merged; raises Malformed."""
    sections = list(read_sections(component))
    nested = [at for at, one in enumerate(sections) if one.kind == COMPONENT_SECTION]
    if not is_component(component) or not nested:
        raise Malformed("no component inside the component")
    at = max(nested, key=lambda one: len(sections[one].content))
    sections[at] = Section(COMPONENT_SECTION, merge_inside(sections[at].content, tools, is_optimized))
    return write_binary(component[:HEADER], sections)


def merge_inside(component: bytes, tools: Tools, is_optimized: bool) -> bytes:
    """Return a component whose core modules are merged; raises Malformed."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in.wasm").write_bytes(component)
        items = read_items(run(tools.wasm_tools, "print", "--name-unnamed", folder / "in.wasm"))
        binaries = [one.content for one in read_sections(component) if one.kind == MODULE_SECTION]
        modules = dict(zip([item.module for item in items if item.module], binaries, strict=True))
        graph = Graph(items)
        needed = list_needed(items, graph)
        merged = keep_exports(merge(graph, modules, tools, folder), frozenset(name_field(graph, one) for one in needed))
        if is_optimized:
            merged = optimize(merged, tools.wasm_opt, folder)
        (folder / "merged.wasm").write_bytes(merged)
        text = indent_module(run(tools.wasm_tools, "print", "--name-unnamed", folder / "merged.wasm"), MERGED_MODULE)
        imported = {one.field for one in list_imports(merged)}
        written = write_component(items, graph, text, write_instance(graph, imported, needed))
        (folder / "out.wat").write_text(written, encoding="utf-8")
        run(tools.wasm_tools, "parse", folder / "out.wat", "-o", folder / "out.wasm")
        return (folder / "out.wasm").read_bytes()


def merge(graph: Graph, modules: Mapping[str, bytes], tools: Tools, folder: Path) -> bytes:
    """Return one module of the merged ones."""
    first = next(iter(graph.merged))  # the one with memory and table, which all others import
    constants = {
        f"{graph.merged[first]}|{name}": value
        for name, value in read_constants(modules[graph.instances[first].module]).items()
    }
    arguments: list[str | Path] = []
    for name, key in graph.merged.items():
        instance = graph.instances[name]
        renamed = rename(
            modules[instance.module],
            lambda one, instance=instance: graph.name_provider(instance, one),  # type: ignore[misc]
            lambda export, key=key: f"{key}|{export}",  # type: ignore[misc]
            constants,
        )
        (folder / f"{key}.wasm").write_bytes(renamed)
        arguments += [folder / f"{key}.wasm", key]
    run(tools.wasm_merge, *arguments, *FEATURES, "-g", "-o", folder / "one.wasm")
    return (folder / "one.wasm").read_bytes()


def is_left_out(item: Item, graph: Graph, used: frozenset[str]) -> bool:
    """Tell whether an item was only there for merged modules."""
    if item.module:
        return item.module not in KEPT
    if item.alias:
        return item.alias.instance in graph.merged
    if item.instance:
        return item.instance.name in graph.merged or not (item.instance.module or item.instance.name in used)
    return False


def find_used(graph: Graph) -> frozenset[str]:
    """Return the instances that kept ones get as arguments."""
    kept = [one for one in graph.instances.values() if one.module and one.name not in graph.merged]
    return frozenset(name for one in kept for name in one.arguments.values())


def list_needed(items: Sequence[Item], graph: Graph) -> list[Alias]:
    """Return the names for exports of merged instances that what stays refers to."""
    used = find_used(graph)
    stays = "\n".join(item.text for item in items if not item.module and not is_left_out(item, graph, used))
    names = set(re.findall(r'\$"(?:[^"\\]|\\.)*"|\$[^\s()]+', stays))
    return [one for one in graph.aliases.values() if one.instance in graph.merged and one.name in names]


def name_field(graph: Graph, alias: Alias) -> str:
    """Return how the merged module calls what an alias names."""
    return f"{graph.merged[alias.instance]}|{alias.field}"


def write_instance(graph: Graph, imported: set[str], needed: Sequence[Alias]) -> str:
    """Return the text of the merged instance, of what it is given, and of the names for what it exports."""
    given = {field: one for one, field in graph.outside.items() if field in imported}
    lines = [*write_aliases(given), f"  (core instance {OUTSIDE}"]
    lines += [
        f"    (export {quote(field)} ({one.kind} {one.name or name_item(field)}))" for field, one in given.items()
    ]
    lines += ["  )", f"  (core instance {MERGED} (instantiate {MERGED_MODULE}"]
    lines += [f"    (with {quote(FROM_OUTSIDE)} (instance {OUTSIDE}))))"]
    for one in needed:
        lines.append(f"  (alias core export {MERGED} {quote(name_field(graph, one))} (core {one.kind} {one.name}))")
    return "\n".join(lines)


def write_aliases(given: Mapping[str, Outside]) -> Iterator[str]:
    """Yield names for what kept instances export."""
    for field, one in given.items():
        if not one.name:
            yield f"  (alias core export {one.instance} {quote(one.field)} (core {one.kind} {name_item(field)}))"


def name_item(field: str) -> str:
    """Return the name of what a kept instance exports."""
    return f"$outside-{field}"


def write_component(items: Sequence[Item], graph: Graph, module: str, instance: str) -> str:
    """Return the whole text: the merged module behind the others, its instance where the last merged one was."""
    used = find_used(graph)
    last_module = [item.module for item in items if item.module][-1]
    # Those that only run a function at the start come after what needs the others already.
    last = [name for name in graph.merged if not graph.instances[name].module.startswith("$__init")][-1]
    texts: list[str] = []
    for item in items:
        if not is_left_out(item, graph, used):
            texts.append(mend(item.text))
        if item.module == last_module:
            texts.append(module)
        if item.instance and item.instance.name == last:
            texts.append(instance)
    return "\n".join(["(component", *texts, ")", ""])
