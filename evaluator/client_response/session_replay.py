"""Session replay settings in the client response.

The core rolls a die for each response; here the die is the user's unit ID, so that one user is either recorded or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from evaluator.bucketing import PASS_BUCKETS, hash_text, to_bytes
from evaluator.client_response.texts import encode
from evaluator.coerce import find_text
from evaluator.evaluate import find_gate_outcome

if TYPE_CHECKING:
    from evaluator.client_response.kept import Kept
    from evaluator.view import UserView

_SALT: Final = "session_replay"
# Where a view keeps what the die showed.
_ROLLED: Final = object()


def write_session_replay(view: UserView, kept: Kept) -> Mapping[str, bytes]:
    """Return the fields about session replay, as JSON texts; none when the spec has no such settings."""
    info = view.project.document.get("session_replay_info")
    if not isinstance(info, dict):
        return {}
    if kept.session_replay is not None:
        return kept.session_replay
    written = {key: encode(value) for key, value in _describe(view, info, kept.find_name).items()}
    if info.get("targeting_gate") is None and _ROLLED not in view.memo:  # then nothing asked the user
        kept.session_replay = written
    return written


def _describe(view: UserView, info: Mapping[str, Any], hash_name: Callable[[str], str]) -> dict[str, object]:
    written: dict[str, object] = {}
    can_record = info.get("recording_blocked") is not True
    if info.get("recording_blocked") is not None:
        written["recording_blocked"] = info["recording_blocked"]
    gate = info.get("targeting_gate")
    if gate is not None:
        passed = find_gate_outcome(view, gate).verdict.passed
        written["passes_session_recording_targeting"] = passed
        can_record = can_record and passed
    rate = info.get("sampling_rate")
    if rate is not None:
        written["session_recording_rate"] = rate
        can_record = can_record and _is_sampled(view, rate)
    written["can_record_session"] = can_record
    events, exposures = info.get("session_recording_event_triggers"), info.get("session_recording_exposure_triggers")
    if events is not None:
        written["session_recording_event_triggers"] = _write_triggers(view, events, str)
    if exposures is not None:
        written["session_recording_exposure_triggers"] = _write_triggers(view, exposures, hash_name)
    if info.get("session_recording_privacy_settings") is not None:
        written["session_recording_privacy_settings"] = info["session_recording_privacy_settings"]
    return written


def _is_sampled(view: UserView, rate: float) -> bool:
    """Tell whether the user's die is at most the rate; it is always below 1."""
    return rate >= 1 or _roll(view) <= rate


def _roll(view: UserView) -> float:
    memo = view.memo
    if _ROLLED not in memo:
        unit = find_text(view.user.fields.get("userID")) or find_text(view.user.custom_ids.get("stableID")) or ""
        memo[_ROLLED] = hash_text(to_bytes(f"{_SALT}.{unit}")) % PASS_BUCKETS / PASS_BUCKETS
    rolled: float = memo[_ROLLED]
    return rolled


def _write_triggers(
    view: UserView, triggers: Mapping[str, object], hash_name: Callable[[str], str]
) -> dict[str, object]:
    return {hash_name(key): _write_trigger(view, cast("Mapping[str, object]", one)) for key, one in triggers.items()}


def _write_trigger(view: UserView, trigger: Mapping[str, object]) -> dict[str, object]:
    written: dict[str, object] = {}
    if trigger.get("values") is not None:
        written["values"] = trigger["values"]
    if trigger.get("sampling_rate") is not None:
        written["passes_sampling"] = _is_sampled(view, cast("float", trigger["sampling_rate"]))
    return written
