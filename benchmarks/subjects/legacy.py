"""The SDK in pure Python that came before the core. In its local mode it makes each event and does not queue it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from statsig import StatsigOptions, StatsigUser
from statsig.output_logger import LogLevel
from statsig.statsig_server import StatsigServer

from benchmarks.subjects import EXPOSED, Json, Loop, Person, ask_everything, serve
from edge.spec.shapes import to_v1


class Legacy:
    """The SDK on one spec in the v1 form, without a network."""

    def __init__(self, spec: Json, names: Sequence[str]) -> None:
        self.server = StatsigServer()
        bootstrap = json.dumps(to_v1(spec))
        options = StatsigOptions(local_mode=True, bootstrap_values=bootstrap, output_logger_level=LogLevel.ERROR)
        self.server.initialize("secret-loopback", options)
        self.names = names

    def modes(self) -> Mapping[str, Callable[[Sequence[Person]], Loop]]:
        """Return what makes the loop of each mode."""
        return {EXPOSED: self.expose}

    def expose(self, people: Sequence[Person]) -> Loop:
        """Check and make the exposure's event."""
        users = [StatsigUser(one.user_id, email=one.email, custom=one.custom) for one in people]
        return ask_everything(self.server.check_gate, users, self.names)


if __name__ == "__main__":
    serve(Legacy)
