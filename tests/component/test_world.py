"""The built component imports and exports what `wit/world.wit` pins, and nothing else."""

import re
from collections.abc import Iterator

import pytest

from devhost.build import COMPONENT
from devhost.embedded.signatures import PINNED as FUNCTIONS
from devhost.embedded.signatures import describe_component
from devhost.local_config import ROOT

PINNED = ROOT / "wit" / "world.wit"
PREAMBLE = b"\0asm\x0d\0\x01\0"
IMPORTS, EXPORTS = 10, 11


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """A LEB128 number, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def list_sections(component: bytes) -> Iterator[tuple[int, bytes]]:
    """The sections of the outermost component; what is nested in it stays closed."""
    at = len(PREAMBLE)
    while at < len(component):
        kind = component[at]
        size, start = read_number(component, at + 1)
        at = start + size
        yield kind, component[start:at]


def read_names(component: bytes, wanted: int) -> set[str]:
    """The names that the component imports or exports; the builder gives each a section of its own."""
    names = set()
    for kind, section in list_sections(component):
        if kind == wanted:
            count, at = read_number(section, 0)
            assert count == 1
            size, start = read_number(section, at + 1)  # after a byte that says how the name is written
            names.add(section[start : start + size].decode())
    return names


def read_pinned(verb: str) -> set[str]:
    return set(re.findall(rf"^ *{verb} (\S+);$", PINNED.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture(scope="module")
def component() -> bytes:
    if not COMPONENT.is_file():
        pytest.fail("bin/main.wasm is not built; run `make build`")
    return COMPONENT.read_bytes()


def test_built_file_is_a_component(component: bytes) -> None:
    assert component.startswith(PREAMBLE)


def test_component_imports_what_is_pinned(component: bytes) -> None:
    assert read_names(component, IMPORTS) == read_pinned("import")


def test_component_exports_what_is_pinned(component: bytes) -> None:
    assert read_names(component, EXPORTS) == read_pinned("export")


def test_functions_that_we_use_have_the_signatures_that_are_pinned(component: bytes) -> None:
    assert component
    # After a look at the difference, `python -m devhost.embedded.signatures` writes the file again.
    assert describe_component() == FUNCTIONS.read_text(encoding="utf-8")
