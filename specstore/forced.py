"""The overrides beside a spec: values forced for everyone or for one ID, the switch of the person on call.

The entry is JSON, because people write it:

    {"gates": {"checkout": {"all": false, "ids": {"user-1": true}}},
     "configs": {"banner": {"all": {"value": {"text": "closed"}}}},
     "experiments": {"button": {"ids": {"user-1": {"group": "Control"}}}},
     "layers": {}, "note": "checkout is down"}

`all` is for everyone; an ID in `ids` is a user ID or any custom ID and goes before `all`. A gate is forced to true or
false, the others to a value, an experiment also to a group by its name. What is not understood is refused whole, since
a misspelt override would leave a gate open that someone believes shut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import loads
from typing import TYPE_CHECKING, Final, NamedTuple

from evaluator.nesting import is_nested_too_deeply
from evaluator.overrides import GroupName, Overrides
from specstore.frame import InvalidEntry

if TYPE_CHECKING:
    from evaluator.overrides import Forced

# Section → the kinds of question it answers; an experiment may also be asked for as a config, and a config so.
_KINDS: Final = {
    "gates": ("gate",),
    "configs": ("config", "experiment"),
    "experiments": ("config", "experiment"),
    "layers": ("layer",),
}


class Setting(NamedTuple):
    """One forced value; `unit_id` is None for everyone."""

    section: str
    name: str
    unit_id: str | None
    value: Forced


class ForcedValues(NamedTuple):
    """The overrides as the evaluator takes them, what they are, and what was noted with them."""

    overrides: Overrides
    settings: tuple[Setting, ...]
    note: str


def decode_overrides(entry: bytes) -> ForcedValues:
    """Read the value of the overrides' key; raises InvalidEntry naming everything that does not fit."""
    document = decode_json(entry)
    faults: list[str] = []
    settings: list[Setting] = []
    for found in read_sections(document):
        if isinstance(found, Setting):
            settings.append(found)
        else:
            faults.append(f"overrides{found}")
    if faults:
        raise InvalidEntry("; ".join(faults))
    return ForcedValues(force_all(settings), tuple(settings), str(document.get("note", "")))


def decode_json(entry: bytes) -> Mapping[str, object]:
    """Decode the JSON object of an entry; raises InvalidEntry."""
    if is_nested_too_deeply(entry):
        raise InvalidEntry("overrides: nested too deeply")
    try:
        document = loads(entry)
    except (ValueError, RecursionError) as problem:
        raise InvalidEntry(f"overrides: not JSON: {problem}") from None
    if not isinstance(document, dict):
        raise InvalidEntry("overrides: must be an object")
    return document


def read_sections(document: Mapping[str, object]) -> Iterator[Setting | str]:
    """Yield every forced value, and for what does not fit its path and what is wrong with it."""
    for section, named in document.items():
        if section == "note":
            if not isinstance(named, str):
                yield ".note: must be a text"
        elif section not in _KINDS:
            yield f".{section}: is none of {', '.join(_KINDS)}, note"
        elif not isinstance(named, dict):
            yield f".{section}: must be an object"
        else:
            for name, forced in named.items():
                yield from read_forced(section, name, forced)


def read_forced(section: str, name: str, forced: object) -> Iterator[Setting | str]:
    """Yield what is forced under one name."""
    path = f".{section}.{name}"
    if not isinstance(forced, dict) or not forced or forced.keys() - {"all", "ids"}:
        yield f"{path}: must be an object with all, ids or both"
        return
    if "all" in forced:
        yield read_value(f"{path}.all", Setting(section, name, None, value=False), forced["all"])
    ids = forced.get("ids", {})
    if not isinstance(ids, dict):
        yield f"{path}.ids: must be an object"
        return
    for unit_id, value in ids.items():
        yield read_value(f"{path}.ids.{unit_id}", Setting(section, name, unit_id, value=False), value)


def read_value(path: str, setting: Setting, value: object) -> Setting | str:
    """Return the setting with its value, or what is wrong with that."""
    if setting.section == "gates":
        return setting._replace(value=value) if isinstance(value, bool) else f"{path}: must be true or false"
    if isinstance(value, dict) and len(value) == 1:
        parameters, group = value.get("value"), value.get("group")
        if isinstance(parameters, dict):
            return setting._replace(value=parameters)
        if isinstance(group, str) and setting.section == "experiments":
            return setting._replace(value=GroupName(group))
    wanted = ' or {"group": "…"}' if setting.section == "experiments" else ""
    return f'{path}: must be {{"value": {{…}}}}{wanted}'


def force_all(settings: list[Setting]) -> Overrides:
    """Return the table of forced values that evaluation takes."""
    overrides = Overrides()
    for setting in settings:
        for kind in _KINDS[setting.section]:
            overrides.force(kind, setting.name, setting.value, setting.unit_id)
    return overrides
