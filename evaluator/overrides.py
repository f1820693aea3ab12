"""Local overrides: values forced for everyone or for one ID.

Kept per kind and name, then by ID; `None` is the ID of an override for everyone. The user ID is looked up first, then
any custom ID, then everyone. An override also holds for a name that the spec does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from evaluator.coerce import find_text
from evaluator.outcome import Outcome
from evaluator.spec import Verdict

if TYPE_CHECKING:
    from evaluator.spec import Spec
    from evaluator.user import User


class GroupName(NamedTuple):
    """Force an experiment to the group of this name; its rule's return value is the value."""

    name: str


type Forced = bool | Mapping[str, object] | GroupName


class Overrides:
    """A table of forced values; fill it with `force`, then only read."""

    __slots__ = ("_table",)

    def __init__(self) -> None:
        self._table: dict[tuple[str, str], dict[str | None, Forced]] = {}

    def force(self, kind: str, name: str, value: Forced, unit_id: str | None = None) -> None:
        """Force a value for one unit ID, or for everyone."""
        self._table.setdefault((kind, name), {})[unit_id] = value

    def release(self, kind: str, name: str, unit_id: str | None = None) -> None:
        """Take back the value forced for one unit ID, or with None every value forced for the name."""
        if unit_id is None:
            self._table.pop((kind, name), None)
        else:
            self._table.get((kind, name), {}).pop(unit_id, None)

    def __bool__(self) -> bool:
        return bool(self._table)

    def list_names(self) -> list[str]:
        """List what is forced, `kind name`, sorted; not for whom."""
        return sorted(f"{kind} {name}" for kind, name in self._table)

    def find(self, kind: str, name: str, user: User) -> Forced | None:
        """Return the value forced for this user, or None."""
        by_id = self._table.get((kind, name))
        if by_id is None:
            return None
        user_id = find_text(user.fields.get("userID"))
        if user_id is not None and user_id in by_id:
            return by_id[user_id]
        for value in user.custom_ids.values():
            custom_id = find_text(value)
            if custom_id is not None and custom_id in by_id:
                return by_id[custom_id]
        return by_id.get(None)


def apply_override(forced: Forced, spec: Spec | None) -> Outcome:
    """Return the outcome of a forced value: nothing of the spec shows in it but a group's value."""
    value: object = forced
    if isinstance(forced, GroupName):
        value = _find_group_value(forced.name, spec)
    outcome = Outcome(None, Verdict("override", forced is True, None if isinstance(forced, bool) else value))
    outcome.is_overridden = True
    return outcome


def _find_group_value(group_name: str, spec: Spec | None) -> object:
    for rule in () if spec is None else spec.rules:
        if rule.passed.group_name == group_name:
            return rule.passed.value
    return None
