"""A spec document, v1 or v2, as a `Project`.

The two shapes are told apart by their sections: lists with names inside are v1, maps are v2. A document is checked
whole before anything is made of it, and everything that does not fit is named at once. Specs themselves are prepared
later, when first asked for (`prepare`).

A check returns the faults of one value, each as the path from there and what is wrong (`.salt: is null`); who holds the
value puts its own part of the path before them. Nearly all values fit, so it is first asked only whether one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final, TypeGuard, cast

from evaluator.errors import InvalidSpec
from evaluator.project import Project
from evaluator.shapes import CONDITION, NO_FAULTS, RULE, SPEC, Faults, Shape, fits_condition, fits_rule, fits_spec

type Document = Mapping[str, object]
type Check = Callable[[object], Faults]

_MOST_FAULTS: Final = 100
_SECTIONS: Final = {"feature_gates": "feature_gate", "dynamic_configs": "dynamic_config", "layer_configs": "layer"}

_DOCUMENT: Final = Shape(
    {},
    {
        "time": int,
        "condition_map": dict,
        "default_environment": str,
        "sdk_configs": dict,
        "overrides": dict,
        "override_rules": dict,
        "cmab_configs": dict,
        "param_stores": dict,
        "session_replay_info": dict,
        "sdk_keys_to_app_ids": dict,
        "hashed_sdk_keys_to_app_ids": dict,
        "hashed_sdk_keys_to_entities": dict,
    },
)
_OTHER_KEYS: Final = frozenset(_DOCUMENT.keys) - {"time", "condition_map"}
_NAMED: Final = Shape({"name": str}, {})
_MAPPING: Final = Shape({"new_config_name": str, "rules": list}, {})
_MAPPING_RULE: Final = Shape({"rule_name": str}, {"start_time": int})
_BANDIT: Final = Shape(
    {
        "salt": str,
        "idType": str,
        "enabled": bool,
        "version": int,
        "sampleRate": float,
        "higherIsBetter": bool,
        "groups": list,
    },
    {"config": dict, "targetingGateName": str},
    ("defaultValue",),
)
_BANDIT_GROUP: Final = Shape({"id": str, "name": str}, {}, ("parameterValues",))
_BANDIT_WEIGHTS: Final = Shape(
    {"alpha": float, "intercept": float, "records": int, "weightsNumerical": dict, "weightsCategorical": dict}, {}
)


def decode_project(document: object) -> Project:
    """Read a JSON value as a config spec; raises InvalidSpec naming everything that does not fit."""
    if _fits(document):
        return Project(document, document["feature_gates"], document["dynamic_configs"], document["layer_configs"])
    faults = list(islice(find_faults(document), _MOST_FAULTS + 1))
    if len(faults) > _MOST_FAULTS:
        faults[_MOST_FAULTS] = "…: more faults follow"
    if faults:
        raise InvalidSpec(faults)
    checked = cast("Document", document)
    return Project(checked, *(_by_name(checked[key], entity) for key, entity in _SECTIONS.items()))


def _fits(document: Any) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a document is v2 and has no fault; others are looked through by `find_faults`."""
    try:
        return (
            type(document) is dict
            and document["has_updates"] is True
            and type(document["time"]) is int
            and _fit_all(document["feature_gates"], fits_spec)
            and _fit_all(document["dynamic_configs"], fits_spec)
            and _fit_all(document["layer_configs"], fits_spec)
            and _fit_all(document["condition_map"], fits_condition)
            # A document cut down to what a question needs has nothing else.
            and (_OTHER_KEYS.isdisjoint(document) or _others_fit(document))
        )
    except KeyError:
        return False


def _fit_all(table: object, fits: Callable[[object], bool]) -> bool:
    """Tell whether a value is an object and all its values fit; sections are often empty."""
    return type(table) is dict and (not table or not [one for one in table.values() if not fits(one)])


def _others_fit(document: Document) -> bool:
    """Tell whether what stands beside the sections and the conditions fits."""
    return _DOCUMENT.fits(document) and not [
        key for key, check in _RARE_TABLES.items() if key in document and _check_table(key, document[key], check)
    ]


def find_faults(document: object) -> Iterable[str]:
    """Yield misfits as "path: what is wrong"; past the first hundred of one section there may be more."""
    if not isinstance(document, dict):
        yield "document: must be an object"
        return
    if document.get("has_updates") is not True:
        yield "has_updates: must be true (a document without updates holds no spec)"
    yield from (fault.removeprefix(".") for fault in _DOCUMENT.find_faults(document))
    for key in _SECTIONS:
        yield from _check_section(key, document.get(key))
    yield from _check_table("condition_map", document.get("condition_map"), CONDITION.find_faults)
    for key, check in _RARE_TABLES.items():
        yield from _check_table(key, document.get(key), check)


def _check_section(key: str, section: object) -> Faults:
    if isinstance(section, dict):
        return _check_table(key, section, _check_spec)
    if isinstance(section, list):
        return _check_list(key, section, lambda spec: (*_check_spec(spec), *_NAMED.find_faults(spec)))
    return (f"{key}: must be an object (v2) or an array (v1)",)


def _check_table(key: str, table: object, check: Check) -> Faults:
    """Check each value of an object."""
    faults: list[str] = []
    for name, value in table.items() if isinstance(table, dict) else ():
        found = check(value)
        if found:
            faults += [f"{key}.{name}{fault}" for fault in found]
            if len(faults) > _MOST_FAULTS:
                break
    return faults


def _check_list(key: str, values: object, check: Check) -> Faults:
    """Check each value of an array."""
    faults: list[str] = []
    for index, value in enumerate(values if isinstance(values, list) else ()):
        found = check(value)
        if found:
            faults += [f"{key}[{index}]{fault}" for fault in found]
            if len(faults) > _MOST_FAULTS:
                break
    return faults


def _check_spec(spec: object) -> Faults:
    if fits_spec(spec):
        return NO_FAULTS
    faults = SPEC.find_faults(spec)
    inner = _check_list(".rules", spec.get("rules"), _check_rule) if isinstance(spec, dict) else ()
    return (*faults, *inner)


def _check_rule(rule: object) -> Faults:
    if fits_rule(rule):
        return NO_FAULTS
    faults = RULE.find_faults(rule)
    inner = _check_list(".conditions", rule.get("conditions"), _check_condition) if isinstance(rule, dict) else ()
    return (*faults, *inner)


def _check_condition(condition: object) -> Faults:
    """Check a condition; inside a rule it may also be a text, the id of one."""
    return NO_FAULTS if type(condition) is str or fits_condition(condition) else CONDITION.find_faults(condition)


def _check_mappings(mappings: object) -> Faults:
    if not isinstance(mappings, list):
        return (": must be an array",)
    return _check_list("", mappings, _check_mapping)


def _check_mapping(mapping: object) -> Faults:
    rules = mapping.get("rules") if isinstance(mapping, dict) else None
    return (*_MAPPING.find_faults(mapping), *_check_list(".rules", rules, _MAPPING_RULE.find_faults))


def _check_bandit(bandit: object) -> Faults:
    groups, weights = (bandit.get("groups"), bandit.get("config")) if isinstance(bandit, dict) else (None, None)
    return (
        *_BANDIT.find_faults(bandit),
        *_check_list(".groups", groups, _BANDIT_GROUP.find_faults),
        *_check_table(".config", weights, _BANDIT_WEIGHTS.find_faults),
    )


_RARE_TABLES: Final[dict[str, Check]] = {
    "override_rules": _check_rule,
    "overrides": _check_mappings,
    "cmab_configs": _check_bandit,
}


def _by_name(section: object, entity: str) -> Document:
    """Return {name: spec}; a v1 spec, which may lack them, gets its entity and ID type."""
    if isinstance(section, dict):
        return section
    specs = cast("list[dict[str, object]]", section)
    return {cast("str", spec["name"]): {"idType": "userID", "entity": entity, **spec} for spec in specs}
