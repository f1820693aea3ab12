"""Exposure events in the shape of `log_event`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluator.outcome import UNRECOGNIZED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluator.evaluation import Evaluation
    from evaluator.view import UserView

type Event = dict[str, object]

GATE_EXPOSURE = "statsig::gate_exposure"
CONFIG_EXPOSURE = "statsig::config_exposure"
LAYER_EXPOSURE = "statsig::layer_exposure"


def gate_exposure(
    view: UserView, found: Evaluation, *, reason: str, received_at_ms: int, is_manual: bool = False
) -> Event:
    """Return the event of one gate check; `reason` is the whole reason, `received_at_ms` when the spec was read."""
    metadata = {"gate": found.name, "gateValue": "true" if found.value else "false", "ruleID": found.rule_id}
    return _write(view, found, GATE_EXPOSURE, metadata, _common(view, found, reason, received_at_ms, is_manual))


def config_exposure(
    view: UserView, found: Evaluation, *, reason: str, received_at_ms: int, is_manual: bool = False
) -> Event:
    """Return the event of one dynamic config or experiment."""
    if is_manual and found.kind == "experiment":
        return group_exposure(view, found, reason=reason, received_at_ms=received_at_ms, is_manual=True)
    metadata = {"config": found.name, "ruleID": found.rule_id, "rulePassed": "true" if found.passed else "false"}
    return _write(view, found, CONFIG_EXPOSURE, metadata, _common(view, found, reason, received_at_ms, is_manual))


def group_exposure(
    view: UserView, found: Evaluation, *, reason: str, received_at_ms: int, is_manual: bool = False
) -> Event:
    """Return the event of an experiment that is told apart by its group: a condition asked, or it is logged by hand."""
    metadata = {"config": found.name, "ruleID": found.rule_id}
    return _write(view, found, CONFIG_EXPOSURE, metadata, _common(view, found, reason, received_at_ms, is_manual))


def layer_exposure(
    view: UserView, found: Evaluation, parameter: str, *, reason: str, received_at_ms: int, is_manual: bool = False
) -> Event:
    """Return the event of reading one parameter of a layer; an explicit parameter is the allocated experiment's."""
    is_explicit = parameter in (found.explicit_parameters or ())
    metadata = {
        "config": found.name,
        "ruleID": find_parameter_rule(found, parameter, is_manual=is_manual),
        "allocatedExperiment": (found.allocated_experiment or "") if is_explicit else "",
        "parameterName": parameter,
        "isExplicitParameter": "true" if is_explicit else "false",
    }
    event = _write(view, found, LAYER_EXPOSURE, metadata, _common(view, found, reason, received_at_ms, is_manual))
    if found.state == UNRECOGNIZED:
        event["secondaryExposures"] = None
    elif not is_explicit:
        event["secondaryExposures"] = found.undelegated_secondary_exposures
    return event


def find_parameter_rule(found: Evaluation, parameter: str, *, is_manual: bool) -> str:
    """Return the ID of the rule that decided a parameter; what is logged by hand has that of the layer."""
    rule_ids = found.parameter_rule_ids
    return found.rule_id if rule_ids is None or is_manual else rule_ids.get(parameter, found.rule_id)


def _common(view: UserView, found: Evaluation, reason: str, received_at_ms: int, is_manual: bool) -> dict[str, str]:
    metadata = {"reason": reason, "lcut": str(view.project.time), "receivedAt": str(received_at_ms)}
    if found.version is not None:
        metadata["configVersion"] = str(found.version)
    if is_manual:
        metadata["isManualExposure"] = "true"
    if found.mapped_to is not None:
        metadata["overrideConfigName"] = found.mapped_to
    return metadata


def _write(
    view: UserView, found: Evaluation, event_name: str, metadata: dict[str, str], common: Mapping[str, str]
) -> Event:
    return {
        "eventName": event_name,
        "user": view.loggable_user(),
        "value": None,
        "metadata": {**metadata, **common},
        "time": view.now_ms,
        "statsigMetadata": {},
        "secondaryExposures": found.secondary_exposures,
    }
