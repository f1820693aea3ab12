"""Many specs for one user, as whole responses ask for them: the same outcomes as one by one, for less.

What is asked stays the same from user to user, so the specs are looked up once. Where nothing surrounds the walks of a
project, they are all that is left to do; and what an experiment came to is kept in the view, for the layers that
delegate to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from evaluator.conditions import GATE, walk_gate
from evaluator.evaluate import LAYER, find_outcome, keep, share, walk, walk_alone
from evaluator.outcome import PENDING
from evaluator.spec import NOTHING_ASKED, GateCondition, ListCondition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Spec, Verdict
    from evaluator.view import UserView


type Walk = Callable[[UserView, Any], Outcome]
# What a view knows an outcome by, what finds it, and that of what; where everyone gets the same, None and the outcome.
type Way = tuple[object, Walk | None, Any]
# A spec, the condition of its first rule, and its verdict where that does not hold.
type Settled = tuple[Spec, GateCondition, Verdict]

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
            return self, _ask_anew, self
        found = _find_walk(project, self.kind, spec)
        # A mark against circles would stand where the outcome of a gate does.
        key = self if found is None else self.name if self.kind == GATE else spec
        way = self.way = (key, *(found or (_ask_anew, self)))
        return way


def _ask_anew(view: UserView, asked: Asked) -> Outcome:
    return find_outcome(view, asked.kind, asked.name)


def _find_plain(spec: Spec, verdict: Verdict) -> Outcome:
    plain = verdict.plain
    return share(spec, verdict) if plain is None else plain


def _take_settled(view: UserView, settled: Settled) -> Outcome:
    spec, condition, verdict = settled
    known = view.memo.get(condition)
    holds, trail, marks = walk_gate(view, condition, find_outcome) if known is None else known
    if holds is not False:
        return walk(view, spec)
    outcome = verdict.trailed.get(trail)
    if outcome is not None and outcome.marks == marks:
        return outcome
    return keep(spec, verdict, trail, marks) if trail or marks else _find_plain(spec, verdict)


def _find_walk(project: Project, kind: str, spec: Spec) -> tuple[Walk | None, object] | None:
    """Return what walks a spec where nothing can lead back to it, and of what, as in a way."""
    if kind == LAYER and spec.use_new_layer_eval:
        return None
    if spec.constant is not None:
        return None, _find_plain(spec, spec.constant)
    if spec.is_lonely:
        return walk_alone, spec
    if kind == GATE and not comes_to_an_end(project, spec):
        return None
    settled = _settle(spec)
    return (walk, spec) if settled is None else (_take_settled, settled)


def _settle(spec: Spec) -> Settled | None:
    """Return what a spec comes to for everyone whom the gate behind its first rule, a holdout, does not stop."""
    first, *others = spec.rules
    if first.only is None or first.plain is not NOTHING_ASKED:
        return None
    if not others:
        return spec, first.only, spec.fallback
    constant = others[0].constant
    return None if constant is None else (spec, first.only, constant)


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


class Ways[One: Asked]:
    """How several specs are answered, in their order.

    `outcomes` has what everyone gets, and a placeholder for each outcome that depends on the user; `constants` has the
    former by what a view knows them by, `others` the ways of the latter, each behind its place.
    """

    __slots__ = ("asked", "constants", "others", "outcomes")

    def __init__(self, project: Project, asked: Iterable[One]) -> None:
        self.asked = list(asked)
        self.outcomes: list[Outcome] = []
        self.constants: dict[object, Outcome] = {}
        self.others: list[tuple[int, object, Walk, Any]] = []
        for place, one in enumerate(self.asked):
            key, find, what = one.way or one.find_way(project)
            if find is None:
                self.constants[key] = what
            else:
                self.others.append((place, key, find, what))
            self.outcomes.append(what if find is None else PENDING)


def find_outcomes(view: UserView, ways: Ways[Any]) -> list[Outcome]:
    """Return what `find_outcome` returns for each."""
    if _surround(view):
        return [_ask_anew(view, asked) for asked in ways.asked]
    memo, outcomes = view.memo, ways.outcomes.copy()
    memo.update(ways.constants)
    for place, key, find, what in ways.others:
        outcomes[place] = memo[key] = memo[key] if key in memo else find(view, what)
    return outcomes


def _surround(view: UserView) -> object:
    return view.surroundings or view.project.cmab_configs
