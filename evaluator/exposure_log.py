"""Which exposures become events: de-duplication, then the sampling that a spec's `sdk_configs` ask for.

A pure state machine: the caller owns the clock and sends what `take_events` returns. An exposure is recorded once per
spec, rule, unit and value within a window; sampling drops a share of the repeats of common rules, never the first of
its kind. A check leaves a light record, which becomes an event when the events are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from evaluator.bucketing import hash_text, to_bytes
from evaluator.coerce import find_number, truncate, write_json
from evaluator.conditions import EXPERIMENT, GATE
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluate import evaluate_gate, find_outcome
from evaluator.evaluation import Evaluation, forwards_all, id_type_of
from evaluator.exposure_memory import Memory, write_units
from evaluator.exposures import (
    Event,
    config_exposure,
    find_parameter_rule,
    gate_exposure,
    group_exposure,
    layer_exposure,
)
from evaluator.outcome import ANALYTICAL
from evaluator.view import UserView

if TYPE_CHECKING:
    from evaluator.outcome import Outcome
    from evaluator.user import User

# What an exposure is known by beside its units: the name, the rule, and what it came to.
type Parts = tuple[str, str, object]

DEFAULT_WINDOW_MS: Final = 60_000
NON_EXPOSED_CHECKS: Final = "statsig::non_exposed_checks"
DROPPED: Final[dict[str, object]] = {}
_SPECIAL_RULES: Final = ("default", "disabled", "")


class _Write(Protocol):
    def __call__(
        self, view: UserView, found: Evaluation, *, reason: str, received_at_ms: int, is_manual: bool
    ) -> Event: ...


@dataclass(slots=True)
class _Manner:
    """How a check becomes an event: of what kind it was, the error it ended in, and whether it is logged by hand."""

    write: _Write
    kind: str
    error: str | None
    is_manual: bool


_GATE_CHECK: Final = _Manner(gate_exposure, GATE, None, False)
_GROUP_ASKED: Final = _Manner(group_exposure, EXPERIMENT, None, False)


@dataclass(slots=True)
class _Record:
    """What becomes an event, with what it says about its sampling; a plain gate check is recorded by its outcome."""

    manner: _Manner | None
    name: str
    what: Any
    decision: dict[str, object] | None = None


class ExposureLog:
    """Collects events of one sender; `find_reason` gives their whole reasons, as in `Network:Recognized`."""

    def __init__(
        self,
        sdk_configs: Mapping[str, object],
        *,
        find_reason: Callable[[Evaluation], str],
        received_at_ms: int,
        memory: Memory | None = None,
    ) -> None:
        self._find_reason = find_reason
        self._received_at_ms = received_at_ms
        # A view, then what was recorded of it, then the next view.
        self._records: list[UserView | Outcome | _Record] = []
        self._view: UserView | None = None
        self._unexposed: dict[str, int] = {}
        self._unexposed_at = 0
        self._memory = Memory() if memory is None else memory
        self._seen_ms = _window_of(sdk_configs, "exposure_dedupe_ttl_ms")
        self._sampled_ms = _window_of(sdk_configs, "exposure_spec_sampling_ttl_ms")
        mode = sdk_configs.get("sampling_mode")
        self._mode = mode if mode in ("on", "shadow") else None
        self._special_rate = find_number(sdk_configs.get("special_case_sampling_rate"))

    def check_gate(self, view: UserView, name: str) -> bool:
        """Check a gate and record that: `evaluate_gate` and `add_gate` in one, without an answer in between."""
        try:
            outcome = find_outcome(view, GATE, name)
        except EvaluationDepthExceeded:
            found = evaluate_gate(view, name)
            self.add_gate(view, found)
            return found.passed
        spec, verdict = outcome.spec, outcome.verdict
        if spec is None or spec.name != name or self._mode is not None or view.groups is not None:
            self._add(_GATE_CHECK, view, outcome, _parts_of(name, outcome, verdict.passed), id_type_of(outcome))
            return verdict.passed
        answer = verdict.answer
        if answer is None:
            answer = verdict.answer = repr(_parts_of(name, outcome, verdict.passed))
        # What `_add` does, written out.
        seen = self._memory.seen
        if view is not self._view or view is not seen.view:
            self._turn_to(view)
        answers = seen.answers.get(spec.id_type)
        if answers is None:
            answers = seen.find_answers(view, spec.id_type)
        if answer in answers:
            self._memory.deduplicated += 1
        else:
            answers[answer] = None
            seen.count += 1
            self._records.append(outcome)
        return verdict.passed

    def add_gate(self, view: UserView, found: Evaluation, *, is_manual: bool = False) -> None:
        """Record one gate check; a manual one is known without its unit ID, as in the core."""
        manner = _Manner(gate_exposure, GATE, found.error, is_manual)
        parts = _parts_of(found.name, found.outcome, found.passed)
        self._add(manner, view, found.outcome, parts, None if is_manual else found.id_type)

    def add_config(self, view: UserView, found: Evaluation, *, is_manual: bool = False) -> None:
        """Record one config or experiment; a manual one is told apart by group membership, as in the core."""
        is_group = found.kind == "experiment" and is_manual
        extra = found.is_user_in_experiment if is_group else found.passed
        manner = _Manner(config_exposure, found.kind, found.error, is_manual)
        parts = _parts_of(found.name, found.outcome, extra)
        self._add(manner, view, found.outcome, parts, found.id_type)

    def add_layer(self, view: UserView, found: Evaluation, parameter: str, *, is_manual: bool = False) -> None:
        """Record the reading of one parameter of a layer."""
        manner = _Manner(partial(layer_exposure, parameter=parameter), found.kind, found.error, is_manual)
        parts = found.name, find_parameter_rule(found, parameter, is_manual=is_manual), parameter
        self._add(manner, view, found.outcome, parts, found.id_type)

    def add_custom(
        self,
        view: UserView,
        name: str,
        *,
        value: str | float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Record an event of the caller's own."""
        event = {
            "eventName": name,
            "user": view.loggable_user(),
            "value": value,
            "metadata": metadata,
            "time": view.now_ms,
            "statsigMetadata": None,
            "secondaryExposures": None,
        }
        self._turn_to(view)
        self._records.append(_Record(None, name, event))

    def add_groups(self, view: UserView) -> None:
        """Record the experiments whose group a condition asked for since the last time.

        The core does so when an experiment is asked, also for a check that is not exposed itself.
        """
        asked, view.groups = view.groups, None
        for name, outcome in asked or ():
            parts = _parts_of(name, outcome, outcome.verdict.is_experiment_group)
            self._add(_GROUP_ASKED, view, outcome, parts, None)

    def count_unexposed(self, name: str) -> None:
        """Count a check whose exposure is switched off."""
        self._unexposed[name] = self._unexposed.get(name, 0) + 1

    def take_events(self) -> list[Event]:
        """Return the events recorded since the last call, the counted checks behind them."""
        events = self._write_records()
        self._records.clear()
        self._view = self._memory.seen.view = None
        if self._unexposed:
            events.append(self._write_unexposed())
            self._unexposed = {}
        return events

    def _turn_to(self, view: UserView) -> None:
        """Begin a run of checks of one view."""
        if view is not self._view:
            self._view = view
            self._records.append(view)
        if view is not self._memory.seen.view:
            self._memory.seen.begin(view, self._seen_ms)

    def _write_records(self) -> list[Event]:
        events: list[Event] = []
        view: UserView | None = None
        for one in self._records:
            if isinstance(one, UserView):
                view = one
            elif view is not None:
                events.append(self._write(view, one if isinstance(one, _Record) else _record_gate(one)))
        return events

    def _write(self, view: UserView, record: _Record) -> Event:
        manner = record.manner
        if manner is None:
            event: Event = record.what
            return event
        found = Evaluation(manner.kind, record.name, record.what, manner.error)
        reason = self._find_reason(found)
        event = manner.write(
            view, found, reason=reason, received_at_ms=self._received_at_ms, is_manual=manner.is_manual
        )
        if record.decision is not None:
            event["statsigMetadata"] = record.decision
        return event

    def _write_unexposed(self) -> Event:
        return {
            "eventName": NON_EXPOSED_CHECKS,
            "user": {},
            "value": None,
            "metadata": {"checks": write_json(self._unexposed)},
            "time": self._unexposed_at,
            "statsigMetadata": None,
            "secondaryExposures": None,
        }

    def _add(self, manner: _Manner, view: UserView, outcome: Outcome, parts: Parts, id_type: str | None) -> None:
        if view.groups is not None:
            self.add_groups(view)
        memory, answer = self._memory, repr(parts)
        self._turn_to(view)
        if not memory.seen.add(view, id_type, answer):
            memory.deduplicated += 1
            return
        decision = None if self._mode is None else self._sample(view, outcome, parts, id_type)
        if decision is not DROPPED:
            self._records.append(_Record(manner, parts[0], outcome, decision))

    def _sample(self, view: UserView, outcome: Outcome, parts: Parts, id_type: str | None) -> dict[str, object] | None:
        """Return what the event says about its sampling, None for nothing, or DROPPED."""
        if outcome.marks & ANALYTICAL or forwards_all(outcome):
            return None
        name, rule_id, _ = parts
        if self._memory.sampled.add((name, rule_id), view.now_ms, self._sampled_ms):
            return None
        rate = self._special_rate if rule_id in _SPECIAL_RULES else None
        if rate is not None:
            rate = truncate(rate)
        elif outcome.delegate is None:
            rate = outcome.verdict.sampling_rate
        kept = rate is None or (rate > 0 and _hash_key(view.user, id_type, parts) % rate == 0)
        if self._mode == "on" and not kept:
            self._memory.sampled_out += 1
            return DROPPED
        decision: dict[str, object] = {"samplingMode": self._mode, "shadowLogged": "logged" if kept else "dropped"}
        return decision if rate is None else {"samplingRate": rate, **decision}


def _window_of(sdk_configs: Mapping[str, object], name: str) -> int:
    told = sdk_configs.get(name)
    window = None if told is None else find_number(told)
    return DEFAULT_WINDOW_MS if window is None else truncate(window)


def _parts_of(name: str, outcome: Outcome, extra: object) -> Parts:
    return name, outcome.verdict.rule_id + outcome.suffix, extra


def _record_gate(outcome: Outcome) -> _Record:
    """Return the whole record of a plain gate check."""
    return _Record(_GATE_CHECK, "" if outcome.spec is None else outcome.spec.name, outcome)


def _hash_key(user: User, id_type: str | None, parts: Parts) -> int:
    name, rule_id, extra = parts
    return hash_text(to_bytes(write_json([str(name), str(rule_id), write_units(user, id_type), str(extra)])))
