"""Put the code that runs next to each other.

CPython writes to code that runs: to the counters of instructions that are not specialized, and at every conditional
jump to the record of which way it went. So each page with code that runs costs a page fault, and a copy of it; next to
each other, in the order in which it runs, all the code of a check takes some sixty pages.
"""

import gc
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from types import CodeType, FrameType, FunctionType
from typing import Final

from edge.cold.packing import OBJECT_HEADER, keep

GAPS: Final = (24, 32, 40, 48, 56, 64, 80, 96)  # sizes of chunks
GAPS_OF_A_SIZE: Final = 1000  # about as many as there are code objects to copy


def choose_functions(runs: Iterable[Callable[[], object]], left: Container[str]) -> dict[CodeType, FunctionType]:
    """Return the code that runs and whose it is, in its order, but for that of the modules in `left`."""
    running = {code: None for run in runs for code in find_code_of(run)}
    functions = {one.__code__: one for one in gc.get_objects() if type(one) is FunctionType}
    return {code: functions[code] for code in running if code in functions and functions[code].__module__ not in left}


def gather_code(chosen: Mapping[CodeType, FunctionType]) -> None:
    """Copy code in this order, and give the copies to their functions.

    The copies are cold: they have to be warmed up again. The old ones go at the end, or the next copy took their place.
    """
    read = {code: copy_tuples(code) for code in chosen}
    make_small_gaps()
    copies = [copy_code(code, *read[code]) for code in chosen]
    for function, copy in zip(chosen.values(), copies, strict=True):
        function.__code__ = copy


def find_code_of(run: Callable[[], object]) -> dict[CodeType, None]:
    """Return the code that runs when this is called, in the order in which it first does."""
    found: dict[CodeType, None] = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            found[frame.f_code] = None

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def make_small_gaps() -> None:
    """Leave small free chunks, for the names and kinds of variables that come with each code object and lie idle."""
    for size in GAPS:
        row = [bytes(size - OBJECT_HEADER) + b"\1" for _ in range(2 * GAPS_OF_A_SIZE)]
        keep(row[::2])


def copy_tuples(code: CodeType) -> tuple[tuple[object, ...], tuple[str, ...]]:
    """Copy the constants and the names that instructions refer to."""
    return (*code.co_consts,), (*code.co_names,)


def copy_code(code: CodeType, constants: tuple[object, ...], names: tuple[str, ...]) -> CodeType:
    """Copy a code object and its nested ones, with tuples that were copied before."""
    if any(isinstance(one, CodeType) for one in constants):
        constants = tuple(
            [copy_code(one, *copy_tuples(one)) if isinstance(one, CodeType) else one for one in constants]
        )
    return code.replace(co_consts=constants, co_names=names)
