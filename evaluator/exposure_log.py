"""Which exposures become events: de-duplication, then the sampling that a spec's `sdk_configs` ask for.

A pure state machine: the caller owns the clock and sends what `take_events` returns. An exposure is recorded once per
spec, rule, unit and value within a window; sampling drops a share of the repeats of common rules, never the first of
its kind. A check leaves a light record, which becomes an event when the events are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from evaluator.bucketing import hash_text, to_bytes
from evaluator.coerce import find_number, truncate, write_json
from evaluator.conditions import GATE
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluate import evaluate_gate, find_outcome
from evaluator.evaluation import Evaluation
from evaluator.exposures import Event, config_exposure, gate_exposure, layer_exposure
from evaluator.outcome import ANALYTICAL, UNRECOGNIZED

if TYPE_CHECKING:
    from evaluator.outcome import Outcome
    from evaluator.user import User
    from evaluator.view import UserView

# What an evaluation said: name, rule ID, and its value or the parameter read.
type Answer = tuple[object, ...]
# What makes an exposure the same as another: a user's IDs, and what was said; other attributes do not count.
type Key = tuple[str, Answer]

DEFAULT_WINDOW_MS: Final = 60_000
MOST_KEYS: Final = 100_000
NON_EXPOSED_CHECKS: Final = "statsig::non_exposed_checks"
DROPPED: Final[dict[str, object]] = {}
_SPECIAL_RULES: Final = ("default", "disabled", "")


class _Write(Protocol):
    def __call__(
        self, view: UserView, found: Evaluation, *, reason: str, received_at_ms: int, is_manual: bool
    ) -> Event: ...


class _Manner(NamedTuple):
    """How a check becomes an event: of what kind it was, the error it ended in, and whether it is logged by hand."""

    write: _Write
    kind: str
    error: str | None
    is_manual: bool


_GATE_CHECK: Final = _Manner(gate_exposure, GATE, None, False)

# What becomes an event, with what it says about its sampling.
_RECORD_SIZE: Final = 5


class Memory:
    """What was exposed lately, and how much was left out because of that; it may outlive the logs that share it."""

    def __init__(self) -> None:
        self.seen = _Window()
        self.sampled = _Window()
        self.deduplicated = 0
        self.sampled_out = 0


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
        # Flat, the parts of one record behind those of another: the garbage collector has nothing to visit for each.
        self._records: list[Any] = []
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
        id_type = outcome.id_type if spec is None else spec.id_type
        units = view.memo.get(id_type) or _find_units(view, id_type)
        if spec is None or spec.name != name:
            answer = _answer_of(name, outcome, verdict.passed)
        elif verdict.answer is None:
            answer = verdict.answer = _answer_of(name, outcome, verdict.passed)
        else:
            answer = verdict.answer
        self._record(_GATE_CHECK, view, name, outcome, (units, answer))
        return verdict.passed

    def add_gate(self, view: UserView, found: Evaluation, *, is_manual: bool = False) -> None:
        """Record one gate check; a manual one is known without its unit ID, as in the core."""
        self._add(gate_exposure, view, found, found.passed, None if is_manual else found.id_type, is_manual)

    def add_config(self, view: UserView, found: Evaluation, *, is_manual: bool = False) -> None:
        """Record one config or experiment; a manual one is told apart by group membership, as in the core."""
        is_group = found.kind == "experiment" and is_manual
        extra = found.is_user_in_experiment if is_group else found.passed
        self._add(config_exposure, view, found, extra, found.id_type, is_manual)

    def add_layer(self, view: UserView, found: Evaluation, parameter: str, *, is_manual: bool = False) -> None:
        """Record the reading of one parameter of a layer."""
        write = partial(layer_exposure, parameter=parameter)
        self._add(write, view, found, parameter, found.id_type, is_manual)

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
        self._records += (None, view, name, event, None)

    def count_unexposed(self, name: str) -> None:
        """Count a check whose exposure is switched off."""
        self._unexposed[name] = self._unexposed.get(name, 0) + 1

    def take_events(self) -> list[Event]:
        """Return the events recorded since the last call, the counted checks behind them."""
        records, self._records = self._records, []
        events = [self._write(*record) for record in batched(records, _RECORD_SIZE)]
        if self._unexposed:
            events.append(self._write_unexposed())
            self._unexposed = {}
        return events

    def _write(
        self, manner: _Manner | None, view: UserView, name: str, what: Any, decision: dict[str, object] | None
    ) -> Event:
        if manner is None:
            event: Event = what
            return event
        found = Evaluation(manner.kind, name, what, manner.error)
        reason = self._find_reason(found)
        event = manner.write(
            view, found, reason=reason, received_at_ms=self._received_at_ms, is_manual=manner.is_manual
        )
        if decision is not None:
            event["statsigMetadata"] = decision
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

    def _add(
        self, write: _Write, view: UserView, found: Evaluation, extra: object, id_type: str | None, is_manual: bool
    ) -> None:
        key = (_find_units(view, id_type), _answer_of(found.name, found.outcome, extra))
        manner = _Manner(write, found.kind, found.error, is_manual)
        self._record(manner, view, found.name, found.outcome, key)

    def _record(self, manner: _Manner, view: UserView, name: str, outcome: Outcome, key: Key) -> None:
        memory = self._memory
        if not memory.seen.add(key, view.now_ms, self._seen_ms):
            memory.deduplicated += 1
            return
        decision = None if self._mode is None else self._sample(view, name, outcome, key)
        if decision is not DROPPED:
            self._records += (manner, view, name, outcome, decision)

    def _sample(self, view: UserView, name: str, outcome: Outcome, key: Key) -> dict[str, object] | None:
        """Return what the event says about its sampling, None for nothing, or DROPPED."""
        verdict, spec = outcome.verdict, outcome.spec
        if outcome.marks & ANALYTICAL or (spec is not None and spec.forward_all_exposures is True):
            return None
        rule_id = verdict.rule_id + outcome.suffix
        if self._memory.sampled.add((name, (rule_id,)), view.now_ms, self._sampled_ms):
            return None
        rate = self._special_rate if rule_id in _SPECIAL_RULES else None
        rate = verdict.sampling_rate if rate is None else truncate(rate)
        kept = rate is None or (rate > 0 and _hash_key(key) % rate == 0)
        if self._mode == "on" and not kept:
            self._memory.sampled_out += 1
            return DROPPED
        decision: dict[str, object] = {"samplingMode": self._mode, "shadowLogged": "logged" if kept else "dropped"}
        return decision if rate is None else {"samplingRate": rate, **decision}


class _Window:
    """A set of keys that is emptied when its window has passed or it is full."""

    def __init__(self) -> None:
        self._until_ms = -1
        self._keys: set[Key] = set()

    def add(self, key: Key, now_ms: int, window_ms: int) -> bool:
        """Add a key; False when it was there."""
        keys = self._keys
        known = len(keys)
        if now_ms > self._until_ms or known >= MOST_KEYS:
            self._until_ms = now_ms + window_ms
            keys.clear()
            known = 0
        keys.add(key)
        return len(keys) > known


def _window_of(sdk_configs: Mapping[str, object], name: str) -> int:
    window = find_number(sdk_configs.get(name))
    return DEFAULT_WINDOW_MS if window is None else truncate(window)


def _answer_of(name: str, outcome: Outcome, extra: object) -> Answer:
    # A name that the spec does not hold has no spec name in the core's key.
    return ("" if outcome.state is UNRECOGNIZED else name, outcome.verdict.rule_id + outcome.suffix, extra)


def _hash_key(key: Key) -> int:
    units, (name, rule_id, extra) = key
    return hash_text(to_bytes(write_json([str(name), str(rule_id), units, str(extra)])))


def _find_units(view: UserView, id_type: str | None) -> str:
    units: str | None = view.memo.get(id_type)
    if units is None:
        units = view.memo[id_type] = _write_units(view.user, id_type)
    return units


def _write_units(user: User, id_type: str | None) -> str:
    """Return a user's IDs as one text: user ID, stable ID, the unit, and all custom IDs in order."""
    unit = None if id_type is None else user.find_unit_id(id_type, id_type.lower())
    stable = user.find_unit_id("stableID", "stableid")
    ids = sorted(write_json(value) for value in user.custom_ids.values())
    return ",".join((write_json(user.fields.get("userID")), write_json(stable), write_json(unit), *ids))
