"""The official core, called from Python. Its events go to a server in this process that throws them away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from statsig_python_core import FeatureGateEvaluationOptions, StatsigUser

from benchmarks.subjects import BUILT, EXPOSED, REUSED, Json, Loop, Person, ask_everything, serve
from tests.conformance.official_core import OfficialCore


class Core:
    """The core on one spec; it never reaches beyond this machine."""

    def __init__(self, spec: Json, names: Sequence[str]) -> None:
        self.official = OfficialCore(spec, exposures=True, keeps_events=False)
        self.official.__enter__()
        self.names = names

    def modes(self) -> Mapping[str, Callable[[Sequence[Person]], Loop]]:
        """Return what makes the loop of each mode."""
        return {REUSED: self.reuse, BUILT: self.build, EXPOSED: self.expose}

    def reuse(self, people: Sequence[Person]) -> Loop:
        """Check with users made before, exposure logging off."""
        ask, names = self.official.statsig.check_gate, self.names
        users = [StatsigUser(one.user_id, email=one.email, custom=one.custom) for one in people]
        off = FeatureGateEvaluationOptions(disable_exposure_logging=True)

        def run() -> int:
            passed = 0
            for user in users:
                for name in names:
                    passed += ask(user, name, off)
            return passed

        return run

    def build(self, people: Sequence[Person]) -> Loop:
        """Check with a user made for each check, exposure logging off."""
        ask, names = self.official.statsig.check_gate, self.names
        off = FeatureGateEvaluationOptions(disable_exposure_logging=True)

        def run() -> int:
            passed = 0
            for user_id, email, custom in people:
                for name in names:
                    passed += ask(StatsigUser(user_id, email=email, custom=custom), name, off)
            return passed

        return run

    def expose(self, people: Sequence[Person]) -> Loop:
        """Check and record the exposure."""
        users = [StatsigUser(one.user_id, email=one.email, custom=one.custom) for one in people]
        return ask_everything(self.official.statsig.check_gate, users, self.names)


if __name__ == "__main__":
    serve(Core)
