"""What keys that are held to a part of a spec see of it, so that a reader need not touch what they may not see.

A client key may belong to a target app, or have a list of gates and configs, and must not learn of an entity outside,
not even by how long an answer takes. Which apps see an entity stands in its record; but the record has a length, and so
has the page it lies in. So a sight says beforehand which entities a reader may look for: one for each app, and `layers`
for keys with a list, which have none of layers.

A sight is a page without entities. Its records are members as those of an ID list: sorted, the first 6 bytes of the
SHA-256 of kind, slash and name. A chance match does no harm: the record is still asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from specstore.closure import BANDITS, CONFIG, CONFIGS, GATE, GATES, LAYER, LAYERS, Question, Tables
from specstore.frame import PAGE, seal
from specstore.idlists import MEMBER_BYTES, holds

if TYPE_CHECKING:
    from specstore.pages import Page

KEY_TABLES: Final = ("sdk_keys_to_app_ids", "hashed_sdk_keys_to_app_ids", "hashed_sdk_keys_to_entities")
ALL_LAYERS: Final = "layers"
# Where the spec of a question stands; a contextual bandit goes before the config of its name.
_SECTIONS_OF: Final = {GATE: (GATES,), CONFIG: (BANDITS, CONFIGS), LAYER: (LAYERS,)}


def name_app(app: str) -> str:
    """Return the name of the sight of an app."""
    return f"app {app}"


def write_sights(document: Mapping[str, object], tables: Tables) -> dict[str, bytes]:
    """Write the sights that keys of a document may need, by name; none for a document that holds no key to a part."""
    if document.get("app_id") is None and not any(document.get(table) for table in KEY_TABLES):
        return {}
    seen: dict[str, set[bytes]] = {ALL_LAYERS: set()}
    for question in tables.list_questions():
        member = find_member(*question)
        if question.kind == LAYER:
            seen[ALL_LAYERS].add(member)
        for app in list_apps(tables, question):
            seen.setdefault(name_app(app), set()).add(member)
    return {name: seal(PAGE, b"", b"".join(sorted(members))) for name, members in seen.items()}


def list_apps(tables: Tables, question: Question) -> Iterator[str]:
    """Yield the apps that see an entity."""
    sections = (tables.sections[section] for section in _SECTIONS_OF[question.kind])
    spec = next((section[question.name] for section in sections if section.get(question.name)), None)
    apps = spec.get("targetAppIDs") if isinstance(spec, Mapping) else None
    yield from (app for app in apps if isinstance(app, str)) if isinstance(apps, list) else ()


def find_member(kind: str, name: str) -> bytes:
    """Return what stands for an entity in a sight."""
    return sha256(f"{kind}/{name}".encode("utf-8", "surrogatepass")).digest()[:MEMBER_BYTES]


def sees(sight: Page, kind: str, name: str) -> bool:
    """Tell whether a sight has an entity."""
    return holds(sight.entry[sight.start :], find_member(kind, name))
