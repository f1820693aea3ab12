"""What the objects of a document must look like: which keys they have, and of which types.

Tables say it. This is asked of every object of a document, thousands of times, and nearly always they fit: for the
three kinds of which there are many it is written out below as well, for an object with the keys that servers write.
Walking the tables takes two to three times as long. A key that is nearly always there is got, one that nearly never is
is first looked for: each way is the quicker one for its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

type Document = Mapping[str, object]
type Faults = Sequence[str]

_NAMES: Final = {
    str: "a text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "an array",
    dict: "an object",
}
NO_FAULTS: Final[Faults] = ()
_ANY: Final = frozenset((*_NAMES, type(None)))


class Shape:
    """The keys of an object that are read, with the types each may have; `present` must be there, with any value."""

    __slots__ = ("_kinds", "_needed", "_optional", "_present", "_required", "keys")

    def __init__(
        self, required: Mapping[str, type], optional: Mapping[str, type], present: tuple[str, ...] = ()
    ) -> None:
        self._kinds = {key: _types(kind) for key, kind in (*required.items(), *optional.items())}
        self._needed = (
            *((key, frozenset(self._kinds[key])) for key in required),
            *((key, _ANY) for key in present),
        )
        self._optional = {key: frozenset((*self._kinds[key], type(None))) for key in optional}
        self._required = tuple(required)
        self._present = present
        self.keys = (*required, *optional, *present)

    def fits(self, value: object) -> bool:
        """Tell whether nothing is wrong."""
        if type(value) is not dict:
            return False
        for key, kinds in self._needed:
            if key not in value or type(value[key]) not in kinds:
                return False
        optional = self._optional
        return not [key for key in value if key in optional and type(value[key]) not in optional[key]]

    def find_faults(self, value: object) -> Faults:
        """Name what does not fit."""
        if self.fits(value):
            return NO_FAULTS
        return list(self._list_faults(value)) if type(value) is dict else (": must be an object",)

    def _list_faults(self, value: Document) -> Iterable[str]:
        for key in self._required:
            if value.get(key) is None:
                yield f".{key}: {'is null' if key in value else 'is missing'}"
        for key, kinds in self._kinds.items():
            if value.get(key) is not None and type(value[key]) not in kinds:
                yield f".{key}: must be {' or '.join(_NAMES[one] for one in kinds)}"
        yield from (f".{key}: is missing" for key in self._present if key not in value)


def _types(kind: type) -> tuple[type, ...]:
    """Return the types of the JSON values that fit: an integer is a number."""
    return (int, float) if kind is float else (kind,)


SPEC: Final = Shape(
    {"salt": str, "enabled": bool, "rules": list},
    {
        "type": str,
        "idType": str,
        "entity": str,
        "version": int,
        "isActive": bool,
        "hasSharedParams": bool,
        "explicitParameters": list,
        "targetAppIDs": list,
        "forwardAllExposures": bool,
        "useNewLayerEval": bool,
    },
    ("defaultValue",),
)
RULE: Final = Shape(
    {"id": str, "passPercentage": float, "conditions": list},
    {
        "salt": str,
        "groupName": str,
        "configDelegate": str,
        "isExperimentGroup": bool,
        "samplingRate": int,
    },
    ("returnValue",),
)
CONDITION: Final = Shape({"type": str}, {"operator": str, "additionalValues": dict})

_NUMBER: Final = frozenset((int, float))
# Keys that may be missing may also be null.
_TEXT: Final = frozenset((str, type(None)))
_INTEGER: Final = frozenset((int, type(None)))
_BOOL: Final = frozenset((bool, type(None)))
_ARRAY: Final = frozenset((list, type(None)))
_OBJECT: Final = frozenset((dict, type(None)))


def fits_spec(spec: Any) -> bool:
    """Tell whether a spec fits, with its rules and the conditions inside."""
    try:
        return (
            type(spec) is dict
            and type(spec["salt"]) is str
            and type(spec["enabled"]) is bool
            and type(spec["rules"]) is list
            and "defaultValue" in spec
            and type(spec["type"]) in _TEXT
            and type(spec["idType"]) in _TEXT
            and type(spec["entity"]) in _TEXT
            and type(spec["version"]) in _INTEGER
            and ("isActive" not in spec or type(spec["isActive"]) in _BOOL)
            and ("hasSharedParams" not in spec or type(spec["hasSharedParams"]) in _BOOL)
            and ("explicitParameters" not in spec or type(spec["explicitParameters"]) in _ARRAY)
            and ("targetAppIDs" not in spec or type(spec["targetAppIDs"]) in _ARRAY)
            and ("forwardAllExposures" not in spec or type(spec["forwardAllExposures"]) in _BOOL)
            and ("useNewLayerEval" not in spec or type(spec["useNewLayerEval"]) in _BOOL)
            and not [one for one in spec["rules"] if not fits_rule(one)]
        )
    except KeyError:
        return SPEC.fits(spec) and not [one for one in spec["rules"] if not fits_rule(one)]


def fits_rule(rule: Any) -> bool:
    """Tell whether a rule fits, with the conditions inside; one may also be a text, its id."""
    try:
        return (
            type(rule) is dict
            and type(rule["id"]) is str
            and type(rule["passPercentage"]) in _NUMBER
            and type(rule["conditions"]) is list
            and "returnValue" in rule
            and type(rule["salt"]) in _TEXT
            and ("groupName" not in rule or type(rule["groupName"]) in _TEXT)
            and ("configDelegate" not in rule or type(rule["configDelegate"]) in _TEXT)
            and ("isExperimentGroup" not in rule or type(rule["isExperimentGroup"]) in _BOOL)
            and ("samplingRate" not in rule or type(rule["samplingRate"]) in _INTEGER)
            and not [one for one in rule["conditions"] if type(one) is not str and not fits_condition(one)]
        )
    except KeyError:
        return RULE.fits(rule) and _fit_inside(rule["conditions"])


def _fit_inside(conditions: list[object]) -> bool:
    return not [one for one in conditions if type(one) is not str and not fits_condition(one)]


def fits_condition(condition: Any) -> bool:
    """Tell whether a condition fits."""
    try:
        return (
            type(condition) is dict
            and type(condition["type"]) is str
            and type(condition["operator"]) in _TEXT
            and type(condition["additionalValues"]) in _OBJECT
        )
    except KeyError:
        return CONDITION.fits(condition)
