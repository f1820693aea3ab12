"""The conditions of one rule: the plain ones, those that walk other specs, and those nobody understands.

Nested conditions are all evaluated, also when the rule has already failed, because their exposures count. Walking
another spec is asked of the caller (`Ask`), so that this module does not depend on the walk that depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from evaluator.bucketing import PASS_BUCKETS, hash_text, to_bytes
from evaluator.outcome import UNSUPPORTED, Outcome
from evaluator.spec import ALWAYS, Condition, GateCondition, ListCondition, Unsupported, Verdict

if TYPE_CHECKING:
    from collections.abc import Container

    from evaluator.spec import Exposure, GroupCondition, Rule, Spec
    from evaluator.view import UserView

type Ask = Callable[[UserView, str, str], Outcome]

GATE: Final = "gate"
EXPERIMENT: Final = "experiment"
_SEGMENT: Final = "segment:"

# What a nested gate leaves on the outcomes above it.
_ANALYTICAL: Final = 1
LISTED: Final = 2


def mark(outcome: Outcome, marks: int) -> Outcome:
    """Add the marks of the nested gates on the way to an outcome that nobody else holds yet."""
    if marks & _ANALYTICAL:
        outcome.seen_analytical = True
    if marks & LISTED:
        outcome.used_id_list = True
    return outcome


def holds(view: UserView, rule: Rule) -> bool:
    """Tell whether the plain conditions hold; `evaluate.walk` has this loop written out, it is where the time goes."""
    return all(condition.test(view.read(condition.reading)) is condition.wanted for condition in rule.plain)


def find_bucket(view: UserView, rule: Rule) -> int:
    """Hash spec salt, rule salt and unit ID into a bucket from 0 to 9,999."""
    return hash_text(rule.salt + to_bytes(str(view.read(rule.unit)))) % PASS_BUCKETS


def passes(view: UserView, rule: Rule) -> bool:
    """Roll the pass percentage; exactly 100 and 0 need no bucket."""
    percentage = rule.pass_percentage
    if percentage == ALWAYS:
        return True
    return percentage != 0.0 and find_bucket(view, rule) < percentage * 100.0


class Step:
    """What the nested conditions of one rule came to."""

    __slots__ = ("is_supported", "marks", "matched", "trail")

    def __init__(self) -> None:
        self.matched = True
        self.trail: tuple[Exposure, ...] = ()
        self.marks = 0
        self.is_supported = True


def walk_nested(view: UserView, rule: Rule, ask: Ask) -> Step:
    """Evaluate the nested conditions of a rule in order."""
    step = Step()
    for condition in rule.nested:
        if type(condition) is GateCondition:
            outcome = ask(view, GATE, condition.gate)
            if outcome.state is UNSUPPORTED:
                step.is_supported = False
                return step
            matched = outcome.verdict.passed is condition.wanted
            step.trail += expose(condition.gate, outcome)
            step.marks |= _marks_of_gate(condition.gate, outcome)
        elif type(condition) is ListCondition:
            found = find_member(view, condition)
            matched = (found is True) is condition.wanted
            step.marks |= 0 if found is None else LISTED
        else:
            matched = _is_in_group(view, cast("GroupCondition", condition), ask)
        step.matched = step.matched and matched
    return step


def _is_in_group(view: UserView, condition: GroupCondition, ask: Ask) -> bool:
    view.enter()
    group = ask(view, EXPERIMENT, condition.experiment or "").verdict.group_name
    view.leave()
    return condition.test(condition.convert(group)) is condition.wanted


def find_member(view: UserView, condition: ListCondition) -> bool | None:
    """Look a unit into an ID list; a list that is not there holds nobody. None when there is nothing to look for."""
    name = condition.list_name
    hashed = None if name is None else view.read(condition.hashed)
    if name is None or hashed is None:
        return None
    members: Container[object] = view.options.id_lists.get(name, ())
    return hashed in members


def expose(gate: str, outcome: Outcome) -> tuple[Exposure, ...]:
    """Return a nested gate's trail and, unless it is a segment or has no rule ID, its own exposure behind it."""
    rule_id = outcome.verdict.rule_id
    if not rule_id or gate.startswith(_SEGMENT):
        return outcome.trail
    return (*outcome.trail, (gate, "true" if outcome.verdict.passed else "false", rule_id))


def marks_of(outcome: Outcome) -> int:
    """Return the marks that an outcome carries."""
    marks = _ANALYTICAL if outcome.seen_analytical else 0
    return marks | LISTED if outcome.used_id_list else marks


def _marks_of_gate(gate: str, outcome: Outcome) -> int:
    verdict = outcome.verdict
    is_exposed = bool(verdict.rule_id) and not gate.startswith(_SEGMENT)
    marks = marks_of(outcome)
    return marks | _ANALYTICAL if is_exposed and verdict.sampling_rate is None else marks


def stop_unsupported(view: UserView, spec: Spec, rule: Rule, trail: tuple[Exposure, ...], ask: Ask) -> Outcome:
    """Stop at the condition that the core does not understand, with what was in progress, as the core reports it."""
    value, rule_id = False, ""
    for condition in rule.conditions:
        if type(condition) is Unsupported:
            break
        if type(condition) is Condition:
            value = condition.test(view.read(condition.reading)) is condition.wanted
        elif type(condition) is GateCondition:
            outcome = ask(view, GATE, condition.gate)
            if outcome.state is UNSUPPORTED:
                break
            rule_id = outcome.verdict.rule_id
            trail += expose(condition.gate, outcome)
            value = outcome.verdict.passed is condition.wanted
    stopped = Outcome(spec, Verdict(rule_id, value, None), trail)
    stopped.state = UNSUPPORTED
    stopped.is_active = spec.is_active is True
    return stopped
