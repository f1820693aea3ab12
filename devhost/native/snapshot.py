"""Start the service's source as a sandbox starts from the snapshot that the build takes.

In the component every sandbox begins with the modules as they were when it was built. Here the modules that keep
something for a sandbox, the entry and the room `edge/host`, are executed again for each; everything else is imported
once. Which file a line is from stays the same, so coverage and a debugger see nothing of this.
"""

import importlib
import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType, ModuleType
from typing import Any

from devhost.native.bindings import NAMES, load_bindings, replaced_modules

ENTRY = "app"
FRESH = ("edge.host",)
EXPORT = "HttpIncoming"

_importing = threading.RLock()  # sys.modules is one for all threads


class KeptCode(Loader):
    """Executes a module without looking for its file again."""

    def __init__(self, code: CodeType) -> None:
        self._code = code

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute it."""
        exec(self._code, module.__dict__)  # noqa: S102  # it is what an import does


class KeptFinder(MetaPathFinder):
    """Finds modules of some packages and keeps their code."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._packages = packages
        self._inside = tuple(f"{package}." for package in packages)
        self._specs: dict[str, ModuleSpec] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module that is to be executed again."""
        if fullname not in self._packages and not fullname.startswith(self._inside):
            return None
        if fullname not in self._specs:
            spec = PathFinder.find_spec(fullname, path)
            loader: Any = spec.loader if spec else None
            code = loader.get_code(fullname) if loader else None
            if spec is None or code is None:
                return None
            spec.loader = KeptCode(code)
            self._specs[fullname] = spec
        return self._specs[fullname]


class Snapshot:
    """The source of a service, ready to be started any number of times."""

    def __init__(self, entry: str = ENTRY, fresh: tuple[str, ...] = FRESH) -> None:
        self._entry = entry
        self._fresh = (entry, *fresh)
        self._finder = KeptFinder(self._fresh)

    def load(self, name: str = "") -> ModuleType:
        """Return a module, the entry unless named, in a copy of its own."""
        with _importing, replaced_modules((*self._fresh, *NAMES), load_bindings()):
            sys.meta_path.insert(0, self._finder)
            try:
                return importlib.import_module(name or self._entry)
            finally:
                sys.meta_path.remove(self._finder)

    def start(self) -> Any:
        """Return a new instance of the class that the service exports."""
        return getattr(self.load(), EXPORT)()
