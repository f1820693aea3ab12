"""Which exposures become events: de-duplication, then the sampling that a spec's `sdk_configs` ask for.

A pure state machine: the caller owns the clock and sends what `take_events` returns. An exposure is recorded once per
spec, rule, unit and value within a window; sampling drops a share of the repeats of common rules, never the first of
its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypedDict

from evaluator.bucketing import hash_text, to_bytes
from evaluator.coerce import find_number, truncate, write_json
from evaluator.exposures import Event, config_exposure, gate_exposure, layer_exposure
from evaluator.outcome import UNRECOGNIZED

if TYPE_CHECKING:
    from evaluator.evaluation import Evaluation
    from evaluator.view import UserView

type Key = tuple[object, ...]

DEFAULT_WINDOW_MS: Final = 60_000
MOST_KEYS: Final = 100_000
NON_EXPOSED_CHECKS: Final = "statsig::non_exposed_checks"
_SPECIAL_RULES: Final = ("default", "disabled", "")


class _About(TypedDict):
    reason: str
    received_at_ms: int
    is_manual: bool


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
        self._events: list[Event] = []
        self._unexposed: dict[str, int] = {}
        self._unexposed_at = 0
        self._memory = Memory() if memory is None else memory
        self._seen_ms = _window_of(sdk_configs, "exposure_dedupe_ttl_ms")
        self._sampled_ms = _window_of(sdk_configs, "exposure_spec_sampling_ttl_ms")
        mode = sdk_configs.get("sampling_mode")
        self._mode = mode if mode in ("on", "shadow") else None
        self._special_rate = find_number(sdk_configs.get("special_case_sampling_rate"))

    def add_gate(self, view: UserView, found: Evaluation, *, is_manual: bool = False) -> None:
        """Record one gate check; a manual one is known without its unit ID, as in the core."""
        key = _key_of(view, found, found.value, None if is_manual else found.id_type)
        self._add(view, found, key, lambda: gate_exposure(view, found, **self._about(found, is_manual)))

    def add_config(self, view: UserView, found: Evaluation, *, is_manual: bool = False) -> None:
        """Record one config or experiment; a manual one is told apart by group membership, as in the core."""
        is_group = found.kind == "experiment" and is_manual
        key = _key_of(view, found, found.is_user_in_experiment if is_group else found.passed, found.id_type)
        self._add(view, found, key, lambda: config_exposure(view, found, **self._about(found, is_manual)))

    def add_layer(self, view: UserView, found: Evaluation, parameter: str, *, is_manual: bool = False) -> None:
        """Record the reading of one parameter of a layer."""
        key = _key_of(view, found, parameter, found.id_type)
        self._add(view, found, key, lambda: layer_exposure(view, found, parameter, **self._about(found, is_manual)))

    def add_custom(
        self,
        view: UserView,
        name: str,
        *,
        value: str | float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Record an event of the caller's own."""
        self._events.append(
            {
                "eventName": name,
                "user": view.loggable_user(),
                "value": value,
                "metadata": metadata,
                "time": view.now_ms,
                "statsigMetadata": None,
                "secondaryExposures": None,
            }
        )

    def count_unexposed(self, name: str) -> None:
        """Count a check whose exposure is switched off."""
        self._unexposed[name] = self._unexposed.get(name, 0) + 1

    def take_events(self) -> list[Event]:
        """Return the events recorded since the last call, the counted checks behind them."""
        events, self._events = self._events, []
        if self._unexposed:
            events.append(self._write_unexposed())
            self._unexposed = {}
        return events

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

    def _about(self, found: Evaluation, is_manual: bool) -> _About:
        return {"reason": self._find_reason(found), "received_at_ms": self._received_at_ms, "is_manual": is_manual}

    def _add(self, view: UserView, found: Evaluation, key: Key, write: Callable[[], Event]) -> None:
        if not self._memory.seen.add(key, view.now_ms, self._seen_ms):
            self._memory.deduplicated += 1
            return
        decision = self._sample(view, found, key)
        if decision is None:
            self._memory.sampled_out += 1
            return
        event = write()
        event["statsigMetadata"] = decision
        self._events.append(event)

    def _sample(self, view: UserView, found: Evaluation, key: Key) -> dict[str, object] | None:
        """Return what the event says about its sampling, or None to drop it."""
        if self._mode is None or found.forward_all_exposures or found.seen_analytical:
            return {}
        if self._memory.sampled.add((found.name, found.rule_id), view.now_ms, self._sampled_ms):
            return {}
        rate = self._special_rate if found.rule_id in _SPECIAL_RULES else None
        rate = found.sampling_rate if rate is None else truncate(rate)
        kept = rate is None or (rate > 0 and hash_text(to_bytes(write_json([str(part) for part in key]))) % rate == 0)
        if self._mode == "on" and not kept:
            return None
        decision: dict[str, object] = {"samplingMode": self._mode, "shadowLogged": "logged" if kept else "dropped"}
        return decision if rate is None else {"samplingRate": rate, **decision}


class _Window:
    """A set of keys that is emptied when its window has passed or it is full."""

    def __init__(self) -> None:
        self._since_ms: int | None = None
        self._keys: set[Key] = set()

    def add(self, key: Key, now_ms: int, window_ms: int) -> bool:
        """Add a key; False when it was there."""
        if self._since_ms is None or now_ms - self._since_ms > window_ms or len(self._keys) >= MOST_KEYS:
            self._since_ms = now_ms
            self._keys.clear()
        if key in self._keys:
            return False
        self._keys.add(key)
        return True


def _window_of(sdk_configs: Mapping[str, object], name: str) -> int:
    window = find_number(sdk_configs.get(name))
    return DEFAULT_WINDOW_MS if window is None else truncate(window)


def _key_of(view: UserView, found: Evaluation, extra: object, id_type: str | None) -> Key:
    """Return what makes an exposure the same as another; attributes other than IDs do not count."""
    user = view.user
    unit = None if id_type is None else user.find_unit_id(id_type, id_type.lower())
    stable = user.find_unit_id("stableID", "stableid")
    ids = sorted(write_json(value) for value in user.custom_ids.values())
    units = (write_json(user.fields.get("userID")), write_json(stable), write_json(unit), *ids)
    # A name that the spec does not hold has no spec name in the core's key.
    name = "" if found.state == UNRECOGNIZED else found.name
    return (name, found.rule_id, units, extra)
