"""Condition types: where the left-hand value of a condition comes from.

A source is a function of a view of the user. `SOURCES` maps a condition type to the maker of its source; the types that
walk other specs (`pass_gate`, `fail_gate`, `experiment_group`) are prepared in `prepare`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from evaluator.bucketing import USER_BUCKETS, to_bytes, unpack_number
from evaluator.coerce import Instant, find_text
from evaluator.country import find_country
from evaluator.units import find_unit, make_unit_source
from evaluator.user_agent import find_user_agent_field

if TYPE_CHECKING:
    from evaluator.spec import Source
    from evaluator.view import UserView

ABSENT: Final = object()
BUCKET: Final = "user_bucket"

_BUILT_IN: Final = {
    "userid": "userID",
    "email": "email",
    "ip": "ip",
    "country": "country",
    "locale": "locale",
    "appversion": "appVersion",
    "useragent": "userAgent",
}
ALIASES: Final = {"user_id": "userID", "app_version": "appVersion", "user_agent": "userAgent"}


def find_field(field: str, absent: object = None) -> Source:
    """Return the source that looks a field up in the order of the core; `absent` is for what nobody has.

    A null in `custom` ends the search.
    """
    return _USUAL[field] if absent is None and field in _USUAL else _make_field_source(field, absent)


def _make_field_source(field: str, absent: object = None) -> Source:
    built_in = _BUILT_IN.get(field.lower())
    find_other = _find_other_field(field, absent)
    if built_in is None:
        return find_other

    def source(view: UserView) -> object:
        value = view.user.fields.get(built_in)
        if value is not None and (value if type(value) is str else find_text(value)):
            return value
        return find_other(view)

    return source


def _find_other_field(field: str, absent: object) -> Source:
    """Return the source that looks a field up among those of the caller's own."""
    lowered = field.lower()
    alias = ALIASES.get(lowered)

    def source(view: UserView) -> object:
        fields, shared = view.user.fields, view.options.global_custom
        if shared or "custom" in fields or "privateAttributes" in fields:
            for others in fields.get("custom"), shared, fields.get("privateAttributes"):
                if others:
                    if field in others:
                        return others[field]
                    if lowered in others:
                        return others[lowered]
        value = None if alias is None else fields.get(alias)
        return absent if value is None else value

    return source


# Of the fields that most conditions read: made once, because making one costs as much as reading three.
_USUAL: Final = {field: _make_field_source(field) for field in _BUILT_IN.values()}


def read_user_field(condition: Mapping[str, object]) -> Source:
    """Read a field of the user."""
    field = condition.get("field")
    return read_nothing if field is None else find_field(str(field))


def read_country(condition: Mapping[str, object]) -> Source:
    """Read a field of the user; a country that nobody has is looked up by IP address."""
    return _read_or(condition, "ip", lambda field, ip: find_country(ip) if field == "country" else None)


def read_user_agent(condition: Mapping[str, object]) -> Source:
    """Read a field of the user; what nobody has is parsed from the user agent."""
    return _read_or(condition, "userAgent", lambda field, agent: find_user_agent_field(agent, field))


def _read_or(condition: Mapping[str, object], attribute: str, look_up: Callable[[str, str], str | None]) -> Source:
    field = condition.get("field")
    if field is None:
        return read_nothing
    name = str(field)
    find_own, find_other = find_field(name, ABSENT), find_field(attribute)

    def source(view: UserView) -> object:
        value = find_own(view)
        if value is not ABSENT:
            return value
        text = find_text(find_other(view))
        return None if text is None else look_up(name, text)

    return source


def read_environment(condition: Mapping[str, object]) -> Source:
    """Read a field of the environment: the user's own, else that of the evaluating side."""
    field = condition.get("field")
    if field is None:
        return read_nothing
    name = str(field)

    def source(view: UserView) -> object:
        own = view.user.environment
        if name in own:
            return own[name]
        shared = view.environment or {}
        return shared[name] if name in shared else shared.get(name.lower())

    return source


def read_now(_condition: Mapping[str, object]) -> Source:
    """Read the instant of the view."""
    return lambda view: Instant(view.now_ms)


def read_bucket(condition: Mapping[str, object]) -> Source:
    """Hash the unit ID with the condition's salt into a bucket from 0 to 999."""
    additional = condition.get("additionalValues")
    salt = additional.get("salt", "") if isinstance(additional, dict) else ""
    prefix = to_bytes(f"{salt}.")
    unit = find_unit(find_id_type(condition))

    def source(view: UserView) -> object:
        memo = view.memo
        if unit not in memo:
            memo[unit] = unit.convert(unit.source(view))
        number: int = unpack_number(sha256(prefix + memo[unit]).digest())[0]  # `hash_text`, for a step less
        return number % USER_BUCKETS

    return source


def read_unit_id(condition: Mapping[str, object]) -> Source:
    """Read the unit ID of the condition's ID type."""
    return make_unit_source(find_id_type(condition))


def find_id_type(condition: Mapping[str, object]) -> str:
    """Return the ID type of a condition; anything may stand in its place."""
    return str(condition.get("idType") or "")


def read_target_app(_condition: Mapping[str, object]) -> Source:
    """Read the app that is evaluated for."""
    return lambda view: view.app_id


def read_nothing(_view: UserView) -> object:
    """Read a condition without a field: always missing."""
    return None


SOURCES: Final[dict[str, Callable[[Mapping[str, object]], Source]]] = {
    "user_field": read_user_field,
    "ip_based": read_country,
    "ua_based": read_user_agent,
    "environment_field": read_environment,
    "current_time": read_now,
    BUCKET: read_bucket,
    "unit_id": read_unit_id,
    "target_app": read_target_app,
}
