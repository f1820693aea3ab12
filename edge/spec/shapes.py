"""A spec document in the other of its two shapes, for SDKs that read only one.

v2 keeps specs in objects by name and conditions in a table; v1 keeps specs in arrays, each with its name, and
conditions where they are used. Nothing that evaluation reads is lost either way. Three things are not as Statsig would
write them: the IDs of conditions that v2 is given are hashes of ours, a checksum is left out because it belongs to the
other text, and a condition that a v2 document refers to and does not hold becomes one of an unknown type.

SDKs that read v1 look at a gate's pass percentages alone: who is in one gets true, everybody else false, whatever the
rule returns and the gate's default is. Statsig writes the rule of a holdout as `"returnValue": false` with 100 % in v2
and as 0 % in v1, and a gate that is true when turned off with a last rule `disabled` of 100 % in v1. So do we. And
where v2 has a set as an object (`{"12": true}`, the buckets of an experiment in a layer), v1 has an array.
"""

from collections.abc import Mapping
from hashlib import sha256
from json import JSONEncoder
from typing import Final, cast

type Document = Mapping[str, object]
type Json = dict[str, object]

SECTIONS: Final = {"feature_gates": "feature_gate", "dynamic_configs": "dynamic_config", "layer_configs": "layer"}
NO_CONDITION: Final[Document] = {"type": "missing_condition", "targetValue": None, "operator": None, "field": None}
OF_SETS: Final = ("any", "none")
PUBLIC: Final[Document] = {"type": "public", "targetValue": None, "operator": None, "field": None}
_OF_V2: Final = ("condition_map", "experiment_to_layer", "checksum", "response_format")
_encode = JSONEncoder(sort_keys=True).encode


def is_v1(document: Document) -> bool:
    """Tell the shape of a document by its sections."""
    return isinstance(document.get("feature_gates"), list)


def to_v1(document: Document) -> Json:
    """Return a v2 document as v1."""
    table = cast("Mapping[str, Document]", document.get("condition_map") or {})
    conditions = {name: write_array(condition) for name, condition in table.items()}
    kept = {key: value for key, value in document.items() if key not in _OF_V2}
    for section in SECTIONS:
        specs = cast("Mapping[str, Document]", document[section])
        kept[section] = [{"name": name, **write_inline(spec, conditions)} for name, spec in specs.items()]
    kept["feature_gates"] = [write_percentages(gate) for gate in cast("list[Json]", kept["feature_gates"])]
    rules = document.get("override_rules")
    if isinstance(rules, dict):
        kept["override_rules"] = {name: with_conditions(rule, conditions) for name, rule in rules.items()}
    return {**kept, "layers": group_experiments(document)}


def write_array(condition: Document) -> Document:
    """Return a condition with an array in the place of a set; its operators see no key with upper case."""
    target = condition.get("targetValue")
    if not isinstance(target, dict) or condition.get("operator") not in OF_SETS:
        return condition
    read = read_bucket if condition.get("type") == "user_bucket" else str
    return {**condition, "targetValue": [read(key) for key in target if key == key.lower()]}


def read_bucket(key: str) -> int | str:
    """Return the number of a bucket, or the text where it is none."""
    digits = key.removeprefix("-")
    return int(key) if digits.isascii() and digits.isdecimal() and str(int(key)) == key else key


def write_inline(spec: Document, conditions: Document) -> Json:
    """Return a spec whose rules hold their conditions."""
    rules = cast("list[Document]", spec["rules"])
    return {**spec, "rules": [with_conditions(rule, conditions) for rule in rules]}


def with_conditions(rule: Document, conditions: Document) -> Json:
    """Return a rule that holds its conditions."""
    references = cast("list[object]", rule["conditions"])
    return {
        **rule,
        "conditions": [conditions.get(one, NO_CONDITION) if isinstance(one, str) else one for one in references],
    }


def write_percentages(gate: Json) -> Json:
    """Return a gate that answers the same by its pass percentages alone, or the gate itself where that cannot be."""
    default = gate["defaultValue"] is True
    rules = [write_percentage(rule, default) for rule in cast("list[Document]", gate["rules"])]
    if not default:
        return {**gate, "rules": rules}
    if not all(rule["returnValue"] for rule in rules):
        return gate
    name = "default" if gate["enabled"] else "disabled"
    last = {"name": name, "id": name, "salt": "", "passPercentage": 100, "conditions": [PUBLIC], "returnValue": True}
    rules.append({**last, "idType": gate["idType"]})
    return {**gate, "enabled": True, "defaultValue": False, "rules": rules}


def write_percentage(rule: Document, default: bool) -> Document:
    """Return a gate's rule with the percentage of users that it answers true; itself where that is no percentage."""
    share, passing = cast("float", rule["passPercentage"]), rule["returnValue"] is not False
    if 0 < share < 100 and passing is not default:
        return rule
    value = passing if share >= 100 else default
    return {**rule, "passPercentage": 100 if value else 0, "returnValue": True}


def group_experiments(document: Document) -> dict[str, list[str]]:
    """Return {layer: its experiments}."""
    layers: dict[str, list[str]] = {name: [] for name in cast("Document", document["layer_configs"])}
    for experiment, layer in cast("Mapping[str, str]", document.get("experiment_to_layer") or {}).items():
        layers.setdefault(layer, []).append(experiment)
    return layers


def to_v2(document: Document) -> Json:
    """Return a v1 document as v2."""
    kept = {key: value for key, value in document.items() if key not in {"layers", "checksum"}}
    conditions: Json = {}
    for section, entity in SECTIONS.items():
        specs: Json = {}
        for spec in cast("list[Document]", document[section]):
            written, used = write_references(spec)
            conditions |= used
            rest = {key: value for key, value in written.items() if key != "name"}
            specs[cast("str", spec["name"])] = {"idType": "userID", "entity": entity, **rest}
        kept[section] = specs
    layers = cast("Mapping[str, list[str]]", document.get("layers") or {})
    owners = {experiment: layer for layer, experiments in layers.items() for experiment in experiments}
    return {**kept, "condition_map": conditions, "experiment_to_layer": owners, "response_format": "dcs-v2"}


def write_references(spec: Document) -> tuple[Json, Json]:
    """Return a spec whose rules refer to conditions, and {ID: condition}."""
    conditions: Json = {}
    rules = []
    for rule in cast("list[Document]", spec["rules"]):
        named = [(name_condition(one), one) for one in cast("list[object]", rule["conditions"])]
        conditions |= {name: one for name, one in named if not isinstance(one, str)}
        rules.append({**rule, "conditions": [name for name, _ in named]})
    return {**spec, "rules": rules}, conditions


def name_condition(condition: object) -> str:
    """Return the ID of a condition: the one it is referred to by, or a hash of its content."""
    return condition if isinstance(condition, str) else sha256(_encode(condition).encode()).hexdigest()[:16]
