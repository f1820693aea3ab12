"""Many specs for one user, as whole responses ask for them: the same outcomes as one by one, for less.

What is asked stays the same from user to user, so the specs are looked up once. Where nothing surrounds the walks of a
project, they are all that is left to do. Specs whose first rule asks the same gate, a holdout mostly, ask it together,
and those that nothing else decides are recalled by its answer. What an experiment came to is kept in the view, for the
layers that delegate to it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from evaluator.conditions import GATE, walk_gate
from evaluator.evaluate import LAYER, MOST_TRAILS, find_outcome, share, walk, walk_alone, walk_on
from evaluator.outcome import PENDING
from evaluator.spec import NOTHING_ASKED, GateCondition, ListCondition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Exposure, Rule, Spec, Verdict
    from evaluator.view import UserView


type Walk = Callable[[UserView, Any], Outcome]
# What a view knows an outcome by, what finds it, and that of what; where everyone gets the same, None and the outcome.
type Way = tuple[object, Walk | None, Any]
# A place among the outcomes, what a view knows the outcome by, the spec, and its rules behind the first.
type Member = tuple[int, object, Spec, Sequence[Rule]]

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
    return walk, spec


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


class Behind:
    """Specs whose first rule asks one gate and nothing else; `settled` are those that ask nothing behind it either."""

    __slots__ = ("_known", "_settled", "_walked", "condition")

    def __init__(self, condition: GateCondition, members: Iterable[tuple[int, object, Spec]]) -> None:
        self.condition = condition
        self._settled: list[Member] = []
        self._walked: list[Member] = []
        for place, key, spec in members:
            rules = spec.rules[1:]
            is_settled = not rules or rules[0].constant is not None
            (self._settled if is_settled else self._walked).append((place, key, spec, rules))
        # By the trail and the marks that the gate leaves: the outcomes of the settled, by place and by key.
        self._known: dict[object, tuple[list[tuple[int, Outcome]], dict[object, Outcome]]] = {}

    def find(self, view: UserView, outcomes: list[Outcome]) -> None:
        """Put what each comes to in its place."""
        memo, condition = view.memo, self.condition
        all_hold, trail, marks = memo.get(condition) or walk_gate(view, condition, find_outcome)
        if all_hold is not False:  # for the few whom the gate stops
            for place, key, spec, _rules in (*self._settled, *self._walked):
                outcomes[place] = memo[key] = walk(view, spec)
            return
        for place, key, spec, rules in self._walked:
            outcomes[place] = memo[key] = memo[key] if key in memo else walk_on(view, spec, rules, trail, marks)
        if self._settled:
            known = self._known.get((trail, marks))
            in_place, by_key = self._recall(view, trail, marks) if known is None else known
            memo.update(by_key)
            for place, outcome in in_place:
                outcomes[place] = outcome

    def _recall(
        self, view: UserView, trail: tuple[Exposure, ...], marks: int
    ) -> tuple[list[tuple[int, Outcome]], dict[object, Outcome]]:
        """Return what the settled come to behind a gate that leaves this; it is the same for every user."""
        found = [(place, key, walk_on(view, spec, rules, trail, marks)) for place, key, spec, rules in self._settled]
        known = [(place, outcome) for place, _key, outcome in found], {key: outcome for _place, key, outcome in found}
        if len(self._known) < MOST_TRAILS:
            self._known[trail, marks] = known
        return known


def _find_first(find: Walk, what: Any) -> GateCondition | None:
    """Return the condition of a spec's first rule, where that asks one gate and nothing else."""
    first: Rule | None = what.rules[0] if find is walk else None
    return first.only if first is not None and first.plain is NOTHING_ASKED else None


class Ways[One: Asked]:
    """How several specs are answered, in their order.

    `outcomes` has what everyone gets, and a placeholder for each outcome that depends on the user; `constants` has the
    former by what a view knows them by. Of the latter, `others` has the ways, each behind its place; specs that share
    a gate are asked before these, but layers after them, to find what their experiments came to.
    """

    __slots__ = ("asked", "constants", "gated", "gated_layers", "others", "outcomes")

    def __init__(self, project: Project, asked: Iterable[One]) -> None:
        self.asked = list(asked)
        self.outcomes: list[Outcome] = []
        self.constants: dict[object, Outcome] = {}
        self.others: list[tuple[int, object, Walk, Any]] = []
        # By the gate and the answer that is wanted of it, and whether they are layers.
        gated: dict[tuple[str, bool, bool], tuple[GateCondition, list[tuple[int, object, Spec]]]] = {}
        for place, one in enumerate(self.asked):
            key, find, what = one.way or one.find_way(project)
            if find is None:
                self.constants[key] = what
            elif (first := _find_first(find, what)) is not None:
                by = first.gate, first.wanted, one.kind == LAYER
                gated.setdefault(by, (first, []))[1].append((place, key, what))
            else:
                self.others.append((place, key, find, what))
            self.outcomes.append(what if find is None else PENDING)
        self.gated: list[Behind] = []
        self.gated_layers: list[Behind] = []
        for (_gate, _wanted, are_layers), (condition, members) in gated.items():
            if len(members) > 1:
                (self.gated_layers if are_layers else self.gated).append(Behind(condition, members))
            else:  # nobody to share the gate with
                self.others += [(place, key, walk, spec) for place, key, spec in members]
        self.others.sort(key=itemgetter(0))


def find_outcomes(view: UserView, ways: Ways[Any]) -> list[Outcome]:
    """Return what `find_outcome` returns for each."""
    if _surround(view):
        return [_ask_anew(view, asked) for asked in ways.asked]
    memo, outcomes = view.memo, ways.outcomes.copy()
    memo.update(ways.constants)
    for behind in ways.gated:
        behind.find(view, outcomes)
    for place, key, find, what in ways.others:
        outcomes[place] = memo[key] = memo[key] if key in memo else find(view, what)
    for behind in ways.gated_layers:
        behind.find(view, outcomes)
    return outcomes


def _surround(view: UserView) -> object:
    return view.surroundings or view.project.cmab_configs
