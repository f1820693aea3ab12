"""A spec document, v1 or v2, as a `Project`.

The two shapes are told apart by their sections: lists with names inside are v1, maps are v2. A document is checked
whole before anything is made of it, and everything that does not fit is named at once. Specs themselves are prepared
later, when first asked for (`prepare`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

from evaluator.errors import InvalidSpec
from evaluator.project import Project

type Document = Mapping[str, object]

_MOST_FAULTS: Final = 100
_SECTIONS: Final = {"feature_gates": "feature_gate", "dynamic_configs": "dynamic_config", "layer_configs": "layer"}
_TEXT: Final = (str,)
_NUMBER: Final = (int, float)
_NAMES: Final = {
    str: "a text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "an array",
    dict: "an object",
}

# key → (types, whether it must be there)
_SPEC_KEYS: Final[dict[str, tuple[tuple[type, ...], bool]]] = {
    "type": (_TEXT, False),
    "salt": (_TEXT, True),
    "enabled": ((bool,), True),
    "rules": ((list,), True),
    "idType": (_TEXT, False),
    "entity": (_TEXT, False),
    "version": ((int,), False),
    "isActive": ((bool,), False),
    "hasSharedParams": ((bool,), False),
    "explicitParameters": ((list,), False),
    "targetAppIDs": ((list,), False),
    "forwardAllExposures": ((bool,), False),
    "useNewLayerEval": ((bool,), False),
}
_RULE_KEYS: Final[dict[str, tuple[tuple[type, ...], bool]]] = {
    "id": (_TEXT, True),
    "passPercentage": (_NUMBER, True),
    "conditions": ((list,), True),
    "salt": (_TEXT, False),
    "groupName": (_TEXT, False),
    "configDelegate": (_TEXT, False),
    "isExperimentGroup": ((bool,), False),
    "samplingRate": ((int,), False),
}
_CONDITION_KEYS: Final[dict[str, tuple[tuple[type, ...], bool]]] = {
    "type": (_TEXT, True),
    "operator": (_TEXT, False),
    "additionalValues": ((dict,), False),
}
_DOCUMENT_KEYS: Final[dict[str, tuple[tuple[type, ...], bool]]] = {
    "time": ((int,), False),
    "condition_map": ((dict,), False),
    "default_environment": (_TEXT, False),
    "sdk_configs": ((dict,), False),
    "overrides": ((dict,), False),
    "override_rules": ((dict,), False),
    "cmab_configs": ((dict,), False),
    "param_stores": ((dict,), False),
    "session_replay_info": ((dict,), False),
    "sdk_keys_to_app_ids": ((dict,), False),
    "hashed_sdk_keys_to_app_ids": ((dict,), False),
}
_BANDIT_KEYS: Final[dict[str, tuple[tuple[type, ...], bool]]] = {
    "salt": (_TEXT, True),
    "idType": (_TEXT, True),
    "enabled": ((bool,), True),
    "version": ((int,), True),
    "sampleRate": (_NUMBER, True),
    "higherIsBetter": ((bool,), True),
    "groups": ((list,), True),
    "config": ((dict,), False),
    "targetingGateName": (_TEXT, False),
}
_BANDIT_GROUP_KEYS: Final[dict[str, tuple[tuple[type, ...], bool]]] = {"id": (_TEXT, True), "name": (_TEXT, True)}
_BANDIT_WEIGHT_KEYS: Final[dict[str, tuple[tuple[type, ...], bool]]] = {
    "alpha": (_NUMBER, True),
    "intercept": (_NUMBER, True),
    "records": ((int,), True),
    "weightsNumerical": ((dict,), True),
    "weightsCategorical": ((dict,), True),
}


def decode_project(document: object) -> Project:
    """Read a JSON value as a config spec; raises InvalidSpec naming everything that does not fit."""
    faults: list[str] = []
    for fault in find_faults(document):
        faults.append(fault)
        if len(faults) == _MOST_FAULTS:
            faults.append("…: more faults follow")
            break
    if faults:
        raise InvalidSpec(faults)
    checked = cast("Document", document)
    gates, configs, layers = (_by_name(checked[key], entity) for key, entity in _SECTIONS.items())
    return Project(checked, gates, configs, layers)


def find_faults(document: object) -> Iterator[str]:
    """Yield every misfit as "path: what is wrong"."""
    if not isinstance(document, dict):
        yield "document: must be an object"
        return
    if document.get("has_updates") is not True:
        yield "has_updates: must be true (a document without updates holds no spec)"
    yield from _check_keys(document, _DOCUMENT_KEYS, "")
    for key in _SECTIONS:
        yield from _check_section(key, document.get(key))
    for name, condition in _items(document.get("condition_map")):
        yield from _check_condition(condition, f"condition_map.{name}")
    for name, rule in _items(document.get("override_rules")):
        yield from _check_rule(rule, f"override_rules.{name}")
    for name, mappings in _items(document.get("overrides")):
        yield from _check_mappings(mappings, f"overrides.{name}")
    for name, bandit in _items(document.get("cmab_configs")):
        yield from _check_bandit(bandit, f"cmab_configs.{name}")


def _items(table: object) -> Iterator[tuple[str, object]]:
    if isinstance(table, dict):
        yield from table.items()


def _check_section(key: str, section: object) -> Iterator[str]:
    if isinstance(section, dict):
        for name, spec in section.items():
            yield from _check_spec(spec, f"{key}.{name}")
    elif isinstance(section, list):
        for index, spec in enumerate(section):
            path = f"{key}[{index}]"
            yield from _check_spec(spec, path)
            if isinstance(spec, dict) and not isinstance(spec.get("name"), str):
                yield f"{path}.name: must be a text"
    else:
        yield f"{key}: must be an object (v2) or an array (v1)"


def _check_spec(spec: object, path: str) -> Iterator[str]:
    if not isinstance(spec, dict):
        yield f"{path}: must be an object"
        return
    yield from _check_keys(spec, _SPEC_KEYS, f"{path}.")
    if "defaultValue" not in spec:
        yield f"{path}.defaultValue: is missing"
    rules = spec.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        yield from _check_rule(rule, f"{path}.rules[{index}]")


def _check_rule(rule: object, path: str) -> Iterator[str]:
    if not isinstance(rule, dict):
        yield f"{path}: must be an object"
        return
    yield from _check_keys(rule, _RULE_KEYS, f"{path}.")
    if "returnValue" not in rule:
        yield f"{path}.returnValue: is missing"
    conditions = rule.get("conditions")
    for index, condition in enumerate(conditions if isinstance(conditions, list) else ()):
        if not isinstance(condition, str):
            yield from _check_condition(condition, f"{path}.conditions[{index}]")


def _check_condition(condition: object, path: str) -> Iterator[str]:
    if not isinstance(condition, dict):
        yield f"{path}: must be an object"
        return
    yield from _check_keys(condition, _CONDITION_KEYS, f"{path}.")


def _check_mappings(mappings: object, path: str) -> Iterator[str]:
    if not isinstance(mappings, list):
        yield f"{path}: must be an array"
        return
    for index, mapping in enumerate(mappings):
        here = f"{path}[{index}]"
        if not isinstance(mapping, dict) or not isinstance(mapping.get("new_config_name"), str):
            yield f"{here}.new_config_name: must be a text"
            continue
        rules = mapping.get("rules")
        if not isinstance(rules, list):
            yield f"{here}.rules: must be an array"
            continue
        for number, rule in enumerate(rules):
            keys = {"rule_name": (_TEXT, True), "start_time": ((int,), False)}
            yield from _check_keys(rule, keys, f"{here}.rules[{number}].")


def _check_bandit(bandit: object, path: str) -> Iterator[str]:
    yield from _check_keys(bandit, _BANDIT_KEYS, f"{path}.")
    if not isinstance(bandit, dict):
        return
    if "defaultValue" not in bandit:
        yield f"{path}.defaultValue: is missing"
    groups = bandit.get("groups")
    for index, group in enumerate(groups if isinstance(groups, list) else ()):
        yield from _check_keys(group, _BANDIT_GROUP_KEYS, f"{path}.groups[{index}].")
        if isinstance(group, dict) and "parameterValues" not in group:
            yield f"{path}.groups[{index}].parameterValues: is missing"
    for name, weights in _items(bandit.get("config")):
        yield from _check_keys(weights, _BANDIT_WEIGHT_KEYS, f"{path}.config.{name}.")


def _check_keys(value: object, keys: Mapping[str, tuple[tuple[type, ...], bool]], prefix: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{prefix[:-1]}: must be an object"
        return
    for key, (types, needed) in keys.items():
        found = value.get(key)
        if found is None:
            if needed:
                yield f"{prefix}{key}: {'is null' if key in value else 'is missing'}"
        elif type(found) not in types:
            yield f"{prefix}{key}: must be {' or '.join(_NAMES[one] for one in types)}"


def _by_name(section: object, entity: str) -> Document:
    """Return {name: spec}; a v1 spec, which may lack them, gets its entity and ID type."""
    if isinstance(section, dict):
        return section
    specs = cast("list[dict[str, object]]", section)
    return {cast("str", spec["name"]): {"idType": "userID", "entity": entity, **spec} for spec in specs}
