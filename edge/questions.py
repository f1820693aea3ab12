"""The questions of one request: what they are answered from, fixed before the first of them is evaluated.

A route says what it wants to know (`Wanted`: kind and name of each spec, or everything), and gets a `Questions`. All
that the store must be asked is asked in its making, so every answer of a request comes from one generation of the spec
however many pages it took, and evaluating needs no further reading but ID lists. A request makes one and keeps it to
its end; nothing of it outlives the request.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from edge.spec.cache import FALLBACK, HeldSpec
from edge.spec.id_lists import IdLists
from edge.spec.store import CONFIG_STORE, KV
from edge.spec.wanted import Wanted
from evaluator.evaluation import ID_LIST, Evaluation
from evaluator.options import Options
from evaluator.project import Project

# How reasons name what answered, in Statsig's words: an adapter stands for a store, Bootstrap for what came with the
# program.
SOURCES: Final[Mapping[str, str]] = {
    KV: "Adapter(FastlyKV)",
    CONFIG_STORE: "Adapter(FastlyConfigStore)",
    FALLBACK: "Bootstrap",
}


NO_CUSTOM: Final[Mapping[str, object]] = {}  # fields that users of an evaluating side have in common

# Asked for in place of names: every spec of the project, for bulk answers and client responses.
WHOLE: Final = None


class Questions:
    """What one request's questions are answered from."""

    __slots__ = ("_lists", "_wanted", "held", "now_ms", "options")

    def __init__(
        self, held: HeldSpec, wanted: Sequence[Wanted] | None, lists: IdLists, environment: str, now_ms: int
    ) -> None:
        self._wanted = None if wanted is None else {(one.kind, one.name) for one in wanted}
        self._lists = lists
        self.held = held
        overrides = held.overrides.value
        self.options = Options(  # to make views with
            {"tier": environment} if environment else None,
            NO_CUSTOM,
            lists,
            None if overrides is None else overrides.overrides,
        )
        self.now_ms = now_ms  # the instant of the request, to make views and events with

    @property
    def lists(self) -> IdLists:
        """Return the ID lists, to be handed out whole."""
        return self._lists

    @property
    def received_ms(self) -> int:
        """Return when the spec was read, for exposure events."""
        return self.held.answer.received_ms

    @property
    def fault(self) -> str:
        """Say why there is no spec, or why it is not the newest; empty when nothing is wrong."""
        return self.held.answer.fault

    def project_for(self, kind: str, name: str) -> Project | None:
        """Return the specs that one wanted spec is evaluated in; None when there is no spec to answer from.

        It holds the spec, when the project has one of that name, and everything its evaluation reaches; perhaps
        little else: do not list it. The same object comes for several names where it serves them all, so a view can
        be kept per project and request.
        """
        if self._wanted is not None and (kind, name) not in self._wanted:
            raise LookupError(f"the {kind} was not wanted when the questions began")
        return self.held.answer.project

    def whole_project(self) -> Project | None:
        """Return all specs, to be listed and evaluated; only when WHOLE was wanted. None when there is no spec."""
        if self._wanted is not None:
            raise LookupError("not everything was wanted when the questions began")
        return self.held.answer.project

    def reason(self, evaluation: Evaluation) -> str:
        """Return the reason of an evaluation made with these options: its source, its state, what was missing."""
        reason = evaluation.reason(SOURCES[self.held.answer.source])
        if self.held.answer.is_stale:
            reason += ":Stale"
        if self.held.overrides.fault and not self.held.overrides.is_known:
            reason += ":OverridesUnknown"
        return reason + self._lists.describe_faults() if evaluation.state.endswith(ID_LIST) else reason
