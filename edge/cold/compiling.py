"""Compile all modules before the first of them runs.

What a module makes when it runs (functions, classes, dictionaries) is what requests touch; its code and its
documentation mostly lie idle. Imported one after the other both lie between each other, all over the heap. Compiled
first, the code of all modules lies in one part of the heap and what they make in another, which takes fewer pages.
"""

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final

from edge.cold.choice import is_chosen
from edge.cold.gathering import Gathered
from edge.cold.packing import ALL_SIZES, fill_free_chunks

ROOMS: Final = ("edge", "evaluator", "specstore", "wit_world", "cbor2")
# What those import of the standard library, as far as it is written in Python; what is missing here is only imported
# as ever.
LIBRARY: Final = (
    *("__future__", "annotationlib", "ast", "base64", "bisect", "collections", "contextlib", "copy", "copyreg"),
    *("dataclasses", "datetime", "decimal", "dis", "enum", "functools", "gzip", "hashlib", "hmac", "inspect"),
    *("ipaddress", "json", "keyword", "linecache", "numbers", "opcode", "operator", "re", "reprlib", "string"),
    *("struct", "threading", "token", "tokenize", "types", "typing", "weakref"),
)


class ReadyLoader(SourceFileLoader):
    """Loads a module from code that was compiled before."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # the loader is that of one module
        """Return the code."""
        return self._code


class ReadyFinder:
    """Finds the modules that were compiled before; keeps all code, or what modules make would take its place."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._ready: dict[str, ModuleSpec] = {}

    def find_spec(self, name: str, _path: object = None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Return what is known of a module."""
        return self._ready.get(name)

    def compile_tree(self, name: str, path: Sequence[str] | None = None) -> None:
        """Compile a module, and those of a package, unless they have been imported."""
        imported = sys.modules.get(name)
        found = PathFinder.find_spec(name, path) if imported is None else imported.__spec__
        if found is None or not isinstance(found.loader, SourceFileLoader) or found.origin is None:
            return
        if imported is None and (code := found.loader.get_code(name)) is not None:
            found.loader = ReadyLoader(name, found.origin, self._gathered.put_into(code))
            self._ready[name] = found
        for folder in found.submodule_search_locations or ():
            for inside in sorted(list_names(folder)):
                self.compile_tree(f"{name}.{inside}", found.submodule_search_locations)


def list_names(folder: str) -> Iterator[str]:
    """List the modules in the folder of a package."""
    for name in os.listdir(folder):
        stem, dot, ending = name.rpartition(".")
        if dot and ending == "py" and stem not in ("__init__", "__main__"):
            yield stem
        elif not dot and os.path.isfile(f"{folder}/{name}/__init__.py"):
            yield name


def compile_all(gathered: Gathered) -> None:
    """Compile, refer to what is gathered already, and have imports look there first; then import what lies idle."""
    if not is_chosen("compiling"):
        return
    finder = ReadyFinder(gathered)
    for name in (*LIBRARY, *ROOMS):
        finder.compile_tree(name)
    gc.collect()
    fill_free_chunks(ALL_SIZES)
    sys.meta_path.insert(0, finder)
    for name in gathered.idle:
        import_module(name)


def forget_compiled() -> None:
    """Let go of what was compiled, when everything has been imported."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, ReadyFinder)]
