"""What a sweep does for each user: the specs to walk, in an order, and what is known of them beforehand.

Specs whose first rule asks the same gate, a holdout mostly, ask it together. For users who are `alike` a plan has fewer
rules to try.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final, cast

from evaluator.conditions import walk_gate
from evaluator.evaluate import LAYER, find_outcome, share, walk, walk_alone, walk_on
from evaluator.spec import NOTHING_ASKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evaluator.alike import Alike
    from evaluator.outcome import Outcome
    from evaluator.spec import Exposure, GateCondition, Rule, Spec
    from evaluator.view import UserView

# A place among the outcomes, what a view knows the outcome by, the spec, and the rules to try.
type Member = tuple[int, object, Spec, Sequence[Rule]]
# Outcomes by place and by key.
type Recalled = tuple[list[tuple[int, Outcome]], dict[object, Outcome]]

# Of ways through a gate, that specs behind it are recalled for: a bound on memory.
MOST_RECALLED: Final = 32


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
