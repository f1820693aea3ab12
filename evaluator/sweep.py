"""Many specs for one user, as whole responses ask for them: the same outcomes as one by one, for less.

What is asked stays the same from user to user, so the specs are looked up once. Where nothing surrounds the walks of a
project, they are all that is left to do, by a plan (`plan`), and by a shorter one for users with the same attributes
(`alike`). What an experiment came to is kept in the view, for the layers that delegate to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluator.alike import Alike, is_named
from evaluator.conditions import GATE
from evaluator.evaluate import LAYER, find_outcome, share
from evaluator.outcome import PENDING
from evaluator.plan import make_plan
from evaluator.spec import GateCondition, ListCondition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluator.alike import Named
    from evaluator.outcome import Outcome
    from evaluator.plan import Member, Plan
    from evaluator.project import Project
    from evaluator.spec import Spec
    from evaluator.view import UserView


# What a view knows an outcome by; the spec, where nothing leads back to it; the outcome, where everyone gets the same.
type Way = tuple[object, Spec | None, Outcome | None]

# Gates that are followed on one way: each takes a part of the sandbox's stack.
MOST_FOLLOWED: Final = 20
# Of what users have in common, that there is a plan for: a bound on memory.
MOST_PLANS: Final = 8

# Where a view keeps the ways that are to be planned for users like its own.
_UNPLANNED: Final = object()


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
        kind, spec = self.kind, project.find_spec(self.kind, self.name)
        if spec is None:
            return self, None, None
        key = self.name if kind == GATE else spec
        if kind == LAYER and spec.use_new_layer_eval:
            way: Way = self, None, None
        elif spec.constant is not None:
            way = key, None, spec.constant.plain or share(spec, spec.constant)
        elif kind != GATE or spec.is_lonely or comes_to_an_end(project, spec):
            way = key, spec, None
        else:  # a mark against circles would stand where its outcome does
            way = self, None, None
        self.way = way
        return way


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
    """How several specs are answered, in their order: by a plan, but for those that are asked `anew` each time.

    What `is_kept` for further users has shorter plans for those who are alike (`plan_ahead`).
    """

    __slots__ = ("_is_kept", "_plans", "anew", "asked", "plan")

    def __init__(self, project: Project, asked: Iterable[One], *, is_kept: bool = False) -> None:
        self.asked = list(asked)
        self.anew: list[tuple[int, One]] = []
        outcomes: list[Outcome] = []
        constants: dict[object, Outcome] = {}
        members: list[Member] = []
        for place, one in enumerate(self.asked):
            key, spec, constant = one.way or one.find_way(project)
            outcomes.append(PENDING if constant is None else constant)
            if constant is not None:
                constants[key] = constant
            elif spec is None:
                self.anew.append((place, one))
            else:
                members.append((place, key, spec, spec.rules))
        self.plan = make_plan(outcomes, constants, members, [one.kind for one in self.asked])
        self._is_kept = is_kept
        # By the attributes of those who were asked for: a plan for all such users but the named, once there is one.
        self._plans: dict[bytes, tuple[Named, Plan] | None] = {}

    def find_plan(self, view: UserView) -> Plan:
        """Return the plan for a user: the shorter one for those alike, where there is one."""
        if not self._is_kept:
            return self.plan
        attributes, plans = view.attributes, self._plans
        known = plans.get(attributes)
        if known is not None:
            named, plan = known
            return self.plan if is_named(view, named) else plan
        if not plans or attributes in plans:  # who follows the first is often like that, but not everybody is
            view.memo.setdefault(_UNPLANNED, []).append(self)
        if len(plans) < MOST_PLANS:
            plans[attributes] = None
        return self.plan

    def plan_for(self, view: UserView) -> None:
        """Make the plan for users who are like this one."""
        alike = Alike(view)
        plan = self.plan.shorten(alike)
        self._plans[view.attributes] = alike.named, plan
        if not is_named(view, alike.named):
            for behind in (*plan.gated, *plan.gated_layers):
                behind.recall_ahead(view)


def plan_ahead(view: UserView) -> None:
    """Make shorter plans for users like this one, who was asked for, where it is time to; best when nobody waits."""
    unplanned: list[Ways[Any]] = view.memo.pop(_UNPLANNED, [])
    for ways in unplanned:
        ways.plan_for(view)


def find_outcomes(view: UserView, ways: Ways[Any]) -> list[Outcome]:
    """Return what `find_outcome` returns for each."""
    if view.surroundings or view.project.cmab_configs:
        return [find_outcome(view, asked.kind, asked.name) for asked in ways.asked]
    outcomes = ways.find_plan(view).follow(view)
    for place, asked in ways.anew:
        outcomes[place] = find_outcome(view, asked.kind, asked.name)
    return outcomes
