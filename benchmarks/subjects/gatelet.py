"""Gatelet itself: one view for all checks of a user at an instant, or, where the user is built anew, for each check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import time as clock

from benchmarks.subjects import BUILT, EXPOSED, REUSED, Json, Loop, Person, serve
from evaluator.decode import decode_project
from evaluator.evaluate import check_gate
from evaluator.exposure_log import ExposureLog
from evaluator.user import User
from evaluator.view import NO_OPTIONS, UserView


class Gatelet:
    """Our evaluator and exposure log."""

    def __init__(self, spec: Json, names: Sequence[str]) -> None:
        self.project = decode_project(spec)
        self.names = names
        self.log = ExposureLog(
            self.project.sdk_configs,
            find_reason=lambda found: found.reason("Network"),
            received_at_ms=int(clock() * 1000),
        )

    def modes(self) -> Mapping[str, Callable[[Sequence[Person]], Loop]]:
        """Return what makes the loop of each mode."""
        return {REUSED: self.reuse, BUILT: self.build, EXPOSED: self.expose}

    def reuse(self, people: Sequence[Person]) -> Loop:
        """Check with users made before."""
        project, names = self.project, self.names
        users = [User({"userID": one.user_id, "email": one.email, "custom": one.custom}) for one in people]

        def run() -> int:
            passed = 0
            for user in users:
                view = UserView(project, user, int(clock() * 1000), NO_OPTIONS)
                for name in names:
                    passed += check_gate(view, name)
            return passed

        return run

    def build(self, people: Sequence[Person]) -> Loop:
        """Check with a user and a view made for each check."""
        project, names = self.project, self.names

        def run() -> int:
            passed = 0
            for user_id, email, custom in people:
                for name in names:
                    user = User({"userID": user_id, "email": email, "custom": custom})
                    passed += check_gate(UserView(project, user, int(clock() * 1000), NO_OPTIONS), name)
            return passed

        return run

    def expose(self, people: Sequence[Person]) -> Loop:
        """Check and record the exposure."""
        project, names, log = self.project, self.names, self.log
        users = [User({"userID": one.user_id, "email": one.email, "custom": one.custom}) for one in people]

        def run() -> int:
            passed = 0
            for user in users:
                view = UserView(project, user, int(clock() * 1000), NO_OPTIONS)
                for name in names:
                    passed += log.check_gate(view, name)
            return passed

        return run


if __name__ == "__main__":
    serve(Gatelet)
