"""What is the same for all users with the same attributes: rules that hold for none of them, or for all.

Users differ in their unit IDs, and most conditions do not ask for these. Those that do ask mostly whether an ID is one
of a few, and most users are none of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.sources import ALIASES
from evaluator.user import USER_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluator.spec import Reading, Rule
    from evaluator.view import UserView

# The readings of IDs, each with those that conditions look for.
type Named = dict[Reading, set[object]]

# What a reading sees: what `view.UserView.attributes` identifies alone, unit IDs beside it, or more.
_ATTRIBUTES: Final = "attributes"
_UNITS: Final = "units"
_ANYTHING: Final = "anything"
# Condition types that read the field they name, or what follows from another one.
_OF_FIELDS: Final = frozenset(("user_field", "ip_based", "ua_based"))
_OTHERS: Final = {"environment_field": _ATTRIBUTES, "unit_id": _UNITS}


def is_named(view: UserView, named: Named) -> bool:
    """Tell whether conditions look for a user."""
    return any(view.read(reading) in targets for reading, targets in named.items())


class Alike:
    """Users with the attributes of this one, but for those who are `named`."""

    def __init__(self, view: UserView) -> None:
        self._view = view
        self.named: Named = {}

    def shorten(self, rules: Sequence[Rule]) -> tuple[Sequence[Rule], bool]:
        """Leave out rules that hold for none of them, and what stands behind one that holds for all.

        Returns what is left, and whether that comes to the same for all of them. A rule that asks other specs stays:
        these are exposed whether it holds or not. Nothing is looked at behind a bucket, where groups are told apart, or
        where nobody came so far.
        """
        view, memo = self._view, self._view.memo
        left: list[Rule] = []
        rest = iter(rules)
        for rule in rest:
            questions = rule.plain
            if questions is None:  # not prepared
                left.append(rule)
                left += rest
                return left, False
            if not rule.is_lonely:
                left.append(rule)
                continue
            for reading, test, wanted in questions:
                sees = reading.sees or _find_sight(reading)
                if sees is _ATTRIBUTES:
                    if test(memo[reading] if reading in memo else view.read(reading)) is not wanted:
                        break
                elif sees is _UNITS and type(targets := getattr(test, "__self__", None)) is frozenset:
                    self.named.setdefault(reading, set()).update(targets)
                    if wanted:
                        break
                else:
                    left.append(rule)
                    left += rest
                    return left, False
            else:
                left.append(rule)
                return left, len(left) == 1 and rule.certain is not None and rule.delegate is None
        return left, not left


def _find_sight(reading: Reading) -> str:
    """Return what a reading sees, and note it there: few are ever asked, so none is when conditions are prepared."""
    kind, _, name = reading.reference or ("", None, "")
    sees = _OTHERS.get(kind, _ANYTHING)
    if kind in _OF_FIELDS and isinstance(name, str):
        lowered = name.lower()
        sees = _UNITS if ALIASES.get(lowered, lowered).lower() == USER_ID else _ATTRIBUTES
    reading.sees = sees
    return sees
