"""The client initialize response: every spec evaluated for one user, names hashed.

Three formats: v1 spells everything out, v2 replaces exposures by keys into a table, init-v2 is compact and shares
values too. Segments and holdouts are left out. A client key (or target app) narrows the response to the specs of its
app.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, cast

from evaluator.bucketing import find_name_hash, hash_djb2, hash_djb2_number
from evaluator.coerce import find_text, write_json
from evaluator.conditions import EXPERIMENT, GATE
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluate import CONFIG, LAYER, find_outcome
from evaluator.evaluation import Evaluation, to_evaluation
from evaluator.param_stores import write_param_stores
from evaluator.session_replay import write_session_replay

if TYPE_CHECKING:
    from evaluator.project import Project
    from evaluator.view import UserView

type Entry = dict[str, object]
type Hash = Callable[[str], str]

FORMATS: Final = ("v1", "v2", "init-v2")
_HIDDEN: Final = ("segment", "holdout")
_FILTERS: Final = {"feature_gate": "gates", "dynamic_config": "configs", "experiment": "experiments", "layer": "layers"}


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """What a client response holds; `gates` and its kin are the names to keep, None keeps all."""

    hash: str = "djb2"
    client_key: str | None = None
    target_app_id: str | None = None
    response_format: str = "v1"
    gates: Collection[str] | None = None
    configs: Collection[str] | None = None
    experiments: Collection[str] | None = None
    layers: Collection[str] | None = None
    param_stores: Collection[str] | None = None
    remove_id_type: bool = False
    remove_default_value_gates: bool = False
    remove_experiments_in_layers: bool = False
    previous_response_hash: str | None = None


def find_target_app(project: Project, options: ResponseOptions) -> object:
    """Return the app that a client key belongs to; the hashed table goes before the plain one."""
    if options.target_app_id:
        return options.target_app_id
    key = options.client_key
    if key is None:
        return project.app_id
    app_id = project.app_id
    for table, name in (("sdk_keys_to_app_ids", key), ("hashed_sdk_keys_to_app_ids", hash_djb2(key))):
        apps = project.document.get(table)
        if isinstance(apps, dict):
            app_id = apps.get(name)
    return app_id


def write_client_response(view: UserView, options: ResponseOptions, sdk_info: Mapping[str, str]) -> dict[str, object]:
    """Evaluate everything for the user of the view, which must have been made with `find_target_app` as its app."""
    try:
        return _write(view, options, sdk_info)
    except EvaluationDepthExceeded:
        view.forget_unfinished()
        return blank_response(view, sdk_info)


def write_client_entry(view: UserView, kind: str, name: str, options: ResponseOptions) -> Entry | None:
    """Write the entry of one spec as a v1 response would have it; None when the response would not hold it."""
    sections = _Sections(view, options)
    writer = _Writer(sections.hash, options)
    try:
        return next((writer.write(entity, found) for entity, found in sections.only(kind, name)), None)
    except EvaluationDepthExceeded:
        view.forget_unfinished()
        return None


def blank_response(view: UserView, sdk_info: Mapping[str, str]) -> dict[str, object]:
    """Return the response that says nothing is new, which the core also gives when one spec cannot be evaluated."""
    return {
        "feature_gates": {},
        "dynamic_configs": {},
        "layer_configs": {},
        "param_stores": {},
        "time": 0,
        "has_updates": False,
        "hash_used": "",
        "user": view.loggable_user(),
        "sdkParams": {},
        "sdkInfo": dict(sdk_info),
        "evaluated_keys": {},
    }


def _write(view: UserView, options: ResponseOptions, sdk_info: Mapping[str, str]) -> dict[str, object]:
    project = view.project
    sections = _Sections(view, options)
    writer = _WRITERS.get(options.response_format, _Writer)(sections.hash, options)
    response: dict[str, object] = {
        "feature_gates": writer.write_all(sections.gates(project.gates)),
        "dynamic_configs": writer.write_all(sections.configs(project.configs, project.cmab_configs)),
        "layer_configs": writer.write_all(sections.layers(project.layers)),
        "param_stores": write_param_stores(project, sections.is_for_app, options.param_stores, sections.hash),
        "time": view.project.time,
        "has_updates": True,
        "hash_used": options.hash,
        "user": view.loggable_user(),
        "sdkParams": {},
        "evaluated_keys": view.user.evaluated_keys(),
        "sdkInfo": dict(sdk_info),
        **writer.tables(),
        **write_session_replay(view, sections.hash),
    }
    attributes = hash_private_attributes(view.user.private_attributes)
    if attributes is not None:
        response["pa_hash"] = attributes
    if options.previous_response_hash is not None:
        response["full_checksum"] = checksum = _checksum(response)
        if checksum == options.previous_response_hash:
            return blank_response(view, sdk_info)
    return response


def hash_private_attributes(attributes: Mapping[str, object]) -> str | None:
    """Return the sum of djb2("key:text") over the private attributes, in 32 bits."""
    if not attributes:
        return None
    total = sum(hash_djb2_number(f"{key}:{find_text(value) or ''}") for key, value in attributes.items())
    return str(total & 0xFFFFFFFF)


def _checksum(response: Mapping[str, object]) -> str:
    """Identify what a client would store; the core hashes other bytes, a client only ever sends ours back."""
    kept = {key: response[key] for key in ("feature_gates", "dynamic_configs", "layer_configs", "param_stores")}
    return str(int.from_bytes(sha256(write_json(kept).encode("utf-8", "replace")).digest()[:8], "big"))


class _Sections:
    """Walks the sections of a project, leaving out what the options leave out."""

    def __init__(self, view: UserView, options: ResponseOptions) -> None:
        self._view = view
        self._options = options
        self.hash = find_name_hash(options.hash)
        app = find_text(view.app_id)
        narrowed = options.client_key is not None or bool(options.target_app_id)
        self._app = app if narrowed else None

    def is_for_app(self, document: Mapping[str, object]) -> bool:
        """Tell whether a spec belongs to the target app; one that names no apps then belongs to none."""
        apps = document.get("targetAppIDs")
        return self._app is None or (isinstance(apps, list) and self._app in apps)

    def only(self, kind: str, name: str) -> Iterable[tuple[str, Evaluation]]:
        """Yield the one spec of this name that a response would hold."""
        project = self._view.project
        if kind == GATE:
            return self.gates(_pick(project.gates, name))
        if kind == LAYER:
            return self.layers(_pick(project.layers, name))
        bandits = _pick(project.cmab_configs, name)
        return self.configs({} if bandits else _pick(project.configs, name), bandits)

    def gates(self, section: Mapping[str, object]) -> Iterable[tuple[str, Evaluation]]:
        """Yield (entity, evaluation) of every gate to write."""
        for name, document in self._kept(section):
            found = self._evaluate(GATE, name)
            is_dropped = self._options.remove_default_value_gates and document.get("entity") == "feature_gate"
            if not (is_dropped and _says_nothing(found)):
                yield "gate", found

    def configs(self, section: Mapping[str, object], bandits: Mapping[str, object]) -> Iterable[tuple[str, Evaluation]]:
        """Yield (entity, evaluation) of every config and experiment; a bandit replaces the config of its name."""
        for name, document in self._kept(section):
            entity = cast("str", document.get("entity"))
            found = self._evaluate(CONFIG if entity == "dynamic_config" else EXPERIMENT, name)
            if not (entity == "experiment" and self._options.remove_experiments_in_layers and found.is_in_layer):
                yield entity, found
        for name, bandit in bandits.items():
            wanted = self._options.experiments
            if (wanted is None or name in wanted) and self.is_for_app(cast("Mapping[str, object]", bandit)):
                yield "autotune", self._evaluate(EXPERIMENT, name)

    def layers(self, section: Mapping[str, object]) -> Iterable[tuple[str, Evaluation]]:
        """Yield (entity, evaluation) of every layer."""
        for name, _ in self._kept(section):
            yield "layer", self._evaluate(LAYER, name)

    def _kept(self, section: Mapping[str, object]) -> Iterable[tuple[str, Mapping[str, object]]]:
        for name, document in cast("Mapping[str, Mapping[str, object]]", section).items():
            entity = cast("str", document.get("entity"))
            wanted = getattr(self._options, _FILTERS[entity]) if entity in _FILTERS else None
            if entity not in _HIDDEN and (wanted is None or name in wanted) and self.is_for_app(document):
                yield name, document

    def _evaluate(self, kind: str, name: str) -> Evaluation:
        return to_evaluation(kind, name, find_outcome(self._view, kind, name))


def _says_nothing(found: Evaluation) -> bool:
    return found.rule_id == "default" and not found.value and not found.secondary_exposures


def _pick(section: Mapping[str, object], name: str) -> Mapping[str, object]:
    return {name: section[name]} if name in section else {}


class _Writer:
    """Writes entries as v1 has them."""

    def __init__(self, hash_name: Hash, options: ResponseOptions) -> None:
        self.hash = hash_name
        self._options = options
        self._hashed_gates: dict[str, str] = {}

    def write_all(self, found: Iterable[tuple[str, Evaluation]]) -> dict[str, Entry]:
        """Return {hashed name: entry}."""
        return {self.hash(one.name): self.write(entity, one) for entity, one in found}

    def tables(self) -> dict[str, object]:
        """Return what entries refer to, for the top level of the response."""
        return {}

    def write(self, entity: str, found: Evaluation) -> Entry:
        """Write one entry."""
        entry: Entry = {
            "name": self.hash(found.name),
            "value": found.value if found.value is not None else None,
            "rule_id": found.rule_id,
            "secondary_exposures": self.write_exposures(found.secondary_exposures),
        }
        if found.id_type is not None or entity != "gate":
            entry["id_type"] = found.id_type or ""
        if entity != "gate":
            entry["group"] = found.rule_id
            entry["is_device_based"] = found.id_type in ("stableID", "stableid")
            _DETAILS.get(entity, _add_experiment)(self, entry, entity, found)
        if self._options.remove_id_type:
            entry.pop("id_type", None)
        return entry

    def write_exposures(self, exposures: Iterable[Mapping[str, str]] | None) -> list[object]:
        """Return exposures without duplicates, their gates hashed."""
        kept: dict[tuple[str, str, str], object] = {}
        for one in exposures or ():
            key = (one["gate"], one["gateValue"], one["ruleID"])
            if key not in kept:
                kept[key] = self.write_exposure(*key)
        return list(kept.values())

    def write_exposure(self, gate: str, value: str, rule_id: str) -> object:
        """Write one exposure, its gate hashed."""
        hashed = self._hashed_gates.get(gate)
        if hashed is None:
            hashed = self._hashed_gates[gate] = self.hash(gate)
        return {"gate": hashed, "gateValue": value, "ruleID": rule_id}


def _add_config(_writer: _Writer, entry: Entry, _entity: str, found: Evaluation) -> None:
    entry["passed"] = found.passed


def _add_experiment(_writer: _Writer, entry: Entry, entity: str, found: Evaluation) -> None:
    if found.group_name is not None:
        entry["group_name"] = found.group_name
    if found.is_in_layer:
        entry["is_in_layer"] = True
    if found.explicit_parameters is not None:
        entry["explicit_parameters"] = found.explicit_parameters
    if entity == "experiment":
        entry["is_experiment_active"] = found.is_experiment_active
        entry["is_user_in_experiment"] = found.is_user_in_experiment


def _add_layer(writer: _Writer, entry: Entry, _entity: str, found: Evaluation) -> None:
    if found.group_name is not None:
        entry["group_name"] = found.group_name
    entry["explicit_parameters"] = found.explicit_parameters or []
    entry["undelegated_secondary_exposures"] = writer.write_exposures(found.undelegated_secondary_exposures)
    if found.allocated_experiment:
        entry["allocated_experiment_name"] = writer.hash(found.allocated_experiment)
        entry["is_experiment_active"] = found.is_experiment_active
        entry["is_user_in_experiment"] = found.is_user_in_experiment
    if found.parameter_rule_ids is not None:
        entry["parameter_rule_ids"] = found.parameter_rule_ids


_DETAILS: Final[dict[str, Callable[[_Writer, Entry, str, Evaluation], None]]] = {
    "dynamic_config": _add_config,
    "layer": _add_layer,
}


class _TableWriter(_Writer):
    """Writes v2: exposures become keys, djb2 of "gate:value:rule", into the table `exposures`."""

    def __init__(self, hash_name: Hash, options: ResponseOptions) -> None:
        super().__init__(hash_name, options)
        self._exposures: dict[str, object] = {}

    def tables(self) -> dict[str, object]:
        """Return the table of exposures."""
        return {"exposures": self._exposures}

    def write_exposure(self, gate: str, value: str, rule_id: str) -> object:
        """Return the key of one exposure."""
        exposure = cast("Mapping[str, str]", super().write_exposure(gate, value, rule_id))
        key = hash_djb2(f"{exposure['gate']}:{value}:{rule_id}")
        self._exposures[key] = exposure
        return key


_SHORT: Final = {
    "value": "v",
    "rule_id": "r",
    "secondary_exposures": "s",
    "id_type": "i",
    "group_name": "gn",
    "is_user_in_experiment": "ue",
    "is_experiment_active": "ea",
    "passed": "p",
    "undelegated_secondary_exposures": "us",
    "explicit_parameters": "ep",
    "allocated_experiment_name": "ae",
    "parameter_rule_ids": "pr",
}


class _CompactWriter(_Writer):
    """Writes init-v2: short keys, defaults left out, exposures and values in tables keyed "0", "1", …."""

    def __init__(self, hash_name: Hash, options: ResponseOptions) -> None:
        super().__init__(hash_name, options)
        self._exposures: dict[tuple[str, str, str], str] = {}
        self._exposure_table: dict[str, object] = {}
        self._values: dict[str, str] = {}
        self._value_table: dict[str, object] = {}

    def tables(self) -> dict[str, object]:
        """Return both tables and the name of the format."""
        return {"exposures": self._exposure_table, "values": self._value_table, "response_format": "init-v2"}

    def write(self, entity: str, found: Evaluation) -> Entry:
        """Write one entry in short keys."""
        entry = super().write(entity, found)
        short: Entry = {_SHORT[key]: value for key, value in entry.items() if key in _SHORT}
        if entity == "gate":
            short.pop("v") if not found.value else None
        else:
            short["v"] = self._find_value(found.value)
        if found.rule_id == "default":
            del short["r"]
        for key in ("s", "us"):
            if not short.get(key, True):
                del short[key]
        return short

    def write_exposure(self, gate: str, value: str, rule_id: str) -> object:
        """Return the number of one exposure."""
        key = (gate, value, rule_id)
        number = self._exposures.get(key)
        if number is None:
            number = self._exposures[key] = str(len(self._exposures))
            self._exposure_table[number] = super().write_exposure(*key)
        return number

    def _find_value(self, value: object) -> str:
        text = write_json(value)
        number = self._values.get(text)
        if number is None:
            number = self._values[text] = str(len(self._values))
            self._value_table[number] = value
        return number


_WRITERS: Final[dict[str, type[_Writer]]] = {"v2": _TableWriter, "init-v2": _CompactWriter}
