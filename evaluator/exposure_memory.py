"""What was exposed lately: what makes an exposure the same as an earlier one, and for how long.

An exposure is known by the units of its user and by what was said; other attributes do not count. All is forgotten when
its window has passed, or when it has become too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.coerce import write_json

if TYPE_CHECKING:
    from evaluator.user import User
    from evaluator.view import UserView

# What an evaluation said, written as one text: name, rule ID, and its value or the parameter read.
type Answer = str
# A dictionary in place of a set: the garbage collector does not visit one of texts, and there is one for each user.
type Answers = dict[Answer, None]

MOST_KEYS: Final = 100_000


class Memory:
    """What was exposed lately, and how much was left out because of that; it may outlive the logs that share it."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.sampled = Window()
        self.deduplicated = 0
        self.sampled_out = 0


class Window:
    """A set of keys that is emptied when its window has passed or it is full."""

    def __init__(self) -> None:
        self._until_ms = -1
        self._keys: set[tuple[str, str]] = set()

    def add(self, key: tuple[str, str], now_ms: int, window_ms: int) -> bool:
        """Add a key; False when it was there."""
        keys = self._keys
        if now_ms > self._until_ms or len(keys) >= MOST_KEYS:
            self._until_ms = now_ms + window_ms
            keys.clear()
        known = len(keys)
        keys.add(key)
        return len(keys) > known


class Seen:
    """Which answers were exposed for which units.

    Checks come in runs of one view. What a run needs is looked up when it begins: whether the window has passed or too
    many answers are kept, and with its first check by an ID type the answers known of these units.
    """

    def __init__(self) -> None:
        self.view: UserView | None = None
        # Of the view's user, by ID type.
        self.answers: dict[str | None, Answers] = {}
        self.count = 0
        self._until_ms = -1
        self._by_units: dict[str, Answers] = {}

    def begin(self, view: UserView, window_ms: int) -> None:
        """Begin a run of checks."""
        if view.now_ms > self._until_ms or self.count >= MOST_KEYS:
            self._until_ms = view.now_ms + window_ms
            self._by_units = {}
            self.count = 0
        self.view, self.answers = view, {}

    def find_answers(self, view: UserView, id_type: str | None) -> Answers:
        """Return the answers known of the units that an ID type means; it is added to."""
        answers = self.answers[id_type] = self._by_units.setdefault(write_units(view.user, id_type), {})
        return answers

    def add(self, view: UserView, id_type: str | None, answer: Answer) -> bool:
        """Add an answer to a view whose run has begun; False when it was there."""
        answers = self.answers.get(id_type)
        if answers is None:
            answers = self.find_answers(view, id_type)
        if answer in answers:
            return False
        answers[answer] = None
        self.count += 1
        return True


def write_units(user: User, id_type: str | None) -> str:
    """Return a user's IDs as one text: user ID, stable ID, the unit, and all custom IDs in order."""
    unit = None if id_type is None else user.find_unit_id(id_type, id_type.lower())
    stable = user.find_unit_id("stableID", "stableid")
    known = (write_json(user.fields.get("userID")), write_json(stable), write_json(unit))
    custom = user.custom_ids
    return ",".join((*known, *sorted([write_json(value) for value in custom.values()])) if custom else known)
