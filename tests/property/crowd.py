"""Very many users, made quickly: whoever they are, every question about them gets an answer."""

import random
from collections.abc import Sequence
from typing import Any

from evaluator.decode import decode_project
from evaluator.evaluate import check_gate, evaluate_experiment, evaluate_layer
from evaluator.user import OBJECT_FIELDS, SCALAR_FIELDS, decode_user
from evaluator.view import UserView
from tests.property.projects import FIELDS, ID_TYPES, NUMBERS, TEXTS

type Json = dict[str, Any]

NOW_MS = 1_700_000_000_000
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [None, "a", 1],
    {"a": {"b": []}},
    "\ud800",
    "a" * 1_000,
    -(2**70),
    1e308,
)
POOL = (*TEXTS, *NUMBERS, *ODD)
# Half a surrogate pair is no Unicode: the official core does not read it.
UNICODE_POOL = tuple(value for value in POOL if value != "\ud800")
KEYS = (*FIELDS, *ID_TYPES, "tier", "")


def ask_about_crowd(project: Json, seed: int, size: int) -> int:
    """Evaluate something of every kind for that many random users; what is raised is a bug. Returns how many."""
    made = decode_project(project)
    gates, configs, layers = list(made.gates), list(made.configs), list(made.layers)
    dice = random.Random(seed)
    for _ in range(size):
        seen = UserView(made, decode_user(make_user(dice)), NOW_MS)
        check_gate(seen, dice.choice(gates))
        check_gate(seen, dice.choice(gates))
        evaluate_experiment(seen, dice.choice(configs))
        evaluate_layer(seen, dice.choice(layers))
    return size


def make_user(dice: random.Random, pool: Sequence[Any] = POOL) -> Json:
    """Return a user with any values in any fields."""
    user: Json = {field: dice.choice(pool) for field in dice.sample(SCALAR_FIELDS, dice.randint(0, 4))}
    for field in dice.sample(OBJECT_FIELDS, dice.randint(0, 3)):
        user[field] = {key: dice.choice(pool) for key in dice.sample(KEYS, dice.randint(0, 4))}
    return user
