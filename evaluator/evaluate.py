"""The walk: spec → rules → conditions → pass percentage → delegate.

Every question goes through `find_outcome`. What surrounds the walk, in this order, are local overrides, the config
mapping and contextual bandits; they cost nothing where a project has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.bandits import evaluate_bandit
from evaluator.conditions import EXPERIMENT, GATE, mark, passes, stop_unsupported, walk_nested
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluation import Evaluation, failed_evaluation, to_evaluation
from evaluator.layers import delegate, walk_new_layer
from evaluator.mapping import apply_mapping
from evaluator.outcome import PENDING, Outcome, Unrecognized, copy_outcome
from evaluator.overrides import apply_override
from evaluator.view import MOST_NESTED

if TYPE_CHECKING:
    from evaluator.spec import Exposure, Spec, Verdict
    from evaluator.view import UserView

CONFIG: Final = "config"
LAYER: Final = "layer"
_UNSEEN: Final = object()


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
        return to_evaluation(kind, name, find_outcome(view, kind, name))
    except EvaluationDepthExceeded as error:
        view.forget_unfinished()
        return failed_evaluation(kind, name, str(error))


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
    if view.depth >= MOST_NESTED:
        raise EvaluationDepthExceeded
    view.depth += 1
    view.gates[name] = PENDING
    spec = view.project.find_gate(name)
    outcome = _evaluate(view, GATE, name) if spec is None or view.is_surrounded else walk(view, spec)
    view.gates[name] = outcome
    view.depth -= 1
    return outcome


def _evaluate(view: UserView, kind: str, name: str) -> Outcome:
    project = view.project
    spec = project.find_spec(kind, name)
    if view.overrides is not None:
        forced = view.overrides.find(kind, name, view.user)
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
    memo = view.memo
    trail: tuple[Exposure, ...] = ()
    marks = 0
    for rule in spec.rules:
        if not rule.is_supported:
            return stop_unsupported(view, spec, rule, trail, find_outcome)
        matched = True
        for reading, test, wanted in rule.plain:
            value = memo.get(reading, _UNSEEN)
            if value is _UNSEEN:
                value = memo[reading] = reading.read(view)
            if test(value) is not wanted:
                matched = False
                break
        if rule.nested:
            step = walk_nested(view, rule, find_outcome)
            if not step.is_supported:
                return stop_unsupported(view, spec, rule, trail, find_outcome)
            matched = matched and step.matched
            trail += step.trail
            marks |= step.marks
        if view.trace is not None:
            view.trace.record_rule(view, rule, matched)
        if not matched:
            continue
        if rule.delegate is not None:
            delegated = delegate(view, spec, rule, trail, find_outcome)
            if delegated is not None:
                return mark(delegated, marks)
        return _conclude(spec, rule.passed if passes(view, rule) else rule.failed, trail, marks)
    return _conclude(spec, spec.fallback, trail, marks)


def _conclude(spec: Spec, verdict: Verdict, trail: tuple[Exposure, ...], marks: int) -> Outcome:
    """Return the outcome of a verdict; the one with nothing on its way is made once and shared."""
    if trail or marks:
        return mark(Outcome(spec, verdict, trail), marks)
    plain = verdict.plain
    if plain is None:
        plain = verdict.plain = Outcome(spec, verdict)
    return plain
