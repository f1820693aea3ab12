"""Users to try a spec with: from a file, or made up so that they get to the rules of a spec.

A file holds users, one JSON object a line or a JSON array of them. A line may also be a logged event, or a whole
`log_event` body as the event sink of `make serve` keeps them: then its users count. Each user counts once.

Users that are made up have every ID that the specs ask for, a different one each, and for each field that a condition
asks a value from the conditions' own targets, or none. The same specs give the same users.
"""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from evaluator.errors import InvalidUser
from evaluator.project import Project
from evaluator.user import SCALAR_FIELDS, User, decode_user
from publisher.exit_codes import Unusable
from publisher.judging.lint import iterate_conditions, iterate_rules
from publisher.sources.pulled import read_bytes

type Json = dict[str, Any]

SEED: Final = 20_240_229
# How often a user has no value for a field.
SHARE_WITHOUT: Final = 0.3
USER_ID: Final = "userid"
# Conditions that ask something of the user by a field's name.
FIELD_CONDITIONS: Final = ("user_field", "ip_based", "ua_based")


def read_users(path: Path) -> list[Json]:
    """Read the users of a file, each once; raises Unusable."""
    users: dict[str, Json] = {}
    for place, value in iterate_values(path, read_bytes(path)):
        for user in find_users(value):
            fields = dict(take_user(f"{path}, {place}", user).fields)
            users.setdefault(json.dumps(fields, sort_keys=True), fields)
    if not users:
        raise Unusable(f"{path} has no users: it needs one JSON object a line, or a JSON array")
    return list(users.values())


def iterate_values(path: Path, content: bytes) -> Iterator[tuple[str, object]]:
    """Yield the JSON values of a file with their places; raises Unusable."""
    if content.lstrip().startswith(b"["):
        values = load(str(path), content)
        yield from ((f"item {number}", one) for number, one in enumerate(values if isinstance(values, list) else [], 1))
        return
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            yield f"line {number}", load(f"{path}, line {number}", line)


def load(place: str, content: bytes) -> object:
    """Read JSON; raises Unusable."""
    try:
        return json.loads(content)
    except ValueError as problem:
        raise Unusable(f"{place} is not JSON: {problem}") from problem


def find_users(value: object) -> Iterator[object]:
    """Yield the users of a value: a user, an event, or a body of events."""
    if isinstance(value, dict) and isinstance(value.get("events"), list):
        yield from (event["user"] for event in value["events"] if isinstance(event, dict) and event.get("user"))
    elif isinstance(value, dict) and "user" in value:
        yield value["user"]
    else:
        yield value


def take_user(place: str, user: object) -> User:
    """Return a value as a user; raises Unusable when it is none."""
    try:
        return decode_user(user)
    except InvalidUser as problem:
        raise Unusable(f"{place}: {problem}") from problem


def make_users(projects: Iterable[Project], count: int) -> list[Json]:
    """Make up users for some specs."""
    dice = random.Random(SEED)  # noqa: S311 a sample is no secret
    known = list(projects)
    id_types = sorted({one for project in known for one in find_id_types(project)})
    fields: dict[str, list[object]] = {}
    for project in known:
        for name, values in find_targets(project).items():
            fields.setdefault(name, []).extend(one for one in values if one not in fields.get(name, []))
    return [make_user(dice, number, id_types, fields) for number in range(count)]


def find_id_types(project: Project) -> Iterator[str]:
    """Yield the ID types that rules and conditions ask, but for the user ID."""
    asked = [place.rule.get("idType") for place in iterate_rules(project)]
    asked += [condition.get("idType") for _place, _reference, condition in iterate_conditions(project)]
    yield from (one for one in asked if isinstance(one, str) and one and one.lower() != USER_ID)


def find_targets(project: Project) -> dict[str, list[object]]:
    """Return, by field, the values that conditions compare it with."""
    fields: dict[str, list[object]] = {}
    for _place, _reference, condition in iterate_conditions(project):
        name, target = condition.get("field"), condition.get("targetValue")
        if condition.get("type") in FIELD_CONDITIONS and isinstance(name, str):
            fields.setdefault(name, []).extend(target if isinstance(target, list) else [target])
    return fields


def make_user(dice: random.Random, number: int, id_types: Iterable[str], fields: Mapping[str, list[object]]) -> Json:
    """Make up one user."""
    user: Json = {"userID": f"user-{number:06}", "customIDs": {one: f"{one}-{number:06}" for one in id_types}}
    custom: Json = {}
    for name, values in fields.items():
        if values and dice.random() >= SHARE_WITHOUT:
            value = dice.choice(values)
            if name in SCALAR_FIELDS:
                user.setdefault(name, None if value is None else str(value))
            elif value is not None:
                custom[name] = value
    return {**user, "custom": custom}
