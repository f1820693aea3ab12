"""Session replay settings in the client response.

The core rolls a die for each response; here the die is the user's unit ID, so that one user is either recorded or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from evaluator.bucketing import PASS_BUCKETS, hash_text, to_bytes
from evaluator.coerce import find_text
from evaluator.evaluate import find_gate_outcome

if TYPE_CHECKING:
    from evaluator.view import UserView

_SALT: Final = "session_replay"


def write_session_replay(view: UserView, hash_name: Callable[[str], str]) -> dict[str, object]:
    """Return the fields about session replay; none when the spec has no such settings."""
    info = view.project.document.get("session_replay_info")
    if not isinstance(info, dict):
        return {}
    written: dict[str, object] = {}
    roll = _roll(view)
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
        can_record = can_record and roll <= rate
    written["can_record_session"] = can_record
    events, exposures = info.get("session_recording_event_triggers"), info.get("session_recording_exposure_triggers")
    if events is not None:
        written["session_recording_event_triggers"] = _write_triggers(events, roll, str)
    if exposures is not None:
        written["session_recording_exposure_triggers"] = _write_triggers(exposures, roll, hash_name)
    if info.get("session_recording_privacy_settings") is not None:
        written["session_recording_privacy_settings"] = info["session_recording_privacy_settings"]
    return written


def _roll(view: UserView) -> float:
    unit = find_text(view.user.fields.get("userID")) or find_text(view.user.custom_ids.get("stableID")) or ""
    return hash_text(to_bytes(f"{_SALT}.{unit}")) % PASS_BUCKETS / PASS_BUCKETS


def _write_triggers(triggers: Mapping[str, object], roll: float, hash_name: Callable[[str], str]) -> dict[str, object]:
    return {hash_name(key): _write_trigger(cast("Mapping[str, object]", one), roll) for key, one in triggers.items()}


def _write_trigger(trigger: Mapping[str, object], roll: float) -> dict[str, object]:
    written: dict[str, object] = {}
    if trigger.get("values") is not None:
        written["values"] = trigger["values"]
    if trigger.get("sampling_rate") is not None:
        written["passes_sampling"] = roll <= cast("float", trigger["sampling_rate"])
    return written
