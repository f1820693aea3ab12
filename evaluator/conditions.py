"""The conditions of one rule: the plain ones, those that walk other specs, and those nobody understands.

Nested conditions are all evaluated, also when the rule has already failed, because their exposures count. Walking
another spec is asked of the caller (`Ask`), so that this module does not depend on the walk that depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from evaluator.bucketing import PASS_BUCKETS, unpack_number
from evaluator.errors import EvaluationDepthExceeded
from evaluator.outcome import ANALYTICAL, LISTED, PENDING, UNSUPPORTED, Outcome
from evaluator.spec import Condition, GateCondition, ListCondition, Unsupported, Verdict

if TYPE_CHECKING:
    from collections.abc import Container

    from evaluator.spec import Exposure, GroupCondition, Rule, Spec
    from evaluator.view import UserView

type Ask = Callable[[UserView, str, str], Outcome]

GATE: Final = "gate"
EXPERIMENT: Final = "experiment"
_SEGMENT: Final = "segment:"


# What the nested conditions of a rule came to: whether all hold (None: a nested gate is not supported), trail, marks.
type Step = tuple[bool | None, tuple[Exposure, ...], int]

# For a rule with a condition that is not supported itself.
STUCK: Final[Step] = (None, (), 0)


def holds(view: UserView, rule: Rule) -> bool:
    """Tell whether the plain conditions hold; `evaluate.walk` has this loop written out, it is where the time goes."""
    questions = rule.prepare() if rule.plain is None else rule.plain
    return all(test(view.read(reading)) is wanted for reading, test, wanted in questions)


def find_bucket(view: UserView, rule: Rule) -> int:
    """Hash spec salt, rule salt and unit ID into a bucket from 0 to 9,999."""
    memo, unit = view.memo, rule.unit
    if unit not in memo:
        memo[unit] = unit.convert(unit.source(view))
    hasher = (rule.salted or rule.salt_hasher()).copy()
    hasher.update(memo[unit])
    number: int = unpack_number(hasher.digest())[0]
    return number % PASS_BUCKETS


def passes(view: UserView, rule: Rule) -> bool:
    """Tell whether the pass percentage lets a user pass; exactly 100 and 0 need no bucket."""
    if rule.certain is not None:
        return rule.certain is rule.passed
    return find_bucket(view, rule) < rule.threshold


def walk_nested(view: UserView, rule: Rule, ask: Ask) -> Step:
    """Evaluate the nested conditions of a rule in order."""
    if not rule.is_supported:
        return STUCK
    all_hold = True
    trail: tuple[Exposure, ...] = ()
    marks = 0
    for condition in rule.nested:
        if type(condition) is GateCondition:
            matched, exposed, left = view.memo.get(condition) or walk_gate(view, condition, ask)
            if matched is None:
                return None, trail, marks
            trail += exposed
            marks |= left
        elif type(condition) is ListCondition:
            found = find_member(view, condition)
            matched = (found is True) is condition.wanted
            marks |= 0 if found is None else LISTED
        else:
            matched = _is_in_group(view, cast("GroupCondition", condition), ask)
        all_hold = all_hold and matched
    return all_hold, trail, marks


def walk_gate(view: UserView, condition: GateCondition, ask: Ask) -> Step:
    """Evaluate a condition that asks a gate. What it comes to is kept in the view: other rules have it too."""
    memo, gate = view.memo, condition.gate
    outcome: Outcome = memo[gate] if gate in memo else ask(view, GATE, gate)
    if outcome is PENDING:
        raise EvaluationDepthExceeded
    if outcome.state is UNSUPPORTED:
        return STUCK
    exposed = outcome.exposed
    trail, marks = expose(gate, outcome) if exposed is None else exposed
    step = memo[condition] = outcome.verdict.passed is condition.wanted, trail, marks
    return step


def _is_in_group(view: UserView, condition: GroupCondition, ask: Ask) -> bool:
    name = condition.experiment or ""
    view.enter()
    outcome = ask(view, EXPERIMENT, name)
    view.leave()
    view.note_group(name, outcome)
    return condition.test(condition.convert(outcome.verdict.group_name)) is condition.wanted


def find_member(view: UserView, condition: ListCondition) -> bool | None:
    """Look a unit into an ID list; a list that is not there holds nobody. None when there is nothing to look for."""
    name = condition.list_name
    hashed = None if name is None else view.read(condition.hashed)
    if name is None or hashed is None:
        return None
    members: Container[object] = view.options.id_lists.get(name, ())
    return hashed in members


def expose(gate: str, outcome: Outcome) -> tuple[tuple[Exposure, ...], int]:
    """Return what a nested gate leaves above it: its trail, its marks, and behind them what it says itself.

    Segments say nothing themselves; gates without a rule ID only leave a mark. The outcome keeps the result: it belongs
    to one gate.
    """
    trail, marks, verdict = outcome.trail, outcome.marks, outcome.verdict
    if not gate.startswith(_SEGMENT):
        if verdict.rule_id:
            trail += ((gate, "true" if verdict.passed else "false", verdict.rule_id),)
        marks |= ANALYTICAL if verdict.rule.get("samplingRate") is None else 0
    outcome.exposed = exposed = (trail, marks)
    return exposed


def stop_unsupported(view: UserView, spec: Spec, rule: Rule, trail: tuple[Exposure, ...], ask: Ask) -> Outcome:
    """Stop at the condition that the core does not understand, with what was in progress, as the core reports it."""
    value, rule_id = False, ""
    for condition in rule.conditions:
        if type(condition) is Unsupported:
            break
        if type(condition) is Condition:
            reading, test, wanted = condition.ask()
            value = test(view.read(reading)) is wanted
        elif type(condition) is GateCondition:
            outcome = ask(view, GATE, condition.gate)
            if outcome.state is UNSUPPORTED:
                break
            rule_id = outcome.verdict.rule_id
            trail += expose(condition.gate, outcome)[0]
            value = outcome.verdict.passed is condition.wanted
    stopped = Outcome(spec, Verdict(rule_id, value, None), trail)
    stopped.state = UNSUPPORTED
    stopped.is_active = spec.is_active is True
    return stopped
