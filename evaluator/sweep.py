"""Many specs for one user, as whole responses ask for them: the same outcomes as one by one, for less.

What is asked stays the same from user to user, so the specs are looked up once. Where nothing surrounds the walks of a
project, they are all that is left to do. Specs whose first rule asks the same gate, a holdout mostly, ask it together;
for users with the same attributes there are fewer rules to try (`alike`). What an experiment came to is kept in the
view, for the layers that delegate to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

from evaluator.alike import Alike, is_named
from evaluator.conditions import GATE, walk_gate
from evaluator.evaluate import LAYER, find_outcome, share, walk, walk_alone, walk_on
from evaluator.outcome import PENDING
from evaluator.spec import NOTHING_ASKED, GateCondition, ListCondition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evaluator.alike import Named
    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Exposure, Rule, Spec
    from evaluator.view import UserView


# What a view knows an outcome by; the spec, where nothing leads back to it; the outcome, where everyone gets the same.
type Way = tuple[object, Spec | None, Outcome | None]
# A place among the outcomes, what a view knows the outcome by, the spec, and the rules to try.
type Member = tuple[int, object, Spec, Sequence[Rule]]
# Outcomes by place and by key.
type Recalled = tuple[list[tuple[int, Outcome]], dict[object, Outcome]]

# Gates that are followed on one way: each takes a part of the sandbox's stack.
MOST_FOLLOWED: Final = 20
# Of what users have in common, that there is a plan for: a bound on memory.
MOST_PLANS: Final = 8
# Of ways through a gate, that specs behind it are recalled for.
MOST_RECALLED: Final = 32

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


def walk_each(
    view: UserView, members: Iterable[Member], outcomes: list[Outcome], trail: tuple[Exposure, ...], marks: int
) -> None:
    """Put what each comes to in its place, behind rules that left this trail and these marks."""
    memo = view.memo
    for place, key, spec, rules in members:
        outcomes[place] = memo[key] = memo[key] if key in memo else walk_on(view, spec, rules, trail, marks)


class Behind:
    """Specs whose first rule asks one gate and nothing else, the same gate for the same answer.

    Those that nothing decides behind it are `settled`, and recalled by what the gate leaves; the others are walked.
    """

    __slots__ = ("_known", "condition", "settled", "walked")

    def __init__(self, condition: GateCondition, settled: Sequence[Member], walked: Sequence[Member]) -> None:
        self.condition = condition
        self.settled = settled
        self.walked = walked
        # By the trail and the marks that the gate leaves.
        self._known: dict[object, Recalled] = {}

    def find(self, view: UserView, outcomes: list[Outcome]) -> None:
        """Put what each comes to in its place."""
        memo, condition = view.memo, self.condition
        all_hold, trail, marks = memo.get(condition) or walk_gate(view, condition, find_outcome)
        if all_hold is not False:  # for the few whom the gate stops
            for place, key, spec, _rules in (*self.settled, *self.walked):
                outcomes[place] = memo[key] = walk(view, spec)
            return
        if self.settled:
            known = self._known.get((trail, marks))
            in_place, by_key = self._recall(view, trail, marks) if known is None else known
            memo.update(by_key)
            for place, outcome in in_place:
                outcomes[place] = outcome
        walk_each(view, self.walked, outcomes, trail, marks)

    def _recall(self, view: UserView, trail: tuple[Exposure, ...], marks: int) -> Recalled:
        """Return what the settled come to behind a gate that leaves this; it is the same for every user."""
        found = [(place, key, walk_on(view, spec, rules, trail, marks)) for place, key, spec, rules in self.settled]
        known = [(place, outcome) for place, _key, outcome in found], {key: outcome for _place, key, outcome in found}
        if len(self._known) < MOST_RECALLED:
            self._known[trail, marks] = known
        return known

    def recall_ahead(self, view: UserView) -> None:
        """Find what the settled come to behind the gate, for those who pass it as this user did."""
        step = view.memo.get(self.condition)
        if step is not None and step[0] is False and self.settled:
            self._recall(view, step[1], step[2])

    def shorten(self, alike: Alike) -> Behind:
        """Return the same for users who are alike."""
        settled = list(self.settled)
        walked: list[Member] = []
        for place, key, spec, rules in self.walked:
            left, is_settled = alike.shorten(rules)
            (settled if is_settled else walked).append((place, key, spec, left))
        return Behind(self.condition, settled, walked)


@dataclass(slots=True)
class Plan:
    """What is to be done for each user, in this order: layers that share a gate find what their experiments came to.

    `outcomes` has what is known beforehand, and a placeholder for each outcome that depends on the user; `constants`
    has the former by what a view knows them by.
    """

    outcomes: list[Outcome]
    constants: dict[object, Outcome]
    gated: Sequence[Behind]
    alone: Sequence[Member]
    walked: Sequence[Member]
    gated_layers: Sequence[Behind]

    def follow(self, view: UserView) -> list[Outcome]:
        """Return the outcomes for a user."""
        memo, outcomes = view.memo, self.outcomes.copy()
        memo.update(self.constants)
        for behind in self.gated:
            behind.find(view, outcomes)
        for place, key, spec, rules in self.alone:
            outcomes[place] = memo[key] = memo[key] if key in memo else walk_alone(view, spec, rules)
        walk_each(view, self.walked, outcomes, (), 0)
        for behind in self.gated_layers:
            behind.find(view, outcomes)
        return outcomes

    def shorten(self, alike: Alike) -> Plan:
        """Return the plan for users who are alike: fewer rules to try, and more outcomes that are known beforehand."""
        outcomes, constants = self.outcomes.copy(), self.constants.copy()
        alone: list[Member] = []
        walked: list[Member] = []
        for members, still in (self.alone, alone), (self.walked, walked):
            for place, key, spec, rules in members:
                left, is_settled = alike.shorten(rules)
                if is_settled:
                    verdict = (left[0].certain if left else None) or spec.fallback
                    outcomes[place] = constants[key] = verdict.plain or share(spec, verdict)
                else:
                    still.append((place, key, spec, left))
        gated, gated_layers = [[one.shorten(alike) for one in some] for some in (self.gated, self.gated_layers)]
        return Plan(outcomes, constants, gated, alone, walked, gated_layers)


def make_plan(
    outcomes: list[Outcome], constants: dict[object, Outcome], members: Iterable[Member], kinds: Sequence[str]
) -> Plan:
    """Make the plan for members, of specs of these kinds, that suits all users."""
    alone: list[Member] = []
    walked: list[Member] = []
    # By the gate, the answer that is wanted of it, and whether they are layers.
    gated: dict[tuple[str, bool, bool], list[Member]] = {}
    for member in members:
        place, _key, spec, rules = member
        gate = rules[0].only if rules[0].plain is NOTHING_ASKED else None
        if gate is not None:
            gated.setdefault((gate.gate, gate.wanted, kinds[place] == LAYER), []).append(member)
        else:
            (alone if spec.is_lonely else walked).append(member)
    behind: list[Behind] = []
    behind_layers: list[Behind] = []
    for (_gate, _wanted, are_layers), sharing in gated.items():
        if len(sharing) > 1:
            (behind_layers if are_layers else behind).append(_share_gate(sharing))
        else:  # nobody to share the gate with
            walked += sharing
    walked.sort(key=itemgetter(0))
    return Plan(outcomes, constants, behind, alone, walked, behind_layers)


def _share_gate(members: Sequence[Member]) -> Behind:
    settled: list[Member] = []
    walked: list[Member] = []
    for place, key, spec, rules in members:
        rest = rules[1:]
        is_settled = not rest or rest[0].constant is not None
        (settled if is_settled else walked).append((place, key, spec, rest))
    return Behind(cast("GateCondition", members[0][3][0].only), settled, walked)


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
