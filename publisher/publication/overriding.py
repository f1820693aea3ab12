"""Change the overrides beside a spec, one forced value at a time.

People may have written the entry by hand (`specstore.forced`), so what is not touched stays as it is. It is written
over the generation that was read; when somebody else was quicker, it is read and changed again.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, NamedTuple

from publisher.exit_codes import Conflict, Unusable
from publisher.publication.marks import encode_mark, make_mark
from publisher.publication.reading_back import read_back
from publisher.stores.port import Item, Store
from specstore.forced import ForcedValues, decode_json, decode_overrides
from specstore.frame import InvalidEntry
from specstore.keys import overrides_key
from specstore.limits import Write

SECTIONS: Final = {"gate": "gates", "config": "configs", "experiment": "experiments", "layer": "layers"}
TRIES: Final = 5

type Document = dict[str, Any]
type Change = Callable[[Document], Document]


class Found(NamedTuple):
    """The overrides as they are: the document, and what it forces."""

    document: Document
    forced: ForcedValues
    item: Item | None


def read_overrides(store: Store, spec_key: str) -> Found:
    """Read the overrides; raises Unusable when they are not understood."""
    item = store.find(overrides_key(spec_key))
    value = b"{}" if item is None else item.value
    try:
        return Found(dict(decode_json(value)), decode_overrides(value), item)
    except InvalidEntry as problem:
        raise Unusable(
            f"{overrides_key(spec_key)} is not understood, so services keep what was in force before: {problem}. "
            "gatelet override clear --all begins anew"
        ) from problem


def change_overrides(store: Store, spec_key: str, change: Change) -> Found:
    """Change the overrides; raises Unusable, Conflict, StoreProblem."""
    for _ in range(TRIES):
        found = read_overrides(store, spec_key)
        document = change(deepcopy(found.document))
        if write_overrides(store, spec_key, document, found.item):
            return Found(document, decode_overrides(encode(document)), None)
    raise Conflict("somebody else keeps changing the overrides: try again")


def clear_all(store: Store, spec_key: str) -> None:
    """Force nothing any more, whatever the entry holds; raises Conflict, StoreProblem."""
    if not write_overrides(store, spec_key, {}, store.find(overrides_key(spec_key))):
        raise Conflict("somebody else has changed the overrides meanwhile: try again")


def write_overrides(store: Store, spec_key: str, document: Document, before: Item | None) -> bool:
    """Write the overrides if they are still what was read, and read them back; raises Unusable, StoreProblem."""
    value = encode(document)
    try:
        decode_overrides(value)
    except InvalidEntry as problem:
        raise Unusable(str(problem)) from problem
    entry = Write(overrides_key(spec_key), value, encode_mark(make_mark(value, 0)))
    over = None if before is None else before.generation
    if not store.replace(entry, over):
        return False
    read_back(store, entry, over)
    return True


def encode(document: Document) -> bytes:
    """Write the overrides as people would."""
    return json.dumps(document, indent=2).encode()


def force(kind: str, name: str, unit_id: str | None, value: object, note: str | None) -> Change:
    """Return the change that forces a value for everyone (no unit ID) or for one ID."""

    def change(document: Document) -> Document:
        named = document.setdefault(SECTIONS[kind], {}).setdefault(name, {})
        if unit_id is None:
            named["all"] = value
        else:
            named.setdefault("ids", {})[unit_id] = value
        return document if note is None else {**document, "note": note}

    return change


def release(kind: str, name: str, unit_id: str | None) -> Change:
    """Return the change that takes back what is forced under a name, or for one ID; raises Unusable when nothing is."""

    def change(document: Document) -> Document:
        section = document.get(SECTIONS[kind], {})
        if name not in section or (unit_id is not None and unit_id not in section[name].get("ids", {})):
            raise Unusable(f"nothing is forced for the {kind} {name}" + (f" and {unit_id}" if unit_id else ""))
        if unit_id is not None:
            del section[name]["ids"][unit_id]
        if unit_id is None or not (section[name]["ids"] or "all" in section[name]):
            del section[name]
        kept = {key: value for key, value in document.items() if value != {}}
        return {} if kept.keys() <= {"note"} else kept

    return change
