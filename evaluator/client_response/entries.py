"""What a client response says of one entity, except its exposures: the same for everyone who gets the same verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from evaluator.evaluation import explicit_of, is_active
from evaluator.sweep import Asked

if TYPE_CHECKING:
    from evaluator.outcome import Outcome

type Entry = dict[str, object]
type Hash = Callable[[str], str]
type Describe = Callable[[Entry, "Listed", "Outcome", Hash], None]

GATE_ENTITY: Final = "gate"
LAYER_ENTITY: Final = "layer"
_DEVICE_ID_TYPES: Final = ("stableID", "stableid")


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


def describe_entry(listed: Listed, outcome: Outcome, hash_name: Hash) -> Entry:
    """Return an entry as v1 has it, without exposures."""
    verdict, spec = outcome.verdict, outcome.spec
    is_gate = listed.entity == GATE_ENTITY
    rule_id = verdict.rule_id + outcome.suffix
    id_type = outcome.id_type if spec is None else spec.id_type
    entry: Entry = {
        "name": hash_name(listed.name),
        "value": verdict.passed if is_gate else verdict.value,
        "rule_id": rule_id,
    }
    if id_type is not None or not is_gate:
        entry["id_type"] = id_type or ""
    if not is_gate:
        entry["group"] = rule_id
        entry["is_device_based"] = id_type in _DEVICE_ID_TYPES
        _DESCRIBE.get(listed.entity, _describe_experiment)(entry, listed, outcome, hash_name)
    return entry


def _describe_config(entry: Entry, _listed: Listed, outcome: Outcome, _hash_name: Hash) -> None:
    entry["passed"] = outcome.verdict.passed


def _describe_experiment(entry: Entry, listed: Listed, outcome: Outcome, _hash_name: Hash) -> None:
    _add_group(entry, outcome)
    if outcome.spec is not None and outcome.spec.has_shared_params is True:
        entry["is_in_layer"] = True
    explicit = explicit_of(outcome)
    if explicit is not None:
        entry["explicit_parameters"] = explicit
    if listed.entity == "experiment":
        _add_activity(entry, outcome)


def _describe_layer(entry: Entry, _listed: Listed, outcome: Outcome, hash_name: Hash) -> None:
    _add_group(entry, outcome)
    entry["explicit_parameters"] = explicit_of(outcome)
    if outcome.delegate:
        entry["allocated_experiment_name"] = hash_name(outcome.delegate)
        _add_activity(entry, outcome)
    if outcome.parameter_rule_ids is not None:
        entry["parameter_rule_ids"] = outcome.parameter_rule_ids


def _add_group(entry: Entry, outcome: Outcome) -> None:
    if outcome.verdict.group_name is not None:
        entry["group_name"] = outcome.verdict.group_name


def _add_activity(entry: Entry, outcome: Outcome) -> None:
    entry["is_experiment_active"] = is_active(outcome)
    entry["is_user_in_experiment"] = outcome.verdict.is_experiment_group


_DESCRIBE: Final[dict[str, Describe]] = {"dynamic_config": _describe_config, LAYER_ENTITY: _describe_layer}
