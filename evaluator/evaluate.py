"""The walk: spec → rules → conditions → pass percentage → delegate.

Every question goes through `walk`. What surrounds it, in this order, are local overrides, the config mapping, contextual
bandits; they cost nothing where a project has none. All conditions that walk other gates are evaluated even after the rule
has failed, because their exposures count; the plain ones stop at the first that is false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.bandits import evaluate_bandit
from evaluator.bucketing import PASS_BUCKETS, hash_text, to_bytes
from evaluator.coerce import find_text
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluation import Evaluation, failed_evaluation, to_evaluation
from evaluator.outcome import PENDING, UNRECOGNIZED, UNSUPPORTED, Outcome, Unrecognized
from evaluator.overrides import GroupName
from evaluator.spec import Condition, GateCondition, GroupCondition, ListCondition, Unsupported, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluator.overrides import Forced
    from evaluator.spec import Exposure, Rule, Spec
    from evaluator.view import UserView

GATE: Final = "gate"
CONFIG: Final = "config"
EXPERIMENT: Final = "experiment"
LAYER: Final = "layer"

MOST_NESTED: Final = 300
_UNSEEN: Final = object()
_SEGMENT: Final = "segment:"


# ------------------------------------------------------------------ questions


def evaluate_gate(view: UserView, name: str) -> Evaluation:
    """Evaluate a feature gate, segment or holdout."""
    return _answer(view, GATE, name)


def evaluate_config(view: UserView, name: str) -> Evaluation:
    """Evaluate a dynamic config."""
    return _answer(view, CONFIG, name)


def evaluate_experiment(view: UserView, name: str) -> Evaluation:
    """Evaluate an experiment, autotune or contextual bandit."""
    return _answer(view, EXPERIMENT, name)


def evaluate_layer(view: UserView, name: str) -> Evaluation:
    """Evaluate a layer."""
    return _answer(view, LAYER, name)


def check_gate(view: UserView, name: str) -> bool:
    """Return a gate's value alone: the quickest question."""
    try:
        return find_gate_outcome(view, name).verdict.passed
    except EvaluationDepthExceeded:
        view.forget_unfinished()
        return False


def _answer(view: UserView, kind: str, name: str) -> Evaluation:
    try:
        outcome = find_outcome(view, kind, name)
    except EvaluationDepthExceeded as error:
        view.forget_unfinished()
        return failed_evaluation(kind, name, str(error))
    return to_evaluation(kind, name, outcome)


# ------------------------------------------------------------------ one spec


def find_outcome(view: UserView, kind: str, name: str) -> Outcome:
    """Walk a spec of any kind; raises EvaluationDepthExceeded when its gates go round in a circle."""
    return find_gate_outcome(view, name) if kind == GATE else _evaluate(view, kind, name)


def find_gate_outcome(view: UserView, name: str) -> Outcome:
    """Walk a gate, or return what this view already knows of it."""
    outcome = view.gates.get(name)
    if outcome is not None:
        if outcome is PENDING:
            raise EvaluationDepthExceeded
        return outcome
    if view.depth > MOST_NESTED:
        raise EvaluationDepthExceeded
    view.gates[name] = PENDING
    view.depth += 1
    outcome = view.gates[name] = _evaluate(view, GATE, name)
    view.depth -= 1
    return outcome


def _evaluate(view: UserView, kind: str, name: str) -> Outcome:
    project = view.project
    if kind == GATE:
        spec = project.find_gate(name)
    elif kind == LAYER:
        spec = project.find_layer(name)
    else:
        spec = project.find_config(name)
    if view.overrides is not None:
        forced = view.overrides.find(kind, name, view.user)
        if forced is not None:
            return _apply_override(forced, spec)
    was_reset = False
    if project.mappings and name in project.mappings:
        mapped, was_reset = _apply_mapping(view, kind, name, spec)
        if mapped is not None:
            return mapped
    if kind == EXPERIMENT and name in project.cmab_configs:
        return evaluate_bandit(view, name, find_gate_outcome)
    if spec is None:
        return Unrecognized()
    if view.trace is not None:
        view.trace.enter(kind, spec)
    outcome = _walk_new_layer(view, spec) if kind == LAYER and spec.use_new_layer_eval else walk(view, spec)
    if was_reset:
        outcome.was_reset = True
    if view.trace is not None:
        view.trace.leave(outcome)
    return outcome


def walk(view: UserView, spec: Spec) -> Outcome:
    """Try the rules in order; the first whose conditions all hold decides."""
    memo = view.memo
    trail: tuple[Exposure, ...] = ()
    marks = 0
    for rule in spec.rules:
        if not rule.is_supported:
            return _stop_unsupported(view, spec, rule, trail)
        matched = True
        for reading, test, wanted in rule.plain:
            value = memo.get(reading, _UNSEEN)
            if value is _UNSEEN:
                value = memo[reading] = reading.read(view)
            if test(value) is not wanted:
                matched = False
                break
        if rule.nested:
            step = _walk_nested(view, rule)
            if step.state is UNSUPPORTED:
                return _stop_unsupported(view, spec, rule, trail)
            matched = step.matched and matched
            trail += step.trail
            marks |= step.marks
        if view.trace is not None:
            view.trace.record_rule(view, rule, matched)
        if not matched:
            continue
        if rule.delegate is not None:
            delegated = _delegate(view, spec, rule, trail)
            if delegated is not None:
                return delegated
        verdict = rule.passed if passes(view, rule) else rule.failed
        return _conclude(spec, verdict, trail, marks)
    return _conclude(spec, spec.fallback, trail, marks)


_UNANCHORED: Final = 1
_ANALYTICAL: Final = 2
_OVERRIDDEN: Final = 4
_LISTED: Final = 8


def _conclude(spec: Spec, verdict: Verdict, trail: tuple[Exposure, ...], marks: int) -> Outcome:
    outcome = Outcome(spec, verdict, trail)
    if marks:
        outcome.is_unanchored = bool(marks & _UNANCHORED)
        outcome.seen_analytical = bool(marks & _ANALYTICAL)
        outcome.is_overridden = bool(marks & _OVERRIDDEN)
        outcome.used_id_list = bool(marks & _LISTED)
    return outcome


def passes(view: UserView, rule: Rule) -> bool:
    """Roll the pass percentage: SHA-256 of spec salt, rule salt and unit ID, modulo 10,000."""
    percentage = rule.pass_percentage
    if percentage == 100.0:
        return True
    if percentage == 0.0:
        return False
    bucket = hash_text(rule.salt + to_bytes(str(view.read(rule.unit)))) % PASS_BUCKETS
    return bucket < percentage * 100.0


# ------------------------------------------------------------------ nested specs


class _Step:
    """What the nested conditions of one rule came to."""

    __slots__ = ("marks", "matched", "state", "trail")

    def __init__(self) -> None:
        self.matched = True
        self.trail: tuple[Exposure, ...] = ()
        self.marks = 0
        self.state = ""


def _walk_nested(view: UserView, rule: Rule) -> _Step:
    step = _Step()
    for condition in rule.nested:
        if type(condition) is GateCondition:
            outcome = find_gate_outcome(view, condition.gate)
            if outcome.state is UNSUPPORTED:
                step.state = UNSUPPORTED
                return step
            holds = outcome.verdict.passed is condition.wanted
            step.trail += expose(condition.gate, outcome)
            step.marks |= _marks_of(condition.gate, outcome)
        elif type(condition) is ListCondition:
            found = find_member(view, condition)
            holds = (found is True) is condition.wanted
            step.marks |= 0 if found is None else _LISTED
        else:
            outcome = find_outcome(view, EXPERIMENT, condition.experiment or "")
            holds = condition.test(condition.convert(outcome.verdict.group_name)) is condition.wanted
        step.matched = step.matched and holds
    return step


def find_member(view: UserView, condition: ListCondition) -> bool | None:
    """Look a unit into an ID list; None when there is no such list, or nothing to look for."""
    members = view.options.id_lists.get(condition.list_name or "")
    hashed = None if members is None else view.read(condition.hashed)
    return None if hashed is None else hashed in members  # type: ignore[operator]


def expose(gate: str, outcome: Outcome) -> tuple[Exposure, ...]:
    """Return a nested gate's trail and, unless it is a segment or has no rule ID, its own exposure behind it."""
    rule_id = outcome.verdict.rule_id
    if not rule_id or gate.startswith(_SEGMENT):
        return outcome.trail
    return (*outcome.trail, (gate, "true" if outcome.verdict.passed else "false", rule_id))


def _marks_of(gate: str, outcome: Outcome) -> int:
    marks = _UNANCHORED if outcome.is_unanchored else 0
    if outcome.is_overridden:
        marks |= _OVERRIDDEN
    if outcome.used_id_list:
        marks |= _LISTED
    verdict = outcome.verdict
    if outcome.seen_analytical or (verdict.rule_id and verdict.sampling_rate is None and not gate.startswith(_SEGMENT)):
        marks |= _ANALYTICAL
    return marks


def _stop_unsupported(view: UserView, spec: Spec, rule: Rule, trail: tuple[Exposure, ...]) -> Outcome:
    """Stop at the condition that the core does not understand, with what was in progress, as the core reports it."""
    value, rule_id = False, ""
    for condition in rule.conditions:
        if type(condition) is Unsupported:
            break
        if type(condition) is Condition:
            value = condition.test(view.read(condition.reading)) is condition.wanted
        elif type(condition) is GateCondition:
            outcome = find_gate_outcome(view, condition.gate)
            if outcome.state is UNSUPPORTED:
                break
            rule_id = outcome.verdict.rule_id
            trail += expose(condition.gate, outcome)
            value = outcome.verdict.passed is condition.wanted
    stopped = Outcome(spec, Verdict(rule_id, value, None), trail)
    stopped.state = UNSUPPORTED
    stopped.is_active = spec.is_active is True
    return stopped


# ------------------------------------------------------------------ overrides and mapping


def _apply_override(forced: Forced, spec: Spec | None) -> Outcome:
    value: object = forced
    if isinstance(forced, GroupName):
        value = _find_group_value(forced.name, spec)
    outcome = Outcome(None, Verdict("override", forced is True, None if isinstance(forced, bool) else value))
    outcome.is_overridden = True
    outcome.is_unanchored = True
    return outcome


def _find_group_value(group_name: str, spec: Spec | None) -> object:
    for rule in spec.rules if spec is not None else ():
        if rule.passed.group_name == group_name:
            return rule.passed.value
    return None


def _apply_mapping(view: UserView, kind: str, name: str, spec: Spec | None) -> tuple[Outcome | None, bool]:
    """Lead a name to another config, where a rule of the mapping says so; also tell whether any rule was tried."""
    salt = "" if spec is None else str(spec.salt)
    was_tried = False
    for mapping in _list_of(view.project.mappings, name):
        new_name = str(mapping["new_config_name"])
        for reference in _list_of(mapping, "rules"):
            if (reference.get("start_time") or 0) > view.now_ms:  # type: ignore[operator]
                continue
            rule = view.project.find_mapping_rule(str(reference["rule_name"]), salt)
            if rule is None:
                continue
            was_tried = True
            if not _matches(view, rule) or not passes(view, rule):
                continue
            outcome = _find_mapped(view, kind, new_name)
            if outcome is None:
                break
            return outcome, True
    return None, was_tried


def _list_of(table: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    value = table.get(key)
    return value if isinstance(value, list) else []


def _matches(view: UserView, rule: Rule) -> bool:
    """Tell whether a rule's conditions hold; one that the core does not understand, or a circle, does not."""
    try:
        step = _walk_nested(view, rule)
    except EvaluationDepthExceeded:
        return False
    if not rule.is_supported or step.state is UNSUPPORTED or not step.matched:
        return False
    return _holds(view, rule)


def _holds(view: UserView, rule: Rule) -> bool:
    """Tell whether the plain conditions hold; `walk` has this loop written out, because it is where the time goes."""
    return all(condition.test(view.read(condition.reading)) is condition.wanted for condition in rule.plain)


def _find_mapped(view: UserView, kind: str, new_name: str) -> Outcome | None:
    view.depth += 1
    if view.depth > MOST_NESTED:
        return None
    outcome = _evaluate(view, kind, new_name)
    view.depth -= 1
    if outcome.state is UNRECOGNIZED:
        return None
    copy = _copy(outcome)
    copy.mapped_to = new_name if outcome.mapped_to is None else outcome.mapped_to
    copy.was_reset = True
    return copy


def _copy(outcome: Outcome) -> Outcome:
    copy = Outcome(outcome.spec, outcome.verdict, outcome.trail)
    copy.__dict__.update(outcome.__dict__)
    return copy


# ------------------------------------------------------------------ layers


def _delegate(view: UserView, spec: Spec, rule: Rule, trail: tuple[Exposure, ...]) -> Outcome | None:
    """Let an experiment answer for a layer; None when it does not exist."""
    name = rule.delegate or ""
    experiment = view.project.find_config(name)
    if experiment is None:
        return None
    inner = _evaluate(view, EXPERIMENT, name)
    outcome = _copy(inner)
    outcome.delegate = name
    if inner.was_reset:
        # The core forgets the layer's part when it looks for the delegate in the config mapping.
        outcome.undelegated = inner.trail or None
    else:
        outcome.spec = spec
        outcome.trail = trail + inner.trail
        outcome.undelegated = trail
    outcome.explicit = experiment.explicit_parameters
    outcome.is_active = _activity(inner, spec)
    return outcome


def _activity(outcome: Outcome, layer: Spec) -> bool:
    spec = outcome.spec
    if spec is None or outcome.verdict is not spec.fallback or spec.is_active is not None:
        return outcome.is_active or outcome.verdict.is_active
    return layer.is_active is True


def _walk_new_layer(view: UserView, spec: Spec) -> Outcome:
    """Collect a layer's parameters over all its rules; each parameter keeps the rule that set it first."""
    values: dict[str, object] = {}
    rule_ids: dict[str, str] = {}
    trail: tuple[Exposure, ...] = ()
    undelegated: tuple[Exposure, ...] = ()
    carried: tuple[Exposure, ...] = ()
    # Whose ID type and version the answer carries: not the layer's any more after a reset by the config mapping.
    owner: Spec | None = spec
    chosen: Outcome | None = None
    has_passed, passed, rule_id, is_group = False, False, "default", False
    for rule in spec.rules:
        if not rule.is_supported:
            return _stop_unsupported(view, spec, rule, trail)
        step = _walk_nested(view, rule)
        if step.state is UNSUPPORTED:
            return _stop_unsupported(view, spec, rule, trail)
        trail += carried + step.trail
        undelegated += carried + step.trail
        carried = ()
        matched = step.matched and _holds(view, rule)
        if view.trace is not None:
            view.trace.record_rule(view, rule, matched)
        if not matched or not passes(view, rule):
            continue
        delegated = _delegate(view, spec, rule, ()) if rule.delegate is not None else None
        if delegated is None:
            passed = True
            _set_missing(values, rule_ids, rule.document.get("returnValue"), rule.passed.rule_id)
        else:
            owner = delegated.spec if delegated.was_reset else owner
            new = delegated.verdict.value
            if has_passed or new is None or (isinstance(new, dict) and not values.keys().isdisjoint(new)):
                # The core looks at the delegate all the same, and finds its exposures at the next rule.
                carried = delegated.trail
                continue
            _set_missing(values, rule_ids, new, rule.passed.rule_id)
            trail += delegated.trail
            chosen, passed = delegated, delegated.verdict.passed
            rule_id, is_group = rule.passed.rule_id, rule.passed.is_experiment_group
        has_passed = True
    _set_missing(values, rule_ids, spec.default_value, "default")
    group_name = chosen.verdict.group_name if chosen else None
    outcome = Outcome(owner, Verdict(rule_id, passed, values, group_name=group_name, is_experiment_group=is_group), trail)
    outcome.undelegated = undelegated
    outcome.parameter_rule_ids = rule_ids
    outcome.is_active = spec.is_active is True
    outcome.delegate = chosen.delegate if chosen else None
    outcome.explicit = chosen.explicit if chosen else None
    return outcome


def _set_missing(values: dict[str, object], rule_ids: dict[str, str], new: object, rule_id: str) -> None:
    for name, value in new.items() if isinstance(new, dict) else ():
        if name not in values:
            values[name] = value
            rule_ids[name] = rule_id
