"""Write down what a component imports of the functions we use: `python -m devhost.embedded.signatures`.

`wit/functions.txt` pins these, so that a release of the SDK that changes one is noticed by a test and not by a service.
Which functions we use is what `wit/bindings` declares. The text is made from the types that the built component states;
a named type is written out once, where it is first needed.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wasmtime import Engine, component

from devhost.build import COMPONENT, ROOT
from devhost.embedded.codec import make_engine
from devhost.embedded.linker import Import, list_imports
from devhost.embedded.program import load_compiled

DECLARED = ROOT / "wit" / "bindings" / "wit_world" / "imports"
PINNED = ROOT / "wit" / "functions.txt"
type Resources = list[tuple[component.ResourceType, str]]

NAMED = (component.EnumType, component.FlagsType, component.RecordType, component.VariantType)
SCALARS: dict[type, str] = {
    component.Bool: "bool",
    component.S8: "s8",
    component.S16: "s16",
    component.S32: "s32",
    component.S64: "s64",
    component.U8: "u8",
    component.U16: "u16",
    component.U32: "u32",
    component.U64: "u64",
    component.F32: "f32",
    component.F64: "f64",
    component.Char: "char",
    component.String: "string",
}


class Writer:
    """Writes types as WIT does; what has a name is written by it, and kept once in `types`."""

    def __init__(self, resources: Resources, names: Mapping[str, str]) -> None:
        self._resources = resources
        self._names = names  # of types, by the type written without any name
        self.types: dict[str, str] = {}

    def write(self, kind: Any) -> str:
        """Write a type."""
        if type(kind) in SCALARS:
            return SCALARS[type(kind)]
        if isinstance(kind, NAMED):
            return self.write_name(kind)
        match kind:
            case component.ListType():
                return f"list<{self.write(kind.element)}>"
            case component.OptionType():
                return f"option<{self.write(kind.payload)}>"
            case component.TupleType():
                return f"tuple<{', '.join(map(self.write, kind.elements))}>"
            case component.ResultType():
                return f"result<{self.write_payload(kind.ok)}, {self.write_payload(kind.err)}>"
            case component.BorrowType():
                return f"borrow<{self.find_resource(kind.ty)}>"
        return self.find_resource(kind.ty)

    def write_payload(self, kind: Any) -> str:
        """Write a type that may be absent."""
        return "_" if kind is None else self.write(kind)

    def find_resource(self, kind: component.ResourceType) -> str:
        """Return the first name of a resource; every pollable is the same."""
        return next(name for known, name in self._resources if known == kind)

    def write_name(self, kind: Any) -> str:
        """Write a type by its name, if it has one."""
        name = self._names.get(Writer(self._resources, {}).write_out(kind)) if self._names else None
        if name is None:
            return self.write_out(kind)
        if name not in self.types:
            self.types[name] = self.write_out(kind)
        return name

    def write_out(self, kind: Any) -> str:
        """Write what a named type is made of."""
        match kind:
            case component.EnumType():
                return f"enum {{ {', '.join(kind.names)} }}"
            case component.FlagsType():
                return f"flags {{ {', '.join(kind.names)} }}"
            case component.RecordType():
                return f"record {{ {', '.join(f'{name}: {self.write(field)}' for name, field in kind.fields)} }}"
        cases = (name if payload is None else f"{name}({self.write(payload)})" for name, payload in kind.cases)
        return f"variant {{ {', '.join(cases)} }}"

    def write_function(self, kind: component.FuncType) -> str:
        """Write a signature."""
        parameters = ", ".join(f"{name}: {self.write(passed)}" for name, passed in kind.params)
        return f"func({parameters})" + (f" -> {self.write(kind.result)}" if kind.result is not None else "")


def make_writer(imports: list[Import]) -> Writer:
    """Make a writer that knows what the interfaces call their resources and types."""
    resources = [(found.item, found.name) for found in imports if isinstance(found.item, component.ResourceType)]
    bare = Writer(resources, {})
    named = {bare.write_out(found.item): found.name for found in reversed(imports) if isinstance(found.item, NAMED)}
    return Writer(resources, named)


def list_used() -> Iterator[str]:
    """List the functions that `wit/bindings` declares, by their names in WIT."""
    for path in sorted(DECLARED.glob("*.pyi")):
        interface = f"fastly:compute/{path.stem.replace('_', '-')}"
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield f"{interface}#{node.name.replace('_', '-')}"
            elif isinstance(node, ast.ClassDef):
                yield from (f"{interface}#{name}" for name in list_methods(node))


def list_methods(node: ast.ClassDef) -> Iterator[str]:
    """List the methods of a declared resource; records and enums have none of that kind."""
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("__"):
            kind = "static" if method.decorator_list else "method"
            resource = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", node.name).lower()
            yield f"[{kind}]{resource}.{method.name.replace('_', '-')}"


def describe(loaded: component.Component, engine: Engine) -> str:
    """Write the functions that we use, then the types that they name."""
    imports = [found for _, some in list_imports(loaded, engine) for found in some]
    kinds = {f"{found.interface}#{found.name}": found.item for found in imports}
    writer = make_writer(imports)
    functions = [f"{name}: {writer.write_function(function_of(kinds[name]))}" for name in list_used()]
    types = [f"{name} = {text}" for name, text in sorted(writer.types.items())]
    return "\n".join([*functions, "", *types, ""])


def function_of(item: component.ComponentItem) -> component.FuncType:
    """Return an item that is a function."""
    if not isinstance(item, component.FuncType):
        raise TypeError(f"{item} is no function")
    return item


def describe_component(path: Path = COMPONENT) -> str:
    """Write what the built component imports of what we use."""
    engine = make_engine()
    return describe(load_compiled(engine, path, count_fuel=False), engine)


if __name__ == "__main__":
    PINNED.write_text(describe_component(), encoding="utf-8")
    print(f"gatelet: wrote {PINNED.relative_to(ROOT)}")
