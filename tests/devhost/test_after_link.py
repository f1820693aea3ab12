"""The tools after the link, on components small enough to write here; every build puts the real one through them."""

import struct

import pytest

from devhost.after_link.binary import (
    COMPONENT,
    CORE,
    DATA,
    DATA_COUNT,
    Malformed,
    Section,
    is_component,
    read_sections,
    read_signed,
    read_unsigned,
    write_binary,
    write_signed,
    write_unsigned,
)
from devhost.after_link.image import SMALLEST, Image, Sparse, check_density, find_data, read_image, write_segments
from devhost.after_link.immortal import IMMORTAL, MARKER, make_immortal
from devhost.after_link.interpreter import COUNTS, LOOP, RECORDS, make_quiet
from devhost.after_link.merging.core_modules import CODE, EXPORTS, FUNC, IMPORTS, write_name
from devhost.after_link.quickening import INSTRUCTIONS, VERSION
from edge.cold.list_form import CODE_FORM, NO_OPCODE

START = 1 << 20
OBJECT, IMMORTAL_ALREADY, LIST = START + 8, START + 16, START + 1024
MAGIC = b"\0asm"


def component_of(memory: dict[int, bytes], span: int = SMALLEST + 4096, fill: bytes = b"\x11") -> bytes:
    """A component with one core module whose image has these bytes; what is between is filled."""
    image = Image(bytearray(START) + bytearray(fill * span), START)
    for at, piece in memory.items():
        image.memory[at : at + len(piece)] = piece
    count, data = write_segments(image)
    module = write_binary(MAGIC + CORE, [Section(DATA_COUNT, write_unsigned(count)), Section(DATA, data)])
    return write_binary(MAGIC + COMPONENT, [Section(0, b"\4note"), Section(1, module)])


# A made-up interpreter: 1 and 2 become 3 when they run, 4 has one unit of cache, 5 none; 6 is not known.
CODE_TYPE = START + 256
UNITS_OF_CACHE = bytes([0, 0, 0, 0, 1, 0]) + bytes([NO_OPCODE]) * 250
QUICKENED = bytes([0, 3, 3, *range(3, 256)])
FORM = struct.pack(CODE_FORM, CODE_TYPE, INSTRUCTIONS, UNITS_OF_CACHE, QUICKENED)


def listing(*addresses: int) -> bytes:
    return MARKER + struct.pack(f"<I{len(addresses)}I", len(addresses), *addresses) + FORM


def code(*units: int, version: int = 0, watched: int = 0) -> bytes:
    """A code object of these opcodes, each with an argument of 2."""
    head = bytearray(INSTRUCTIONS)
    struct.pack_into("<III", head, 0, 1, CODE_TYPE, len(units))
    struct.pack_into("<II", head, VERSION, version, watched)
    return bytes(head) + bytes(byte for unit in units for byte in (unit, 2))


def instructions_at(component: bytes, address: int, units: int) -> list[int]:
    start = address + INSTRUCTIONS
    return list(read_image(find_data(component)).memory[start : start + 2 * units : 2])


def count_at(component: bytes, address: int) -> int:
    return number_at(component, address)


def number_at(component: bytes, address: int) -> int:
    number: int = struct.unpack_from("<I", read_image(find_data(component)).memory, address)[0]
    return number


@pytest.mark.parametrize("number", [0, 1, 63, 64, 127, 128, 16_384, (1 << 31) - 1])
def test_numbers_are_read_as_written(number: int) -> None:
    written = write_unsigned(number)
    assert read_unsigned(b"." + written + b".", 1) == (number, 1 + len(written))
    for signed in (number, -number - 1):
        written = write_signed(signed)
        assert read_signed(b"." + written + b".", 1) == (signed, 1 + len(written))


def test_what_is_no_component_is_refused() -> None:
    with pytest.raises(Malformed):
        is_component(b"\0elf\1\0\0\0")
    with pytest.raises(Malformed):
        list(read_sections(MAGIC + CORE + b"\1\x7f"))


def test_listed_objects_become_immortal_and_the_list_zeros() -> None:
    counts = {OBJECT: struct.pack("<I", 3), IMMORTAL_ALREADY: struct.pack("<I", IMMORTAL)}
    before = component_of({**counts, LIST: listing(OBJECT, IMMORTAL_ALREADY)})
    after, found = make_immortal(before)
    assert (found.changed, found.immortal_before) == (1, 1)
    assert count_at(after, OBJECT) == count_at(after, IMMORTAL_ALREADY) == IMMORTAL
    memory = read_image(find_data(after)).memory
    assert MARKER not in memory
    assert memory[LIST + len(MARKER) + 12 + len(FORM)] == 0x11, "what follows the list stays"
    assert [kind for kind, _ in read_sections(after)] == [0, 1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([5, 1, 5, 2], [5, 3, 5, 3]),
        ([4, 1, 2], [4, 1, 3]),  # what follows 4 is a cache, whatever its value
        ([1, 6, 1], [1, 6, 1]),  # what follows 6 is not known
    ],
)
def test_code_of_the_snapshot_is_quickened(before: list[int], after: list[int]) -> None:
    component, found = make_immortal(component_of({OBJECT: code(*before), LIST: listing(OBJECT)}))
    assert instructions_at(component, OBJECT, len(before)) == after
    assert found.quickened == sum(old != new for old, new in zip(before, after, strict=True))


def test_code_that_no_tool_watched_is_as_new_as_the_newest() -> None:
    newest, never_run, watched = OBJECT, OBJECT + 0x200, OBJECT + 0x240 + INSTRUCTIONS
    component, _found = make_immortal(
        component_of(
            {
                newest: code(5, version=0x2800),
                never_run: code(5),
                watched: code(5, version=0x2700, watched=START),
                LIST: listing(newest, never_run, watched),
            }
        )
    )
    versions = [number_at(component, one + VERSION) for one in (newest, never_run, watched)]
    assert versions == [0x2800, 0x2800, 0x2700]


def test_code_of_another_form_ends_the_build() -> None:
    form = struct.pack(CODE_FORM, CODE_TYPE, INSTRUCTIONS + 8, UNITS_OF_CACHE, QUICKENED)
    found = MARKER + struct.pack("<II", 1, OBJECT) + form
    with pytest.raises(Malformed, match="begin at 136"):
        make_immortal(component_of({OBJECT: code(5), LIST: found}))


def test_code_beyond_the_image_ends_the_build() -> None:
    with pytest.raises(Malformed, match="beyond"):
        make_immortal(component_of({OBJECT: code()[:8] + struct.pack("<I", 1 << 30), LIST: listing(OBJECT)}))


def test_a_marker_without_a_plausible_list_is_passed_over() -> None:
    stray = {START + 512: MARKER + struct.pack("<II", 1, 3)}
    after, found = make_immortal(
        component_of({**stray, OBJECT: struct.pack("<I", 1), LIST: listing(OBJECT)}),
    )
    assert found.changed == 1
    assert count_at(after, OBJECT) == IMMORTAL


def test_an_address_where_no_object_is_ends_the_build() -> None:
    with pytest.raises(Malformed, match="reference count"):
        make_immortal(component_of({OBJECT: struct.pack("<I", 0), LIST: listing(OBJECT)}))


def test_a_snapshot_without_a_list_ends_the_build() -> None:
    with pytest.raises(Malformed, match="no list"):
        make_immortal(component_of({}))


def test_an_image_that_would_not_be_mapped_ends_the_build() -> None:
    dense = component_of({}, span=17 << 20)
    assert check_density(dense).data > 16 << 20
    sparse = component_of({START + (6 << 20): bytes(10 << 20)}, span=17 << 20)
    with pytest.raises(Sparse, match="every sandbox"):
        check_density(sparse)


# What the loop's instructions are made of: i32.const -16, i32.add, i32.store16; a record that is shifted and stored,
# with and without the newest way; and stores that are none of those.
COUNTED = b"\x41\x70\x6a\x3b\1\0"
RECORDED = b"\x2f\1\0\x41\1\x74\x20\2\x72\x3b\1\0"
SHIFTED = b"\x2f\1\0\x41\1\x74\x3b\1\0"
OTHER = b"\x41\x10\x6a\x3b\1\0"


def interpreter_of(body: bytes, thunk: bytes = b"\x0b") -> bytes:
    """A component with a module that has this loop, and one whose function of that name only passes the call on."""

    def module(*bodies: bytes) -> Section:
        functions = write_unsigned(len(bodies)) + b"".join(write_unsigned(len(one)) + one for one in bodies)
        imports = b"\1" + write_name("env") + write_name("f") + bytes((FUNC, 0))
        exports = b"\1" + write_name(LOOP) + bytes((FUNC, len(bodies)))  # the last, behind the one that is imported
        sections = [Section(IMPORTS, imports), Section(EXPORTS, exports), Section(CODE, functions)]
        return Section(1, write_binary(MAGIC + CORE, sections))

    return write_binary(MAGIC + COMPONENT, [module(thunk), module(COUNTED, body)])


def test_the_interpreter_stores_nothing_in_code_that_runs() -> None:
    body = COUNTED * COUNTS + OTHER + RECORDED * (RECORDS - 1) + SHIFTED + b"\x0b"
    quiet = make_quiet(interpreter_of(body))
    dropped = b"\x1a\x1a\1"
    kept = COUNTED[:3] + dropped, RECORDED[:9] + dropped, SHIFTED[:6] + dropped
    assert quiet == interpreter_of(kept[0] * COUNTS + OTHER + kept[1] * (RECORDS - 1) + kept[2] + b"\x0b")


@pytest.mark.parametrize("body", [b"\x0b", COUNTED, COUNTED * COUNTS + RECORDED * (RECORDS + 1)])
def test_an_interpreter_that_is_not_known_ends_the_build(body: bytes) -> None:
    with pytest.raises(Malformed, match="where 14 and 10 are known"):
        make_quiet(interpreter_of(body))
