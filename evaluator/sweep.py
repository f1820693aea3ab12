"""Many specs for one user, as whole responses ask for them: the same outcomes as one by one, for less.

What is asked stays the same from user to user, so the specs are looked up once. Where nothing surrounds the walks of a
project, they are all that is left to do; and what an experiment came to is kept in the view, for the layers that
delegate to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from evaluator.conditions import GATE
from evaluator.evaluate import LAYER, find_outcome, walk, walk_alone
from evaluator.spec import GateCondition, ListCondition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Spec
    from evaluator.view import UserView


type Walk = Callable[[UserView, Spec], Outcome]
# What a view knows an outcome by, what walks the spec where nothing can lead back to it, the spec, and what is asked.
type Way = tuple[object, Walk | None, Any, Asked]

# Gates that are followed on one way: each takes a part of the sandbox's stack.
MOST_FOLLOWED: Final = 20


class Asked:
    """A spec that is asked for again and again: a kind of question and a name, of one project.

    `way` is how it is answered, once the project was asked for it.
    """

    __slots__ = ("kind", "name", "way")

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.way: Way | None = None

    def find_way(self, project: Project) -> Way:
        """Look the spec up; one that is not there yet may be there the next time."""
        spec = project.find_spec(self.kind, self.name)
        if spec is None:
            return None, None, None, self
        way = self.way = (self.name if self.kind == GATE else spec, _find_walk(project, self.kind, spec), spec, self)
        return way


def _find_walk(project: Project, kind: str, spec: Spec) -> Walk | None:
    if kind == LAYER and spec.use_new_layer_eval:
        return None
    if spec.is_lonely:
        return walk_alone
    return walk if kind != GATE or comes_to_an_end(project, spec) else None


def comes_to_an_end(project: Project, gate: Spec) -> bool:
    """Tell whether a gate asks gates alone, and none that leads back to it; when in doubt, not."""
    return _ends(project, gate, (), set())


def _ends(project: Project, gate: Spec, above: tuple[str, ...], known: set[str]) -> bool:
    """Tell whether a gate on the way from those above comes to an end; `known` are those that do."""
    way = (*above, gate.name)
    if len(way) > MOST_FOLLOWED:
        return False
    for rule in gate.rules:
        if rule.delegate is not None:
            return False
        for one in rule.nested:
            if type(one) is GateCondition and one.gate not in way:
                asked = None if one.gate in known else project.find_gate(one.gate)
                if asked is not None and not asked.is_lonely and not _ends(project, asked, way, known):
                    return False
            elif type(one) is not ListCondition:
                return False
    known.add(gate.name)
    return True


def find_ways(project: Project, asked: Iterable[Asked]) -> list[Way]:
    """Return how each is answered."""
    return [one.way or one.find_way(project) for one in asked]


def find_outcomes(view: UserView, ways: Iterable[Way]) -> list[Outcome]:
    """Return what `find_outcome` returns for each."""
    if view.surroundings or view.project.cmab_configs:
        return [find_outcome(view, one.kind, one.name) for _key, _walk, _spec, one in ways]
    memo = view.memo
    outcomes: list[Outcome] = []
    for key, walk_it, spec, one in ways:
        if key in memo:
            outcomes.append(memo[key])
        elif walk_it is None:
            outcomes.append(find_outcome(view, one.kind, one.name))
        else:
            outcome = memo[key] = walk_it(view, spec)
            outcomes.append(outcome)
    return outcomes
