"""A client response without a trace of what the caller may not see.

The evaluator leaves the entities of other apps out, as Statsig does; those that the key's list lacks are left out here.
What is left may still name them: a nested gate in the secondary exposures, the experiment that a layer delegates to,
the reference of a stored parameter, what triggers a recording. Names are hashed, but a hash of a guessed name is easily
compared, and the value stands beside it.
"""

from collections.abc import Callable, Mapping
from typing import Final, cast

from edge.callers.sight import Names, Sight
from evaluator.conditions import GATE
from evaluator.evaluate import CONFIG, LAYER
from evaluator.project import Project

type Entry = dict[str, object]

_EXPOSURES: Final = ("secondary_exposures", "undelegated_secondary_exposures")
_SECTIONS: Final = {"feature_gates": "gates", "dynamic_configs": "configs", "layer_configs": "layers"}
# What a stored parameter refers to, and which kind of entity it names.
_REFERENCES: Final = {
    "gate_name": "gates",
    "config_name": "configs",
    "experiment_name": "configs",
    "layer_name": "layers",
}


def narrow_response(
    response: Mapping[str, object], project: Project, sight: Sight, hash_name: Callable[[str], str]
) -> dict[str, object]:
    """Return a v1 client response that names only entities in sight."""
    names = {
        "gates": list_names(project.gates, GATE, sight, hash_name),
        "configs": list_names({**project.configs, **project.cmab_configs}, CONFIG, sight, hash_name),
        "layers": list_names(project.layers, LAYER, sight, hash_name),
    }
    narrowed = dict(response)
    for section, kind in _SECTIONS.items():
        entries = cast("Mapping[str, Entry]", response[section])
        narrowed[section] = {key: narrow_entry(entry, names) for key, entry in entries.items() if key in names[kind]}
    stores = cast("Mapping[str, Mapping[str, Entry]]", response["param_stores"])
    narrowed["param_stores"] = {key: narrow_store(store, names) for key, store in stores.items()}
    triggers = response.get("session_recording_exposure_triggers")
    if isinstance(triggers, dict):
        known = names["gates"] | names["configs"] | names["layers"]
        narrowed["session_recording_exposure_triggers"] = {key: triggers[key] for key in triggers if key in known}
    return narrowed


def list_names(documents: Mapping[str, object], kind: str, sight: Sight, hash_name: Callable[[str], str]) -> Names:
    """Return the hashed names of the entities in sight."""
    return frozenset(hash_name(name) for name, document in documents.items() if sight.shows(kind, name, document))


def narrow_entry(entry: Entry, names: Mapping[str, Names]) -> Entry:
    """Return an entry whose exposures and allocated experiment are in sight."""
    narrowed = dict(entry)
    for key in _EXPOSURES:
        exposures = cast("list[Mapping[str, str]] | None", entry.get(key))
        if exposures:
            narrowed[key] = [one for one in exposures if one["gate"] in names["gates"]]
    if narrowed.get("allocated_experiment_name", "") not in names["configs"]:
        narrowed.pop("allocated_experiment_name", None)
    return narrowed


def narrow_store(store: Mapping[str, Entry], names: Mapping[str, Names]) -> dict[str, Entry]:
    """Return a parameter store that refers to what is in sight; a client takes the default for what is gone."""
    narrowed = {}
    for key, parameter in store.items():
        if all(parameter[field] in names[kind] for field, kind in _REFERENCES.items() if field in parameter):
            narrowed[key] = parameter
        elif "gate_name" in parameter:
            narrowed[key] = close_gate(parameter)
    return narrowed


def close_gate(parameter: Entry) -> Entry:
    """Return a parameter that a gate unknown to the client decides: always its value for a closed gate."""
    kept: Entry = {key: parameter[key] for key in ("param_type", "name") if key in parameter}
    return {"ref_type": "static", **kept, "value": parameter.get("fail_value")}
