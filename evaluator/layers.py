"""Layers: experiments answer for them, and newer ones gather parameters over all their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.conditions import EXPERIMENT, holds, passes, stop_unsupported, walk_nested
from evaluator.outcome import Outcome, copy_outcome
from evaluator.spec import Verdict

if TYPE_CHECKING:
    from evaluator.conditions import Ask
    from evaluator.spec import Exposure, Rule, Spec
    from evaluator.view import UserView


# Of one rule; others are made anew for each user: a bound on memory.
MOST_WAYS: Final = 100


def delegate(
    view: UserView, spec: Spec, rule: Rule, trail: tuple[Exposure, ...], marks: int, ask: Ask
) -> Outcome | None:
    """Let an experiment answer for a layer; None when it does not exist. The rule's pass percentage does not count.

    `trail` and `marks` are what was passed on the way to the rule. What comes of it together with one outcome of the
    experiment is made once and shared.
    """
    name = rule.delegate or ""
    experiment = view.project.find_config(name)
    if experiment is None:
        return None
    inner = view.memo.get(experiment)
    if inner is None:
        view.enter()
        inner = ask(view, EXPERIMENT, name)
        view.leave()
    is_shared = inner.is_shared and not view.surroundings
    way = (inner, trail, marks)
    ways = rule.delegated
    known = ways.get(way) if is_shared and ways is not None else None
    if known is not None:
        return known
    outcome = copy_outcome(inner)
    outcome.delegate = name
    if inner.was_reset:
        # The core forgets the layer's part when it looks for the delegate in the config mapping.
        outcome.undelegated = inner.trail or None
    else:
        # A bandit's ID type and version stay on the answer.
        outcome.spec, outcome.behind = (spec, None) if inner.id_type is None else (None, spec)
        outcome.trail = trail + inner.trail
        outcome.undelegated = trail
    outcome.explicit = experiment.explicit_parameters
    outcome.is_active = _activity(inner, spec)
    outcome.marks |= marks
    if is_shared:
        ways = rule.delegated = {} if ways is None else ways
        if len(ways) < MOST_WAYS:
            outcome.is_shared = True
            ways[way] = outcome
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


class _Gathering:
    """What the rules of a newer layer came to so far."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._parameters = _Parameters()
        self.trail: tuple[Exposure, ...] = ()
        self._undelegated: tuple[Exposure, ...] = ()
        self._carried: tuple[Exposure, ...] = ()
        self._marks = 0
        # Whose ID type and version the answer carries: not the layer's any more after a bandit, or a reset by the
        # config mapping.
        self._owner = Outcome(spec, spec.fallback)
        # The experiment that is allocated, and the rule that led to it.
        self._chosen: Outcome | None = None
        self._leading: Rule | None = None
        self._has_passed = self._passed = self._is_overridden = False

    def add_nested(self, trail: tuple[Exposure, ...], marks: int) -> None:
        """Add what the nested conditions of the next rule left."""
        self.trail += self._carried + trail
        self._undelegated += self._carried + trail
        self._marks |= marks
        self._carried = ()

    def add_own(self, rule: Rule) -> None:
        """Add what a rule says itself."""
        self._has_passed = self._passed = True
        self._parameters.set_missing(rule.passed.value, rule.passed.rule_id)

    def add_delegated(self, rule: Rule, delegated: Outcome) -> None:
        """Add what the experiment behind a rule says; it is allocated if nothing passed before and all it says is new.

        The core looks at the others all the same, and finds their exposures at the next rule.
        """
        self._marks |= delegated.marks
        self._is_overridden = self._is_overridden or delegated.is_overridden
        if delegated.was_reset or delegated.id_type is not None:
            self._owner = delegated
        new = delegated.verdict.value
        if self._has_passed or new is None or self._parameters.overlap(new):
            self._carried = delegated.trail
            return
        self._parameters.set_missing(new, rule.passed.rule_id)
        self.trail += delegated.trail
        self._chosen, self._leading, self._passed = delegated, rule, delegated.verdict.passed
        self._has_passed = True

    def finish(self) -> Outcome:
        """Return the outcome; what nobody set has the value of the layer."""
        spec, parameters, chosen = self._spec, self._parameters, self._chosen
        parameters.set_missing(spec.default_value, "default")
        outcome = Outcome(self._owner.spec, self._decide(), self.trail)
        outcome.behind = spec
        outcome.id_type, outcome.version = self._owner.id_type, self._owner.version
        outcome.undelegated, outcome.parameter_rule_ids = self._undelegated, parameters.rule_ids
        outcome.is_overridden = self._is_overridden
        outcome.is_active = spec.is_active is True
        outcome.delegate = chosen.delegate if chosen else None
        outcome.explicit = chosen.explicit if chosen else None
        outcome.marks = self._marks
        return outcome

    def _decide(self) -> Verdict:
        values, chosen, leading = self._parameters.values, self._chosen, self._leading
        if chosen is None or leading is None:
            return Verdict("default", self._passed, values)
        is_group = leading.passed.is_experiment_group
        group = {"groupName": chosen.verdict.group_name, "isExperimentGroup": is_group}
        return Verdict(leading.passed.rule_id, self._passed, values, rule=group)


def walk_new_layer(view: UserView, spec: Spec, ask: Ask) -> Outcome:
    """Walk every rule of a layer; the first experiment that adds only new parameters is allocated.

    Here the pass percentage counts before delegating.
    """
    gathered = _Gathering(spec)
    for rule in spec.rules:
        all_hold, trail, marks = walk_nested(view, rule, ask)
        if all_hold is None:
            return stop_unsupported(view, spec, rule, gathered.trail, ask)
        gathered.add_nested(trail, marks)
        matched = all_hold and holds(view, rule)
        if view.trace is not None:
            view.trace.record_rule(view, rule, matched)
        if not matched or not passes(view, rule):
            continue
        delegated = None if rule.delegate is None else delegate(view, spec, rule, (), 0, ask)
        if delegated is None:
            gathered.add_own(rule)
        else:
            gathered.add_delegated(rule, delegated)
    return gathered.finish()
