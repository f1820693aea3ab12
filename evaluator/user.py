"""A Statsig user, kept as the JSON it came as.

Values stay raw: a number keeps being a number, because conversions depend on it (`coerce`). Unknown top-level keys are
dropped; a JSON null counts as absence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from evaluator.coerce import find_text
from evaluator.errors import InvalidUser

SCALAR_FIELDS: Final = ("userID", "email", "ip", "userAgent", "country", "locale", "appVersion")
OBJECT_FIELDS: Final = ("customIDs", "custom", "privateAttributes", "statsigEnvironment")
UNITS: Final = frozenset(("userID", "customIDs"))
# How a spec calls the unit ID that is no custom ID, in lower case.
USER_ID: Final = "userid"
EMPTY: Final[Mapping[str, object]] = {}


class User:
    """One user; the object fields are mappings, empty when absent.

    No `__slots__`: CPython makes and frees an object of few attributes quicker without.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    @property
    def custom_ids(self) -> Mapping[str, object]:
        """Return the unit IDs beside the user ID."""
        return self.fields.get("customIDs") or EMPTY

    @property
    def custom(self) -> Mapping[str, object]:
        """Return the fields of the caller's own."""
        return self.fields.get("custom") or EMPTY

    @property
    def private_attributes(self) -> Mapping[str, object]:
        """Return the fields that never leave with an event."""
        return self.fields.get("privateAttributes") or EMPTY

    @property
    def environment(self) -> Mapping[str, object]:
        """Return the user's own environment."""
        return self.fields.get("statsigEnvironment") or EMPTY

    @property
    def attributes(self) -> dict[str, object]:
        """Return the fields that are no unit IDs."""
        return {key: value for key, value in self.fields.items() if key not in UNITS}

    def find_unit_id(self, id_type: str, lowered: str) -> object:
        """Return the raw value of a unit ID, or None."""
        if lowered == USER_ID:
            return self.fields.get("userID")
        ids = self.custom_ids
        return ids[id_type] if id_type in ids else ids.get(lowered)

    def to_loggable(
        self, environment: Mapping[str, object] | None = None, global_custom: Mapping[str, object] = EMPTY
    ) -> dict[str, object]:
        """Return the user as events carry it: without private attributes, environment and global fields filled in."""
        fields = self.fields
        log = {key: value for key in _LOGGED if (value := fields.get(key)) is not None}
        if global_custom:
            log["custom"] = {**global_custom, **self.custom}
        if "statsigEnvironment" not in log and environment is not None:
            log["statsigEnvironment"] = environment
        return log

    def evaluated_keys(self) -> dict[str, object]:
        """Return the IDs that a client response was evaluated for, as texts."""
        keys: dict[str, object] = {}
        user_id = find_text(self.fields.get("userID"))
        if user_id:
            keys["userID"] = user_id
        if self.custom_ids:
            keys["customIDs"] = {name: find_text(value) or "" for name, value in self.custom_ids.items()}
        return keys


_Nothing: Final = type(None)
_LOGGED: Final = tuple(field for field in (*SCALAR_FIELDS, *OBJECT_FIELDS) if field != "privateAttributes")


def decode_user(value: object) -> User:
    """Read a JSON value as a user; raises InvalidUser when its shape is wrong."""
    if not isinstance(value, dict):
        raise InvalidUser("user: must be an object")
    for key in OBJECT_FIELDS:
        if key in value and not isinstance(value[key], (dict, _Nothing)):
            raise InvalidUser(f"user.{key}: must be an object")
    return User(value)
