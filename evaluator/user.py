"""A Statsig user, kept as the JSON it came as.

Values stay raw: a number keeps being a number, because conversions depend on it (`coerce`). Unknown top-level keys are
dropped; a JSON null counts as absence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from evaluator.coerce import find_text
from evaluator.errors import InvalidUser

SCALAR_FIELDS: Final = ("userID", "email", "ip", "userAgent", "country", "locale", "appVersion")
OBJECT_FIELDS: Final = ("customIDs", "custom", "privateAttributes", "statsigEnvironment")
EMPTY: Final[Mapping[str, object]] = {}


class User:
    """One user; the object fields are mappings, empty when absent, and `given` tells which were there."""

    __slots__ = ("custom", "custom_ids", "environment", "fields", "private_attributes")

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields
        self.custom_ids = _object_of(fields, "customIDs")
        self.custom = _object_of(fields, "custom")
        self.private_attributes = _object_of(fields, "privateAttributes")
        self.environment = _object_of(fields, "statsigEnvironment")

    def find_unit_id(self, id_type: str, lowered: str) -> object:
        """Return the raw value of a unit ID, or None."""
        if lowered == "userid":
            return self.fields.get("userID")
        ids = self.custom_ids
        return ids[id_type] if id_type in ids else ids.get(lowered)

    def to_loggable(
        self, environment: Mapping[str, object] | None = None, global_custom: Mapping[str, object] = EMPTY
    ) -> dict[str, object]:
        """Return the user as events carry it: without private attributes, environment and global fields filled in."""
        fields = self.fields
        log = {key: fields[key] for key in _LOGGED if fields.get(key) is not None}
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


_LOGGED: Final = tuple(field for field in (*SCALAR_FIELDS, *OBJECT_FIELDS) if field != "privateAttributes")


def decode_user(value: object) -> User:
    """Read a JSON value as a user; raises InvalidUser when its shape is wrong."""
    if not isinstance(value, dict):
        raise InvalidUser("user: must be an object")
    for key in OBJECT_FIELDS:
        part = value.get(key)
        if part is not None and not isinstance(part, dict):
            raise InvalidUser(f"user.{key}: must be an object")
    return User(value)


def _object_of(fields: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = fields.get(key)
    return value if isinstance(value, dict) else EMPTY
