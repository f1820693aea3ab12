"""One user at one instant, with everything derived from them kept.

All checks of a request share a view: a field is looked up and converted once, a nested gate walked once. A view is
valid for one spec and one instant only; make one per request.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from evaluator.errors import EvaluationDepthExceeded
from evaluator.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluator.explain import Trace
    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Reading
    from evaluator.user import User

NO_OPTIONS: Final = Options()
MOST_NESTED: Final = 301
MOST_CIRCLES: Final = 1_000
# Where a view keeps the app that its caller set.
_APP_ID: Final = object()
# Where a view keeps what its user's attributes are known by.
_ATTRIBUTES: Final = object()
# Where a view counts the circles that did not end a question.
_CIRCLES: Final = object()


class UserView:
    """`now_ms` is the instant, in milliseconds since 1970; `trace` records the walks for `explain`."""

    __slots__ = ("depth", "groups", "memo", "now_ms", "options", "project", "surroundings", "trace", "user")

    def __init__(self, project: Project, user: User, now_ms: int, options: Options = NO_OPTIONS) -> None:
        self.project = project
        self.user = user
        self.now_ms = now_ms
        self.options = options
        # The experiments whose group a condition asked for, with what they came to, until an exposure log takes them.
        self.groups: list[tuple[str, Outcome]] | None = None
        # How deep the walk is in nested specs.
        self.depth = 0
        self.trace: Trace | None = None
        # A config mapping, overrides or a trace have a say in every walk; false without any.
        self.surroundings: object = project.mappings or options.overrides
        # What is known of the user: under a reading what it gave, under a gate's name its outcome. One dictionary for
        # both, because a check with a view of its own pays for each.
        self.memo: dict[object, Any] = {}

    def report_to(self, trace: Trace) -> None:
        """Have every walk reported to a trace."""
        self.surroundings = self.trace = trace

    @property
    def app_id(self) -> object:
        """Return the app that is evaluated for; a caller that knows better sets it."""
        if _APP_ID in self.memo:
            return self.memo[_APP_ID]
        app_id = self.options.app_id
        return self.project.app_id if app_id is None else app_id

    @app_id.setter
    def app_id(self, app_id: object) -> None:
        self.memo[_APP_ID] = app_id

    @property
    def environment(self) -> Mapping[str, object] | None:
        """Return the environment of users who have none of their own."""
        environment = self.options.environment
        return self.project.default_tier if environment is None else environment

    @property
    def attributes(self) -> bytes:
        """Identify what conditions see of the user beside unit IDs; a digest, to be kept where no user may be."""
        known: bytes | None = self.memo.get(_ATTRIBUTES)
        if known is None:
            seen = repr((self.user.attributes, self.environment, self.options.global_custom))
            known = self.memo[_ATTRIBUTES] = sha256(seen.encode("utf-8", "backslashreplace")).digest()
        return known

    def loggable_user(self) -> dict[str, object]:
        """Return the user as events and client responses carry it."""
        return self.user.to_loggable(self.environment, self.options.global_custom)

    def read(self, reading: Reading) -> Any:
        """Return what a reading sees of this user, read once."""
        memo = self.memo
        if reading in memo:
            return memo[reading]
        value = memo[reading] = reading.convert(reading.source(self))
        return value

    def note_group(self, name: str, outcome: Outcome) -> None:
        """Note an experiment whose group a condition asked for."""
        if self.groups is None:
            self.groups = []
        self.groups.append((name, outcome))

    def enter(self) -> None:
        """Go one spec deeper; raises EvaluationDepthExceeded past the core's limit."""
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise EvaluationDepthExceeded

    def leave(self) -> None:
        """Come back from a nested spec."""
        self.depth -= 1

    def come_up(self) -> None:
        """Come back from wherever a walk was cut off."""
        self.depth = 0
        self.memo.pop(_CIRCLES, None)

    def survive_circle(self, depth: int) -> bool:
        """Go on at a depth after a circle further down; False after so many that they would never end.

        Specs that go round in several ways at once are walked once for each path through them.
        """
        self.depth = depth
        circles: int = self.memo.get(_CIRCLES, 0) + 1
        self.memo[_CIRCLES] = circles
        return circles <= MOST_CIRCLES
