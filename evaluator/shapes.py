"""What the objects of a document must look like: which keys they have, and of which types.

Tables say it. This is asked of every object of a document, thousands of times, and nearly always they fit. So it is
asked of all objects of a kind together, one key of all of them after the other, in calls that run in C: what looks
at one object after the other would have to be written out for each kind to be as quick.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, repeat
from operator import itemgetter
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
_OBJECT: Final = frozenset((dict,))


class Shape:
    """The keys of an object that are read, with the types each may have; `present` must be there, with any value."""

    __slots__ = ("_kinds", "_present", "_required", "keys")

    def __init__(
        self, required: Mapping[str, type], optional: Mapping[str, type], present: tuple[str, ...] = ()
    ) -> None:
        needed = {key: frozenset(_types(kind)) for key, kind in required.items()}
        # A key that may be missing may also be null.
        self._kinds = needed | {key: frozenset((*_types(kind), type(None))) for key, kind in optional.items()}
        self._required = tuple(required)
        self._present = present
        self.keys = (*required, *optional, *present)

    def fits_all(self, values: Collection[Any]) -> bool:
        """Tell whether nothing is wrong with any of these."""
        return (
            _OBJECT.issuperset(map(type, values))
            and all(
                kinds.issuperset(map(type, map(dict.get, values, repeat(key)))) for key, kinds in self._kinds.items()
            )
            and not any([one for one in values if key not in one] for key in self._present)
        )

    def find_faults(self, value: object) -> Faults:
        """Name what does not fit."""
        return list(self._list_faults(value)) if isinstance(value, dict) else (": must be an object",)

    def _list_faults(self, value: Document) -> Iterable[str]:
        for key in self._required:
            if value.get(key) is None:
                yield f".{key}: {'is null' if key in value else 'is missing'}"
        for key, kinds in self._kinds.items():
            if value.get(key) is not None and type(value[key]) not in kinds:
                yield f".{key}: must be {' or '.join(_NAMES[one] for one in _NAMES if one in kinds)}"
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


def fit_specs(specs: Collection[Any]) -> bool:
    """Tell whether all of these specs fit, with their rules and the conditions inside."""
    return SPEC.fits_all(specs) and fit_rules([*chain.from_iterable(map(itemgetter("rules"), specs))])


def fit_rules(rules: Collection[Any]) -> bool:
    """Tell whether all of these rules fit, with the conditions inside; one may also be a text, its id."""
    if not RULE.fits_all(rules):
        return False
    conditions = chain.from_iterable(map(itemgetter("conditions"), rules))
    return CONDITION.fits_all([one for one in conditions if type(one) is not str])
