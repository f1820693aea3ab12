"""What a client response says of one entity, except its exposures: the same for everyone who gets the same verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evaluator.client_response.texts import write_text
from evaluator.evaluation import explicit_of, id_type_of, is_active
from evaluator.sweep import Asked, find_ways

if TYPE_CHECKING:
    from evaluator.outcome import Outcome
    from evaluator.project import Project

type Label = Callable[[str], str]  # of an entity: its hashed name as JSON text
type Write = Callable[[Listed, Outcome, Label, Shown], str]

GATE_ENTITY: Final = "gate"
LAYER_ENTITY: Final = "layer"
_DEVICE_ID_TYPES: Final = ("stableID", "stableid")


class Shown(NamedTuple):
    """Whether an entry says what some formats and options leave out."""

    id_type: bool
    parameter_rules: bool


class Listed(Asked):
    """An entity that responses hold: what is asked of it, what it is, what the document says.

    `texts` is what one format says of it before the exposures, by what decides that (`kept.find_key`); `wholes` is all
    of it, by the outcomes that users share.
    """

    __slots__ = ("document", "entity", "texts", "wholes")

    def __init__(self, name: str, kind: str, entity: str, document: dict[str, object]) -> None:
        super().__init__(kind, name)
        self.entity = entity
        self.document = document
        self.texts: dict[object, Any] = {}
        self.wholes: dict[Outcome, bytes] = {}


class Section:
    """Entities that are asked and written together, with how each is answered and its whole texts, in lists."""

    __slots__ = ("listed", "ways", "wholes")

    def __init__(self, project: Project, listed: Iterable[Listed]) -> None:
        self.listed = list(listed)
        self.ways = find_ways(project, self.listed)
        self.wholes = [one.wholes for one in self.listed]


def write_entry(listed: Listed, outcome: Outcome, find_label: Label, shown: Shown) -> str:
    """Return `,"hashed name":entry` as v1 has it, up to its exposures."""
    verdict, name = outcome.verdict, find_label(listed.name)
    rule_id = write_text(verdict.rule_id + outcome.suffix)
    id_type = id_type_of(outcome)
    if listed.entity is GATE_ENTITY:
        value = "true" if verdict.passed else "false"
        more = ""
    else:
        value = write_text(verdict.value)
        is_device_based = "true" if id_type in _DEVICE_ID_TYPES else "false"
        fields = _FIELDS.get(listed.entity, _write_experiment)(listed, outcome, find_label, shown)
        more = f',"group":{rule_id},"is_device_based":{is_device_based}{fields}'
        id_type = id_type or ""
    unit = "" if id_type is None or not shown.id_type else f',"id_type":{write_text(id_type)}'
    return f',{name}:{{"name":{name},"value":{value},"rule_id":{rule_id}{unit}{more}'


def _write_config(_listed: Listed, outcome: Outcome, _find_label: Label, _shown: Shown) -> str:
    return ',"passed":true' if outcome.verdict.passed else ',"passed":false'


def _write_experiment(listed: Listed, outcome: Outcome, _find_label: Label, _shown: Shown) -> str:
    text, explicit, spec = _write_group(outcome), explicit_of(outcome), outcome.spec
    if spec is not None and spec.has_shared_params is True:
        text += ',"is_in_layer":true'
    if explicit is not None:
        text += f',"explicit_parameters":{write_text(explicit)}'
    return text + _write_activity(outcome) if listed.entity == "experiment" else text


def _write_layer(_listed: Listed, outcome: Outcome, find_label: Label, shown: Shown) -> str:
    text = f'{_write_group(outcome)},"explicit_parameters":{write_text(explicit_of(outcome) or [])}'
    if outcome.delegate:
        text += f',"allocated_experiment_name":{find_label(outcome.delegate)}{_write_activity(outcome)}'
    if outcome.parameter_rule_ids is not None and shown.parameter_rules:
        text += f',"parameter_rule_ids":{write_text(outcome.parameter_rule_ids)}'
    return text


def _write_group(outcome: Outcome) -> str:
    name = outcome.verdict.group_name
    return "" if name is None else f',"group_name":{write_text(name)}'


def _write_activity(outcome: Outcome) -> str:
    activity, membership = write_text(is_active(outcome)), write_text(outcome.verdict.is_experiment_group)
    return f',"is_experiment_active":{activity},"is_user_in_experiment":{membership}'


_FIELDS: Final[dict[str, Write]] = {"dynamic_config": _write_config, LAYER_ENTITY: _write_layer}
