"""Which entities a client key may see: what the spec says of the key, as one value that every route asks.

A spec can give a key to a target app, by a table of keys and by the apps of each entity; and it can list for a key the
gates and the configs that it gets (`hashed_sdk_keys_to_entities`). Of a key with both, an entity must pass both. The
list has no layers and no parameter stores: those follow the app alone, as in Statsig's Node SDK.

Values are taken for objects when they are a `dict`: the first look of a sandbox whether one is a `Mapping` takes longer
than the next, by which a client could tell an entity that it may not see from one that is not there.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from evaluator.bucketing import hash_djb2
from evaluator.client_response import ResponseOptions, find_target_app
from evaluator.coerce import find_text
from evaluator.conditions import GATE
from evaluator.evaluate import LAYER
from evaluator.project import Project

LISTS: Final = "hashed_sdk_keys_to_entities"

type Names = frozenset[str]


@dataclass(slots=True)
class Sight:
    """The app and the names that a key is held to; None where it is not."""

    app: str | None = None
    gates: Names | None = None
    configs: Names | None = None  # dynamic configs, experiments, autotunes, bandits

    def lists(self, kind: str, name: str) -> bool:
        """Tell whether the names that a key is held to have this one."""
        names = self.gates if kind == GATE else None if kind == LAYER else self.configs
        return names is None or name in names

    def shows(self, kind: str, name: str, document: object) -> bool:
        """Tell whether an entity may be seen; `document` is what the spec says of it, None when it has none."""
        return self.lists(kind, name) and (self.app is None or is_for_app(document, self.app))


@cache
def options_of(key: str) -> ResponseOptions:
    """Return what finds the app of a client key; made once for each of the few keys that open the service."""
    return ResponseOptions(client_key=key)


def find_sight_of_key(project: Project, key: str) -> Sight | None:
    """Return what a client key may see; None when it may see everything."""
    return find_sight(project, key, find_text(find_target_app(project, options_of(key))))


def find_sight(project: Project, key: str, app: str | None) -> Sight | None:
    """Return what a client key of an app may see; None when it may see everything."""
    lists = project.document.get(LISTS)
    listed = lists.get(hash_djb2(key)) if isinstance(lists, dict) and lists else None
    if listed is None:
        return None if app is None else Sight(app)
    return Sight(app, read_names(listed, "gates"), read_names(listed, "configs"))


def read_names(listed: object, kind: str) -> Names:
    """Return the names that a list has of a kind; what is no list of names shows nothing."""
    names = listed.get(kind) if isinstance(listed, dict) else None
    return frozenset(one for one in names if isinstance(one, str)) if isinstance(names, list) else frozenset()


def is_for_app(document: object, app: str) -> bool:
    """Tell whether an entity belongs to a target app; one that names no apps then belongs to none."""
    apps = document.get("targetAppIDs") if isinstance(document, dict) else None
    return isinstance(apps, list) and app in apps
