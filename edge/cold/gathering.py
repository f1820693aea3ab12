"""Lay together the code that requests run: one run of the builder notes it, the next one loads it before all else.

Functions that run lie between many that do not, and so do their constants and the names that they use, in all parts of
what is compiled. Names are made once, by whoever needs them first, and nothing in the snapshot can be moved. So the
code that the rehearsal ran is written to a file, in the order in which it first ran, and with it what the bodies of
modules and classes are made of; all of it is loaded as the first thing of the next run. What is compiled then refers to
it in place of its own. Modules of which the most usual request runs nothing are noted as well: imported before all
others, they do not lie between what that request touches.

The build (`devhost/build.py`) asks for a note with an empty file, and removes the file when it is done.
"""

import gc
import marshal
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from importlib.machinery import SourceFileLoader
from types import CodeType, FrameType
from typing import Final

from edge.cold.choice import is_chosen
from edge.cold.packing import ALL_SIZES, take_free_chunks

OURS: Final = ("app", "edge", "evaluator", "specstore")
NOTE: Final = f"{os.path.dirname(__file__)}/__pycache__/rehearsed.marshal"
LONGEST: Final = 64  # of texts and bytes; what is longer is documentation, or a table
CO_OPTIMIZED: Final = 1  # a flag of code whose names are numbered: of functions, not of modules and classes
GENERATED: Final = "<"  # how the file of code begins that no file holds

type Constant = str | bytes | int
type CodeKey = tuple[str, CodeType]  # the file as well: code of two files may be equal
type ConstantKey = tuple[type, Constant]  # the type as well: true is 1


class Gathered:
    """The code and the constants that lie together, and the modules that lie idle."""

    def __init__(
        self, code: Iterable[CodeType] = (), constants: Iterable[Constant] = (), idle: Sequence[str] = ()
    ) -> None:
        self.idle = idle
        self._code: dict[CodeKey, CodeType] = {(one.co_filename, one): one for one in code}
        self._constants: dict[ConstantKey, Constant] = {(type(one), one): one for one in constants}

    def put_into(self, code: CodeType) -> CodeType:
        """Return code that refers to what lies together wherever it has the same itself."""
        constants = tuple(map(self._find, code.co_consts))
        changed = any(one is not other for one, other in zip(constants, code.co_consts, strict=True))
        return code.replace(co_consts=constants) if changed else code

    def _find(self, constant: object) -> object:
        if isinstance(constant, CodeType):
            return self._code.get((constant.co_filename, constant)) or self.put_into(constant)
        if isinstance(constant, str | bytes | int):
            return self._constants.get((type(constant), constant), constant)
        return constant


def load_gathered(note: str = NOTE) -> Gathered:
    """Load what the run before has noted, to the end of the heap; nothing without a note, or when it is left out.

    A collection empties the interpreter's lists of free objects, and free chunks are taken meanwhile: all of these lie
    anywhere.
    """
    if not (is_chosen("gathering") and is_chosen("compiling") and os.path.isfile(note) and os.path.getsize(note)):
        return Gathered()
    with open(note, "rb") as file:
        noted = file.read()
    gc.collect()
    taken = take_free_chunks(ALL_SIZES)
    gathered = Gathered(*marshal.loads(noted))  # noqa: S302  # written by the same build, a minute ago
    taken.clear()
    return gathered


def is_note_wanted(note: str = NOTE) -> bool:
    """Tell whether the build asks for a note."""
    return os.path.isfile(note) and not os.path.getsize(note)


def note_code(usual: Callable[[], object], others: Iterable[Callable[[], object]], note: str = NOTE) -> None:
    """Run the most usual request, then others; note the code that runs in its order, and what all bodies are made of.

    The first decides what modules are idle. Code that was watched is not what it was: what this run of the builder
    makes is not to be kept.
    """
    ran: dict[CodeKey, None] = {}
    watch(usual, ran)
    idle = list_idle({file for file, _code in ran})
    for other in others:
        watch(other, ran)
    constants = {(type(one), one): one for body in list_bodies() for one in list_constants(body)}
    with open(note, "wb") as file:
        file.write(marshal.dumps(([code for _file, code in ran], list(constants.values()), idle)))


def watch(run: Callable[[], object], ran: dict[CodeKey, None]) -> None:
    """Run a function, and add the code that it runs."""

    def see(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and not code.co_filename.startswith(GENERATED):
            ran.setdefault((code.co_filename, code))

    sys.setprofile(see)
    try:
        run()
    finally:
        sys.setprofile(None)


def list_idle(used: Collection[str]) -> list[str]:
    """List the modules that have none of these files, in the order of their import.

    None of ours: most of them import one that is used.
    """
    named = ((name, getattr(module, "__file__", None)) for name, module in sys.modules.items())
    return [name for name, file in named if file and file not in used and name.partition(".")[0] not in OURS]


def list_bodies() -> Iterator[CodeType]:
    """Yield the code of all modules that Python compiled, and of the classes in it."""
    for name in sorted(sys.modules):
        loader = getattr(getattr(sys.modules[name], "__spec__", None), "loader", None)
        if not isinstance(loader, SourceFileLoader) or loader.name != name:  # `__main__` has two names
            continue
        code = loader.get_code(name)
        todo = [] if code is None else [code]
        while todo:
            body = todo.pop()
            yield body
            todo += [one for one in body.co_consts if isinstance(one, CodeType) and not one.co_flags & CO_OPTIMIZED]


def list_constants(body: CodeType) -> Iterator[Constant]:
    """Yield the names and the short constants of a body."""
    for one in (*body.co_names, *body.co_consts):
        if isinstance(one, int) or (isinstance(one, str | bytes) and len(one) <= LONGEST):
            yield one
