"""Every answer of an OFREP bulk reply as text, kept with the project from one context to the next.

What is said of an entity depends on its verdict and on the ground that all answers of a request share (where the spec
came from, how old it is), not on the user. So a ground has its texts, and a reply is mostly evaluation and joining, as
a client response is. Answers that were made for one user (forced ones, bandits, failures) or that show the state of an
ID list are written anew.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from edge.checks import Asking, Check, check_in, find_kind
from edge.messages import encode_json
from evaluator.client_response import find_key, is_lasting
from evaluator.conditions import GATE
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluate import CONFIG, LAYER
from evaluator.evaluation import Evaluation
from evaluator.outcome import LISTED, NO_VERDICT, Outcome
from evaluator.project import Project
from evaluator.sweep import Asked, Ways, find_outcomes
from evaluator.view import UserView

HIDDEN: Final = frozenset({"segment", "holdout"})
# Texts of one entity; more are written anew.
MOST_KEPT: Final = 1_000
# Evaluated as most are: what its reason says beside the state is the ground of all answers of a request.
_USUAL: Final = Evaluation(GATE, "", Outcome(None, NO_VERDICT), None)

type Write = Callable[[Check], object]


class Flag(Asked):
    """An entity of a bulk reply; `texts` is what can be said of it, by what decides that (`find_key`)."""

    __slots__ = ("document", "section", "texts")

    def __init__(self, section: str, name: str, project: Project, document: Mapping[str, object]) -> None:
        super().__init__(find_kind(project, section, name, document), name)
        self.section = section
        self.document = document
        self.texts: dict[object, bytes] = {}


class Flags:
    """The entities of a project, and what was said of them on one ground."""

    __slots__ = ("_all", "flags")

    def __init__(self, project: Project) -> None:
        self.flags = list(list_flags(project))
        self._all: Ways[Flag] | None = None  # of a caller who may see everything

    def find_ways(self, asking: Asking, view: UserView) -> Ways[Flag]:
        """Return how each entity is answered that the caller may see; of several with one name the first."""
        sees_all = asking.find_sight(view) is None
        if sees_all and self._all is not None:
            return self._all
        shown: dict[str, Flag] = {}
        for flag in self.flags:
            if flag.name not in shown and asking.shows(view, flag.section, flag.name, flag.document):
                shown[flag.name] = flag
        ways = Ways(view.project, shown.values(), is_kept=sees_all)
        if sees_all:
            self._all = ways
        return ways

    def write_all(self, asking: Asking, view: UserView, write: Write) -> list[bytes]:
        """Return the text of each entity that the caller may see."""
        ways = self.find_ways(asking, view)
        try:
            outcomes = find_outcomes(view, ways)
        except EvaluationDepthExceeded:
            view.come_up()
            return [encode_json(write(check_in(asking, view, flag.section, flag.name))) for flag in ways.asked]
        return [
            (flag.texts.get(outcome.verdict) if outcome.marks < LISTED else None)
            or self.write_one(asking, view, flag, outcome, write)
            for flag, outcome in zip(ways.asked, outcomes, strict=True)
        ]

    def write_one(self, asking: Asking, view: UserView, flag: Flag, outcome: Outcome, write: Write) -> bytes:
        """Return the text of one entity, and keep it where it says nothing of the user."""
        key = find_key(outcome)
        is_kept = is_lasting(outcome) and outcome.marks < LISTED
        text = flag.texts.get(key) if is_kept else None
        if text is None:
            found = Evaluation(flag.kind, flag.name, outcome, None)
            text = encode_json(write(Check(flag.name, asking.questions.reason(found), view, found)))
            if is_kept and len(flag.texts) < MOST_KEPT:
                flag.texts[key] = text
        return text


def list_flags(project: Project) -> Iterator[Flag]:
    """Yield every entity that a bulk reply may hold."""
    for section, documents in (
        (GATE, project.gates),
        (CONFIG, {**project.configs, **project.cmab_configs}),
        (LAYER, project.layers),
    ):
        for name, document in cast("Mapping[str, Mapping[str, object]]", documents).items():
            if document.get("entity") not in HIDDEN:
                yield Flag(section, name, project, document)


def find_flags(asking: Asking, project: Project) -> Flags:
    """Return what is kept of a project on the ground of a request; there are a handful of grounds."""
    reason = asking.questions.reason(_USUAL)
    flags = project.kept.get((Flags, reason))
    if not isinstance(flags, Flags):
        flags = project.kept[Flags, reason] = Flags(project)
    return flags
