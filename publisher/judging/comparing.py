"""Two specs side by side: what changed in them, and what changes for users.

An entity is asked about when anything that its evaluation may need differs (`specstore.closure`), so that a change of a
segment shows at every gate that asks it. A user changes group when the value differs, or, but for gates, the rule or
the group behind it: a gate has no groups beside true and false.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from evaluator.evaluate import evaluate_config, evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.options import Options
from evaluator.project import Project
from evaluator.user import decode_user
from evaluator.view import UserView
from specstore.closure import CONFIG, GATE, LAYER, Question, Tables
from specstore.cut import write_records

type Json = Mapping[str, Any]

EXPERIMENT: Final = "experiment"
EVALUATE: Final = {
    GATE: evaluate_gate,
    CONFIG: evaluate_config,
    EXPERIMENT: evaluate_experiment,
    LAYER: evaluate_layer,
}
EXAMPLES: Final = 3
INDIRECT: Final = "indirect"


class Side(NamedTuple):
    """One of the two specs, with the hashes of its ID lists by name."""

    project: Project
    lists: Mapping[str, frozenset[str]]


class Answer(NamedTuple):
    """What one user gets."""

    value: object
    rule: str
    group: str | None

    def differs(self, other: "Answer", kind: str) -> bool:
        """Tell whether the user changes group."""
        return self.value != other.value or (kind != GATE and self[1:] != other[1:])


class Example(NamedTuple):
    """A user that changes."""

    user: Json
    old: Answer
    new: Answer


class Difference(NamedTuple):
    """A part of an entity that changed; None where there is none."""

    path: str
    old: object
    new: object


@dataclass(slots=True)
class Change:
    """One entity: `how` is added, removed, changed, or indirect (something that it asks changed)."""

    kind: str
    name: str
    how: str
    differences: Sequence[Difference] = ()
    users: int = 0
    examples: list[Example] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Return it as `--json` has it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "change": self.how,
            "differences": [one._asdict() for one in self.differences],
            "users_changed": self.users,
            "examples": [
                {"user": one.user, "old": one.old._asdict(), "new": one.new._asdict()} for one in self.examples
            ],
        }


class Comparison(NamedTuple):
    """Everything that changed, and for how many of the users anything did."""

    changes: list[Change]
    users: int
    users_changed: int


def compare(old: Side, new: Side, users: Iterable[Json], now_ms: int) -> Comparison:
    """Compare two specs, and what some users get from them at one instant."""
    changes = list(find_changes(old.project, new.project))
    changed = [compare_user(old, new, user, changes, now_ms) for user in users]
    ordered = sorted(changes, key=lambda one: (one.how == INDIRECT, -one.users, one.kind, one.name))
    return Comparison(ordered, len(changed), sum(changed))


# ------------------------------------------------------------------ entities


def find_changes(old: Project, new: Project) -> Iterator[Change]:
    """Yield every entity that differs, or asks something that does."""
    before, after = hash_closures(old), hash_closures(new)
    for question in sorted(before.keys() | after.keys()):
        if before.get(question) == after.get(question):
            continue
        kind, name = question
        old_spec, new_spec = resolve(old, question), resolve(new, question)
        differences = list(find_differences("", old_spec, new_spec)) if old_spec and new_spec else []
        how = "changed" if differences else INDIRECT
        if not old_spec or not new_spec:
            how = "added" if new_spec else "removed" if old_spec else INDIRECT
        entity = (new_spec or old_spec).get("entity")
        yield Change(EXPERIMENT if kind == CONFIG and entity == EXPERIMENT else kind, name, how, differences)


def hash_closures(project: Project) -> dict[Question, int]:
    """Return what stands for everything that an entity's evaluation may need, by entity; equal within one run."""
    tables = Tables(project)
    texts = write_records(tables, project)
    return {
        one: hash(frozenset((record, texts[record]) for record in tables.find_closure(one)))
        for one in tables.list_questions()
    }


def resolve(project: Project, question: Question) -> Json:
    """Return an entity with its conditions in its rules, and those by their IDs; empty when there is none."""
    kind, name = question
    section = project.gates if kind == GATE else project.layers if kind == LAYER else project.configs
    spec = section.get(name)
    if not isinstance(spec, dict):
        return {}
    rules: dict[str, object] = {}
    for rule in spec["rules"]:
        label = str(rule.get("name") or rule["id"])
        while label in rules:
            label += "'"
        rules[label] = {**rule, "conditions": [project.find_condition(one) for one in rule["conditions"]]}
    return {**spec, "rules": rules, "order of rules": list(rules)}


def find_differences(path: str, old: object, new: object) -> Iterator[Difference]:
    """Yield the parts that differ: objects are compared member by member, anything else as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from find_differences(f"{path}.{key}".removeprefix("."), old.get(key), new.get(key))
    elif json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True):
        yield Difference(path, old, new)


# ------------------------------------------------------------------ users


def compare_user(old: Side, new: Side, user: Json, changes: Sequence[Change], now_ms: int) -> bool:
    """Note what changes for one user; tells whether anything does."""
    before, after = view_user(old, user, now_ms), view_user(new, user, now_ms)
    is_changed = False
    for change in changes:
        was, is_now = ask(before, change), ask(after, change)
        if was.differs(is_now, change.kind):
            is_changed = True
            change.users += 1
            if len(change.examples) < EXAMPLES:
                change.examples.append(Example(identify(user), was, is_now))
    return is_changed


def view_user(side: Side, user: Json, now_ms: int) -> UserView:
    """Return the view of a user on one side."""
    return UserView(side.project, decode_user(user), now_ms, Options(id_lists=side.lists))


def ask(view: UserView, change: Change) -> Answer:
    """Return what a user gets."""
    found = EVALUATE[change.kind](view, change.name)
    return Answer(found.value, found.rule_id, found.group_name)


def identify(user: Json) -> Json:
    """Return what tells a user from others, and nothing else of them."""
    return {key: user[key] for key in ("userID", "customIDs") if user.get(key)}
