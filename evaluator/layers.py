"""Layers: experiments answer for them, and newer ones gather parameters over all their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluator.conditions import EXPERIMENT, holds, passes, stop_unsupported, walk_nested
from evaluator.outcome import Outcome, copy_outcome
from evaluator.spec import Verdict

if TYPE_CHECKING:
    from evaluator.conditions import Ask
    from evaluator.spec import Exposure, Rule, Spec
    from evaluator.view import UserView


def delegate(view: UserView, spec: Spec, rule: Rule, trail: tuple[Exposure, ...], ask: Ask) -> Outcome | None:
    """Let an experiment answer for a layer; None when it does not exist. The rule's pass percentage does not count."""
    name = rule.delegate or ""
    experiment = view.project.find_config(name)
    if experiment is None:
        return None
    view.enter()
    inner = ask(view, EXPERIMENT, name)
    view.leave()
    outcome = copy_outcome(inner)
    outcome.delegate = name
    if inner.was_reset:
        # The core forgets the layer's part when it looks for the delegate in the config mapping.
        outcome.undelegated = inner.trail or None
    else:
        # A bandit's ID type and version stay on the answer.
        outcome.spec = spec if inner.id_type is None else None
        outcome.trail = trail + inner.trail
        outcome.undelegated = trail
    outcome.explicit = experiment.explicit_parameters
    outcome.is_active = _activity(inner, spec)
    return outcome


def _activity(outcome: Outcome, layer: Spec) -> bool:
    spec = outcome.spec
    if outcome.is_overridden:
        return layer.is_active is True
    if spec is None or outcome.verdict is not spec.fallback or spec.is_active is not None:
        return outcome.is_active or outcome.verdict.is_active
    return layer.is_active is True


class _Parameters:
    """The parameters of a layer; each keeps the rule that set it first."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.rule_ids: dict[str, str] = {}

    def set_missing(self, new: object, rule_id: str) -> None:
        """Add what is not set yet."""
        for name, value in new.items() if isinstance(new, dict) else ():
            if name not in self.values:
                self.values[name] = value
                self.rule_ids[name] = rule_id

    def overlap(self, new: object) -> bool:
        """Tell whether any parameter is set already."""
        return isinstance(new, dict) and not self.values.keys().isdisjoint(new)


def walk_new_layer(view: UserView, spec: Spec, ask: Ask) -> Outcome:
    """Walk every rule of a layer; the first experiment that adds only new parameters is allocated.

    Here the pass percentage counts before delegating.
    """
    parameters = _Parameters()
    trail: tuple[Exposure, ...] = ()
    undelegated: tuple[Exposure, ...] = ()
    carried: tuple[Exposure, ...] = ()
    marks = 0
    # Whose ID type and version the answer carries: not the layer's any more after a bandit, or a reset by the config
    # mapping.
    owner = Outcome(spec, spec.fallback)
    chosen: Outcome | None = None
    has_passed, passed, rule_id, is_group, is_overridden = False, False, "default", False, False
    for rule in spec.rules:
        if not rule.is_supported:
            return stop_unsupported(view, spec, rule, trail, ask)
        all_hold, passed_on, left = walk_nested(view, rule, ask)
        if all_hold is None:
            return stop_unsupported(view, spec, rule, trail, ask)
        trail += carried + passed_on
        undelegated += carried + passed_on
        marks |= left
        carried = ()
        matched = all_hold and holds(view, rule)
        if view.trace is not None:
            view.trace.record_rule(view, rule, matched)
        if not matched or not passes(view, rule):
            continue
        delegated = delegate(view, spec, rule, (), ask) if rule.delegate is not None else None
        if delegated is None:
            passed = True
            parameters.set_missing(rule.passed.value, rule.passed.rule_id)
        else:
            marks |= delegated.marks
            is_overridden = is_overridden or delegated.is_overridden
            owner = delegated if delegated.was_reset or delegated.id_type is not None else owner
            new = delegated.verdict.value
            if has_passed or new is None or parameters.overlap(new):
                # The core looks at the delegate all the same, and finds its exposures at the next rule.
                carried = delegated.trail
                continue
            parameters.set_missing(new, rule.passed.rule_id)
            trail += delegated.trail
            chosen, passed = delegated, delegated.verdict.passed
            rule_id, is_group = rule.passed.rule_id, rule.passed.is_experiment_group
        has_passed = True
    parameters.set_missing(spec.default_value, "default")
    group_name = chosen.verdict.group_name if chosen else None
    verdict = Verdict(rule_id, passed, parameters.values, group_name=group_name, is_experiment_group=is_group)
    outcome = Outcome(owner.spec, verdict, trail)
    outcome.id_type, outcome.version = owner.id_type, owner.version
    outcome.undelegated, outcome.parameter_rule_ids = undelegated, parameters.rule_ids
    outcome.is_overridden = is_overridden
    outcome.is_active = spec.is_active is True
    outcome.delegate = chosen.delegate if chosen else None
    outcome.explicit = chosen.explicit if chosen else None
    outcome.marks = marks
    return outcome
