"""What an exported function of a core module does, changed for something as long."""

from collections.abc import Callable

from devhost.after_link.binary import Malformed, Section, read_unsigned
from devhost.after_link.merging.core_modules import CODE, EXPORTS, FUNC, IMPORTS, count_imported, read_exports


def change_exported(sections: list[Section], name: str, change: Callable[[bytes], bytes]) -> list[Section]:
    """Return the sections of a module with an exported function changed, as they are where there is none.

    `change` takes its locals and instructions; raises Malformed when what it returns is not as long.
    """
    place = find_exported(sections, name)
    if place is None:
        return sections
    at = next(number for number, one in enumerate(sections) if one.kind == CODE)
    code, (start, end) = sections[at].content, place
    function = change(code[start:end])
    if len(function) != end - start:
        raise Malformed(f"{name} is {len(function)} bytes long and was {end - start}")
    return [*sections[:at], Section(CODE, code[:start] + function + code[end:]), *sections[at + 1 :]]


def find_exported(sections: list[Section], name: str) -> tuple[int, int] | None:
    """Return where in the code section an exported function begins and ends, None in a module without it."""
    by_kind = {kind: content for kind, content in sections if kind in (IMPORTS, EXPORTS, CODE)}
    if by_kind.keys() != {IMPORTS, EXPORTS, CODE}:
        return None
    exported = [one.number for one in read_exports(by_kind[EXPORTS]) if one.name == name and one.kind == FUNC]
    if not exported:
        return None
    imported = count_imported(by_kind[IMPORTS])
    return find_body(by_kind[CODE], exported[0] - imported)


def find_body(code: bytes, number: int) -> tuple[int, int]:
    """Return where a function's locals begin and its instructions end in a code section; raises Malformed."""
    count, at = read_unsigned(code, 0)
    if not 0 <= number < count:
        raise Malformed(f"function {number} of {count}")
    length, at = read_unsigned(code, at)
    for _ in range(number):
        length, at = read_unsigned(code, at + length)
    return at, at + length
