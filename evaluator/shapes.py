"""Whether specs, rules and conditions fit, written out key by key.

This is asked of every object of a document, thousands of times, and nearly always they fit; `decode` names what does
not, by tables of the same keys. Walking those tables takes twice as long as these functions. A key that is nearly
always there is got, one that nearly never is is first looked for: each way is the quicker one for its keys.
"""

from __future__ import annotations

from typing import Any, Final

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
            and type(spec.get("type")) in _TEXT
            and type(spec.get("idType")) in _TEXT
            and type(spec.get("entity")) in _TEXT
            and type(spec.get("version")) in _INTEGER
            and ("isActive" not in spec or type(spec["isActive"]) in _BOOL)
            and ("hasSharedParams" not in spec or type(spec["hasSharedParams"]) in _BOOL)
            and ("explicitParameters" not in spec or type(spec["explicitParameters"]) in _ARRAY)
            and ("targetAppIDs" not in spec or type(spec["targetAppIDs"]) in _ARRAY)
            and ("forwardAllExposures" not in spec or type(spec["forwardAllExposures"]) in _BOOL)
            and ("useNewLayerEval" not in spec or type(spec["useNewLayerEval"]) in _BOOL)
            and all(map(fits_rule, spec["rules"]))
        )
    except KeyError:
        return False


def fits_rule(rule: Any) -> bool:
    """Tell whether a rule fits, with the conditions inside; one may also be a text, its id."""
    try:
        return (
            type(rule) is dict
            and type(rule["id"]) is str
            and type(rule["passPercentage"]) in _NUMBER
            and type(rule["conditions"]) is list
            and "returnValue" in rule
            and type(rule.get("salt")) in _TEXT
            and ("groupName" not in rule or type(rule["groupName"]) in _TEXT)
            and ("configDelegate" not in rule or type(rule["configDelegate"]) in _TEXT)
            and ("isExperimentGroup" not in rule or type(rule["isExperimentGroup"]) in _BOOL)
            and ("samplingRate" not in rule or type(rule["samplingRate"]) in _INTEGER)
            and not [one for one in rule["conditions"] if type(one) is not str and not fits_condition(one)]
        )
    except KeyError:
        return False


def fits_condition(condition: Any) -> bool:
    """Tell whether a condition fits."""
    return (
        type(condition) is dict
        and type(condition.get("type")) is str
        and type(condition.get("operator")) in _TEXT
        and type(condition.get("additionalValues")) in _OBJECT
    )
