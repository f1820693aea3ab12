"""A value of a TOML table: read by the fields of its class, whose defaults say the types.

A field that is a `Secret` stands in the table as `NAME_env` and `NAME_file`. A key that is not known is refused by
name, so that a typing error does not go unseen; so is a secret itself, also one inside an address.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, cast

from publisher.exit_codes import Unusable
from publisher.profiles.secret import Secret

# Words for which a key of the file would hold a secret itself.
_SECRETS: Final = frozenset({"token", "key", "password", "secret", "server_secret", "client_key"})


def decode_table[T](place: str, table: object, kind: type[T], folder: Path) -> T:
    """Make a value of a table by the fields of its class; raises Unusable naming what does not fit."""
    if not isinstance(table, dict):
        raise Unusable(f"{place} must be a table")
    defaults = {one.name: getattr(kind(), one.name) for one in fields(cast("Any", kind))}
    secrets = {name: default for name, default in defaults.items() if isinstance(default, Secret)}
    plain = defaults.keys() - secrets.keys()
    known = [*sorted(plain), *(f"{name}_{way}" for name in sorted(secrets) for way in ("env", "file"))]
    for key in table:
        if key in secrets or (key in _SECRETS and key not in plain):
            raise Unusable(f"{place}.{key}: no secret may stand in the file; name its variable with {key}_env")
        if key not in known:
            raise Unusable(f"{place}.{key} is not known; it has {', '.join(known)}")
    values: dict[str, object] = {
        name: decode_value(f"{place}.{name}", table[name], defaults[name], folder) for name in plain & table.keys()
    }
    values |= {name: decode_secret(place, name, table, default, folder) for name, default in secrets.items()}
    return kind(**values)


def decode_value(place: str, value: object, default: object, folder: Path) -> object:
    """Make one value, of the type that its default has; raises Unusable."""
    if default is None or isinstance(default, Path):
        return folder / decode_text(place, value)
    if isinstance(default, tuple):
        if not isinstance(value, list) or not value:
            raise Unusable(f"{place} must be an array of texts")
        return tuple(decode_text(f"{place}[{index}]", one) for index, one in enumerate(value))
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise Unusable(f"{place} must be true or false")
        return value
    return decode_text(place, value)


def decode_secret(place: str, name: str, table: Mapping[str, object], default: Secret, folder: Path) -> Secret:
    """Make the place of a secret; raises Unusable. Naming a file alone leaves the usual variable out."""
    env, file = table.get(f"{name}_env"), table.get(f"{name}_file")
    if env is None and file is None:
        return default
    return Secret(
        default.label,
        "" if env is None else decode_text(f"{place}.{name}_env", env),
        None if file is None else folder / decode_text(f"{place}.{name}_file", file),
    )


def decode_text(place: str, value: object) -> str:
    """Return a text; raises Unusable, also for an address that holds a password."""
    if not isinstance(value, str):
        raise Unusable(f"{place} must be a text")
    if has_secret(value):
        raise Unusable(f"{place}: the address holds a name or password; no secret may stand in the file")
    return value


def has_secret(address: str) -> bool:
    """Tell whether an address holds a name or password."""
    return "@" in address.partition("://")[2].partition("/")[0]
