"""Narrow a spec to a target app: less to publish, and nothing of the other apps at the edge.

What belongs to the app by its `targetAppIDs` stays, with everything that its evaluation may ask (`specstore.closure`):
the gates that conditions name, delegates, the config mapping. A spec that names no apps belongs to none, as in client
responses.
"""

from collections.abc import Mapping
from typing import cast

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from publisher.exit_codes import Failed
from specstore.closure import CONDITIONS, CONFIGS, GATES, LAYERS, Record, Tables

SECTIONS = (GATES, CONFIGS, LAYERS)


def filter_app(document: Mapping[str, object], app: str) -> dict[str, object]:
    """Return the part of a spec document that an app needs, in the same form; raises Failed when it is no spec."""
    try:
        tables = Tables(decode_project(document))
    except InvalidSpec as problem:
        raise Failed(f"what came is not a spec: {problem}") from problem
    asked = [one for one in tables.list_questions() if is_for_app(tables, one.kind, one.name, app)]
    kept = frozenset[Record]().union(*map(tables.find_closure, asked))
    narrowed = dict(document)
    for section in SECTIONS:
        narrowed[section] = filter_section(document[section], {one.name for one in kept if one.section == section})
    conditions = document.get(CONDITIONS)
    if isinstance(conditions, dict):
        narrowed[CONDITIONS] = filter_section(conditions, {one.name for one in kept if one.section == CONDITIONS})
    return narrowed


def is_for_app(tables: Tables, kind: str, name: str, app: str) -> bool:
    """Tell whether an entity names the app."""
    section = {"gate": GATES, "config": CONFIGS, "layer": LAYERS}[kind]
    spec = tables.sections[section].get(name)
    apps = spec.get("targetAppIDs") if isinstance(spec, dict) else None
    return isinstance(apps, list) and app in apps


def filter_section(section: object, names: set[str]) -> object:
    """Keep the members with these names, of an object (v2) or of an array of specs (v1)."""
    if isinstance(section, dict):
        return {name: spec for name, spec in section.items() if name in names}
    return [spec for spec in cast("list[dict[str, object]]", section) if spec["name"] in names]
