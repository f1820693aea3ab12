"""The walk: spec → rules → conditions → pass percentage → delegate.

Every question goes through `find_outcome`. What surrounds the walk, in this order, are local overrides, the config
mapping and contextual bandits; they cost nothing where a project has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.bandits import evaluate_bandit
from evaluator.conditions import EXPERIMENT, GATE, find_bucket, stop_unsupported, walk_gate, walk_nested
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluation import Evaluation, failed_evaluation
from evaluator.layers import delegate, walk_new_layer
from evaluator.mapping import apply_mapping
from evaluator.outcome import PENDING, Outcome, Unrecognized, copy_outcome
from evaluator.overrides import apply_override
from evaluator.spec import NONE_TRAILED
from evaluator.view import MOST_NESTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluator.spec import Exposure, Rule, Spec, Verdict
    from evaluator.view import UserView

CONFIG: Final = "config"
LAYER: Final = "layer"
# Of one verdict; others are made anew for each user: a bound on memory.
MOST_TRAILS: Final = 32


def evaluate_gate(view: UserView, name: str) -> Evaluation:
    """Evaluate a feature gate, segment or holdout."""
    try:
        return Evaluation(GATE, name, find_outcome(view, GATE, name), None)
    except EvaluationDepthExceeded as error:
        view.come_up()
        return failed_evaluation(GATE, name, str(error))


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
        return find_outcome(view, GATE, name).verdict.passed
    except EvaluationDepthExceeded:
        view.come_up()
        return False


def _answer(view: UserView, kind: str, name: str) -> Evaluation:
    try:
        return Evaluation(kind, name, find_outcome(view, kind, name), None)
    except EvaluationDepthExceeded as error:
        view.come_up()
        return failed_evaluation(kind, name, str(error))


def find_outcome(view: UserView, kind: str, name: str) -> Outcome:
    """Walk a spec, or return what this view already knows of a gate.

    Raises EvaluationDepthExceeded when gates go round in a circle.
    """
    if kind != GATE:
        return _evaluate(view, kind, name)
    memo = view.memo
    if name in memo:
        known: Outcome = memo[name]
        if known is PENDING:
            raise EvaluationDepthExceeded
        return known
    depth = view.depth
    if depth >= MOST_NESTED:
        raise EvaluationDepthExceeded
    project = view.project
    spec = project.prepared_gates.get(name)
    if spec is None:
        spec = project.find_gate(name)
    if view.surroundings or spec is None:
        spec = None
    elif spec.constant is not None:
        outcome = memo[name] = spec.constant.plain or walk(view, spec)
        return outcome
    elif spec.is_lonely:
        # Nothing it does can lead back to it.
        outcome = memo[name] = walk_alone(view, spec, spec.rules)
        return outcome
    # It may lead to others: a mark against circles.
    memo[name] = PENDING
    view.depth = depth + 1
    try:
        outcome = memo[name] = _evaluate(view, GATE, name) if spec is None else walk(view, spec)
    except EvaluationDepthExceeded:
        del memo[name]
        raise
    view.depth = depth
    return outcome


def find_gate_outcome(view: UserView, name: str) -> Outcome:
    """Walk a gate, or return what this view already knows of it."""
    return find_outcome(view, GATE, name)


def _evaluate(view: UserView, kind: str, name: str) -> Outcome:
    project = view.project
    spec = project.find_spec(kind, name)
    overrides = view.options.overrides
    if overrides:
        forced = overrides.find(kind, name, view.user)
        if forced is not None:
            return apply_override(forced, spec)
    was_reset = False
    if name in project.mappings:
        mapped, was_reset = apply_mapping(view, kind, name, spec, find_outcome)
        if mapped is not None:
            return mapped
    if kind == EXPERIMENT and name in project.cmab_configs:
        return evaluate_bandit(view, name, find_gate_outcome)
    if spec is None:
        return Unrecognized()
    if view.trace is not None:
        view.trace.enter(kind, spec)
    is_new_layer = kind == LAYER and spec.use_new_layer_eval
    outcome = walk_new_layer(view, spec, find_outcome) if is_new_layer else walk(view, spec)
    if was_reset:
        outcome = copy_outcome(outcome)
        outcome.was_reset = True
    if view.trace is not None:
        view.trace.leave(outcome)
    return outcome


def walk(view: UserView, spec: Spec) -> Outcome:
    """Try the rules in order; the first whose conditions all hold decides."""
    return walk_on(view, spec, spec.rules, (), 0)


def walk_on(  # noqa: C901, PLR0912  # whole: here is where the time goes
    view: UserView, spec: Spec, rules: Sequence[Rule], trail: tuple[Exposure, ...], marks: int
) -> Outcome:
    """Try the rules that are left of a spec, behind some that did not hold and left this trail and these marks."""
    memo, trace = view.memo, view.trace
    nothing: tuple[Exposure, ...] = ()  # the specializing interpreter has no truth and no sum of tuples
    for rule in rules:
        if not rule.is_lonely:
            only = rule.only
            known = memo.get(only)
            if known is None:
                known = walk_nested(view, rule, find_outcome) if only is None else walk_gate(view, only, find_outcome)
            all_hold, passed_on, left = known
            if all_hold is None:
                return stop_unsupported(view, spec, rule, trail, find_outcome)
            trail = passed_on if trail is nothing else trail + passed_on
            marks |= left
            if not all_hold:  # then the user need not be asked
                if trace is not None:
                    trace.record_rule(view, rule, False)
                continue
        questions = rule.plain
        for reading, test, wanted in rule.prepare() if questions is None else questions:
            if reading in memo:
                value = memo[reading]
            else:
                value = memo[reading] = reading.convert(reading.source(view))
            if test(value) is not wanted:
                if trace is not None:
                    trace.record_rule(view, rule, False)
                break
        else:
            if trace is not None:
                trace.record_rule(view, rule, True)
            delegated = None if rule.delegate is None else delegate(view, spec, rule, trail, marks, find_outcome)
            if delegated is not None:
                return delegated
            verdict = roll(view, rule) if rule.certain is None else rule.certain
            break
    else:
        verdict = spec.fallback
    if trail is nothing and not marks:
        plain = verdict.plain
        return share(spec, verdict) if plain is None else plain
    outcome = verdict.trailed.get(trail)
    return keep(spec, verdict, trail, marks) if outcome is None or outcome.marks != marks else outcome


def walk_alone(view: UserView, spec: Spec, rules: Sequence[Rule]) -> Outcome:
    """Try the rules that are left of a spec that is lonely, where no trace is kept: with nothing to pass on."""
    memo = view.memo
    for rule in rules:
        questions = rule.plain
        for reading, test, wanted in rule.prepare() if questions is None else questions:
            if reading in memo:
                value = memo[reading]
            else:
                value = memo[reading] = reading.convert(reading.source(view))
            if test(value) is not wanted:
                break
        else:
            verdict = roll(view, rule) if rule.certain is None else rule.certain
            break
    else:
        verdict = spec.fallback
    plain = verdict.plain
    return share(spec, verdict) if plain is None else plain


def roll(view: UserView, rule: Rule) -> Verdict:
    """Return the verdict of a rule's pass percentage."""
    return rule.passed if find_bucket(view, rule) < rule.threshold else rule.failed


def share(spec: Spec, verdict: Verdict) -> Outcome:
    """Make the outcome that is nothing but a verdict, once for all users."""
    plain = verdict.plain = Outcome(spec, verdict)
    plain.is_shared = True
    return plain


def keep(spec: Spec, verdict: Verdict, trail: tuple[Exposure, ...], marks: int) -> Outcome:
    """Make the outcome of a verdict with a trail, once for all users who come to it this way."""
    outcome = Outcome(spec, verdict, trail, marks)
    known = verdict.trailed
    if known is NONE_TRAILED:
        known = verdict.trailed = {}
    if trail not in known and len(known) < MOST_TRAILS:
        known[trail] = outcome
        outcome.is_shared = True
    return outcome
