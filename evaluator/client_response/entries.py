"""What a client response says of one entity, except its exposures: the same for everyone who gets the same verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from json.encoder import encode_basestring_ascii as quote
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evaluator.client_response.texts import write_text
from evaluator.evaluation import explicit_of, id_type_of, is_active, is_in_layer
from evaluator.sweep import Asked, Ways

if TYPE_CHECKING:
    from evaluator.outcome import Outcome
    from evaluator.project import Project

type Label = Callable[[str], str]  # of an entity: its hashed name as JSON text
# What an entry says whatever the verdict: up to its value, between the rule ID and the group, behind the group, behind
# the name of the group; and whether it tells of an experiment's activity.
type Frame = tuple[str, str, str, str, bool]

GATE_ENTITY: Final = "gate"
CONFIG_ENTITY: Final = "dynamic_config"
EXPERIMENT_ENTITY: Final = "experiment"
LAYER_ENTITY: Final = "layer"
_DEVICE_ID_TYPES: Final = ("stableID", "stableid")


class Shown(NamedTuple):
    """Whether an entry says what some formats and options leave out."""

    id_type: bool
    parameter_rules: bool


class Listed(Asked):
    """An entity that responses hold: what is asked of it, what it is, what the document says.

    `texts` is what one format says of it before the exposures, by what decides that (`kept.find_key`); `wholes` is all
    of it, by the outcomes that users share; `frames` is what stays the same of it, by the delegate or the spec that
    answers.
    """

    __slots__ = ("document", "entity", "frames", "texts", "wholes")

    def __init__(self, name: str, kind: str, entity: str, document: dict[str, object]) -> None:
        super().__init__(kind, name)
        self.entity = entity
        self.document = document
        self.frames: dict[object, Frame] = {}
        self.texts: dict[object, Any] = {}
        self.wholes: dict[Outcome, bytes] = {}


class Section:
    """Entities that are asked and written together, with how each is answered and its whole texts, in lists."""

    __slots__ = ("listed", "ways", "wholes")

    def __init__(self, project: Project, listed: Iterable[Listed], *, is_kept: bool = False) -> None:
        self.ways = Ways(project, listed, is_kept=is_kept)
        self.listed = self.ways.asked
        self.wholes = [one.wholes for one in self.listed]


def write_entry(listed: Listed, outcome: Outcome, find_label: Label, shown: Shown) -> str:
    """Return `,"hashed name":entry` as v1 has it, up to its exposures."""
    if listed.entity is GATE_ENTITY:
        return _write_gate(listed, outcome, find_label, shown)
    verdict = outcome.verdict
    start, unit, device, fields, shows_activity = find_frame(listed, outcome, find_label, shown)
    value, rule_id = write_text(verdict.value), quote(verdict.rule_id + outcome.suffix)
    if listed.entity == CONFIG_ENTITY:
        group = ',"passed":true' if verdict.passed else ',"passed":false'
    else:
        name = verdict.group_name
        group = "" if name is None else f',"group_name":{write_text(name)}'
    if shows_activity:
        activity = "true" if is_active(outcome) else "false"
        membership = "true" if verdict.is_experiment_group else "false"
        fields = f'{fields},"is_experiment_active":{activity},"is_user_in_experiment":{membership}'
    if outcome.parameter_rule_ids is not None and shown.parameter_rules:
        fields = f'{fields},"parameter_rule_ids":{write_text(outcome.parameter_rule_ids)}'
    return f'{start}{value},"rule_id":{rule_id}{unit}{rule_id}{device}{group}{fields},"secondary_exposures":['


def _write_gate(listed: Listed, outcome: Outcome, find_label: Label, shown: Shown) -> str:
    verdict, name = outcome.verdict, find_label(listed.name)
    value, rule_id = "true" if verdict.passed else "false", quote(verdict.rule_id + outcome.suffix)
    id_type = id_type_of(outcome)
    unit = "" if id_type is None or not shown.id_type else f',"id_type":{write_text(id_type)}'
    return f',{name}:{{"name":{name},"value":{value},"rule_id":{rule_id}{unit},"secondary_exposures":['


def find_frame(listed: Listed, outcome: Outcome, find_label: Label, shown: Shown) -> Frame:
    """Return the frame of an entry that is not a gate's; it is kept where users share the outcome."""
    if not outcome.is_shared:
        return _make_frame(listed, outcome, find_label, shown)
    answering = outcome.spec if outcome.delegate is None else outcome.delegate
    frame = listed.frames.get(answering)
    if frame is None:
        frame = listed.frames[answering] = _make_frame(listed, outcome, find_label, shown)
    return frame


def _make_frame(listed: Listed, outcome: Outcome, find_label: Label, shown: Shown) -> Frame:
    name, id_type = find_label(listed.name), id_type_of(outcome)
    start = f',{name}:{{"name":{name},"value":'
    unit = f',"id_type":{write_text(id_type or "")},"group":' if shown.id_type else ',"group":'
    device = f',"is_device_based":{"true" if id_type in _DEVICE_ID_TYPES else "false"}'
    if listed.entity == CONFIG_ENTITY:
        return start, unit, device, "", False
    explicit, delegate = explicit_of(outcome), outcome.delegate
    if listed.entity is LAYER_ENTITY:
        allocated = f',"allocated_experiment_name":{find_label(delegate)}' if delegate else ""
        return start, unit, device, f',"explicit_parameters":{write_text(explicit or [])}{allocated}', bool(delegate)
    fields = ',"is_in_layer":true' if is_in_layer(outcome) else ""
    if explicit is not None:
        fields = f'{fields},"explicit_parameters":{write_text(explicit)}'
    return start, unit, device, fields, listed.entity == EXPERIMENT_ENTITY
