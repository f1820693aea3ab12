"""The questions of one request: what they are answered from, fixed before the first of them is evaluated.

A route says what it wants to know (`Wanted`: kind and name of each spec, or everything), and gets a `Questions`. All
that the store must be asked is asked in its making, so every answer of a request comes from one generation of the spec
however many pages it took, and evaluating needs no further reading but ID lists. A request makes one and keeps it to
its end; nothing of it outlives the request.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from edge.spec_cache import HeldSpec, document_of
from evaluator.evaluation import Evaluation
from evaluator.options import Options
from evaluator.project import Project

SOURCE: Final = "Adapter(FastlyKV)"


class Wanted(NamedTuple):
    """One spec asked for; the kind is gate, config, experiment or layer, as the evaluator has it."""

    kind: str
    name: str


# Asked for in place of names: every spec of the project, for bulk answers and client responses.
WHOLE: Final[tuple[Wanted, ...]] = ()


class Questions:
    """What one request's questions are answered from."""

    __slots__ = ("_projects", "held", "now_ms", "options")

    def __init__(self, held: HeldSpec, wanted: Sequence[Wanted], options: Options, now_ms: int) -> None:
        self._projects = dict.fromkeys(wanted, held.project)
        self.held = held
        self.options = options  # environment, ID lists and overrides, to make views with
        self.now_ms = now_ms  # the instant of the request, to make views and events with

    @property
    def received_ms(self) -> int:
        """Return when the spec was read, for exposure events."""
        return self.held.received_ms

    @property
    def fault(self) -> str:
        """Say why there is no spec, or why it is not the newest; empty when nothing is wrong."""
        return self.held.fault

    def project_for(self, kind: str, name: str) -> Project | None:
        """Return the specs that one wanted spec is evaluated in; None when there is no spec to answer from.

        It holds the spec, when the project has one of that name, and everything its evaluation reaches; perhaps
        little else: do not list it. The same object comes for several names where it serves them all, so a view can
        be kept per project and request.
        """
        return self._projects.get(Wanted(kind, name), self.held.project)

    def whole_project(self) -> Project | None:
        """Return all specs, to be listed and evaluated; only when WHOLE was wanted. None when there is no spec."""
        return self.held.project

    def read_document(self) -> bytes | None:
        """Return the JSON document that answers, as the console or the publisher wrote it; None without one."""
        return document_of(self.held)

    def reason(self, evaluation: Evaluation) -> str:
        """Return the reason of an evaluation made with these options: its source, its state, what was missing."""
        return evaluation.reason(SOURCE)
