"""Import every module of the bindings.

The builder does so after the entry module, whatever that needs of them. By then the heap has been packed, and what an
import leaves free lies scattered where requests allocate next. Imported before, they are there already.
"""

from importlib import import_module
from typing import Final

from edge.cold.compiling import list_names

BINDINGS: Final = ("wit_world.exports", "wit_world.imports")


def import_bindings() -> None:
    """Import all modules that the builder would import later."""
    for package in map(import_module, BINDINGS):
        for folder in package.__path__:
            for name in sorted(list_names(folder)):
                import_module(f"{package.__name__}.{name}")
