"""Give back the memory in which bytes are passed to the host.

componentize-py's runtime copies each `bytes` that an import takes (a body, the value of a header) out of Python's heap,
passes the copy on and forgets it: componentize-py 0.22 to 0.25, `maybe_pop_list`. A sandbox that takes request after
request runs out of memory after 128 MB of replies, and its client gets a wasm backtrace.

What an import is passed is taken from the runtime by `wit_dylib_pop_list`. Here that becomes the name of a function
that calls the old one, and hands a copy to `wit_dylib_dealloc_bytes`, as something to free when the call is over: what
happens to every other list.
"""

from functools import partial
from typing import Final

from devhost.after_link.binary import Malformed, Section, change_modules, read_unsigned, write_unsigned
from devhost.after_link.merging.core_modules import (
    CODE,
    EXPORTS,
    FUNC,
    FUNCTIONS,
    IMPORTS,
    count_imported,
    read_exports,
    write_exports,
)

POP: Final = "wit_dylib_pop_list"  # (call, type of the list, where to leave the address of its bytes) -> their number
FREE: Final = "wit_dylib_dealloc_bytes"  # (call, address, number, alignment, whether only at the end of the call)


def give_back_bytes(component: bytes) -> bytes:
    """Return the component with such a runtime; raises Malformed when it has none, or several."""
    found: list[int] = []
    changed = change_modules(component, partial(wrap_pop, found))
    if len(found) != 1:
        raise Malformed(
            f"{len(found)} modules take and free the lists that imports are passed, where one is known: "
            "look whether devhost/after_link/passed_bytes.py still says what the runtime does"
        )
    return changed


def wrap_pop(found: list[int], sections: list[Section]) -> list[Section]:
    """Return the sections of a module, with another function under the name of `POP` where it has both functions."""
    content = dict(sections)
    if not {IMPORTS, FUNCTIONS, EXPORTS, CODE} <= content.keys():
        return sections
    exports = list(read_exports(content[EXPORTS]))
    numbers = {one.name: one.number for one in exports if one.kind == FUNC}
    if POP not in numbers or FREE not in numbers:
        return sections
    imported = count_imported(content[IMPORTS])
    types = read_types(content[FUNCTIONS])
    added = imported + len(types)
    found.append(added)
    content[FUNCTIONS] = append(content[FUNCTIONS], write_unsigned(types[numbers[POP] - imported]))
    content[CODE] = append(content[CODE], write_function(numbers[POP], numbers[FREE]))
    content[EXPORTS] = write_exports([one._replace(number=added) if one.name == POP else one for one in exports])
    changed = {FUNCTIONS, CODE, EXPORTS}
    return [Section(kind, content[kind]) if kind in changed else Section(kind, old) for kind, old in sections]


def read_types(functions: bytes) -> list[int]:
    """Return the number of each function's type."""
    count, at = read_unsigned(functions, 0)
    types = []
    for _ in range(count):
        number, at = read_unsigned(functions, at)
        types.append(number)
    return types


def append(items: bytes, item: bytes) -> bytes:
    """Return a section of counted items with one more."""
    count, at = read_unsigned(items, 0)
    return write_unsigned(count + 1) + items[at:] + item


def write_function(pop: int, free: int) -> bytes:
    """Return the function, its length before it; its locals 0 to 2 are what it is passed, 3 the number of items."""
    body = b"".join(
        (
            b"\1\1\x7f",  # one local of type i32
            b"\x20\0\x20\1\x20\2\x10" + write_unsigned(pop),  # call the old one
            b"\x21\3",
            b"\x20\2\x28\2\0\x04\x40",  # if it left an address
            b"\x20\0\x20\2\x28\2\0\x20\3\x41\1\x41\1\x10" + write_unsigned(free),  # have it freed at the end
            b"\x0b\x20\3\x0b",
        )
    )
    return write_unsigned(len(body)) + body
