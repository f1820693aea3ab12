"""Whether a service answers as the official core does; asked before anything is timed.

Statsig's packages differ from the core in small things, and their own answers are their business. A few users for whom
one of them differs are left out of what all services are asked, so that everyone does the same work; one that differs
for more has no figures. Gatelet may not differ at all.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from benchmarks.answers import WrongAnswer
from benchmarks.comparison.questions import Dialect, Official
from benchmarks.timed_server import TimedServer, fetch

MOST_DIFFERING: Final = 0.01  # of the users, for a peer
SECTIONS: Final = ("feature_gates", "dynamic_configs", "layer_configs")


class Agreement(NamedTuple):
    """How many answers are the official core's, and the first that is not."""

    alike: int
    asked: int
    example: str = ""

    def describe(self) -> str:
        """Say it in a sentence."""
        said = f"{self.alike:,} of {self.asked:,} answers are the official core's"
        return f"{said}; {self.example}" if self.example else said

    def is_enough(self, *, is_ours: bool) -> bool:
        """Tell whether the service may be timed."""
        return self.asked - self.alike <= (0 if is_ours else MOST_DIFFERING * self.asked)


class Compared(NamedTuple):
    """What came of asking a service about every user."""

    agreement: Agreement
    differing: frozenset[str]


def compare_checks(server: TimedServer, dialect: Dialect, official: Official, users: Sequence[str]) -> Compared:
    """Ask about every user; raises WrongAnswer when an answer is none."""
    with server.awake():
        answers = {one: dialect.read_value(fetch(server, dialect.check(official.gate, one))) for one in users}
    differing = [one for one, answer in answers.items() if answer != official.values[one]]
    example = f"for {differing[0]} it answers {json.dumps(answers[differing[0]])}" if differing else ""
    return Compared(Agreement(len(users) - len(differing), len(users), example), frozenset(differing))


def compare_responses(server: TimedServer, dialect: Dialect, official: Official) -> Agreement:
    """Compare every value of the initialize responses for some users; raises WrongAnswer."""
    alike = asked = 0
    differing: list[str] = []
    with server.awake():
        for user_id, expected in official.responses.items():
            found = read_values(fetch(server, dialect.initialize(user_id)))
            for name, value in list_values(expected).items():
                asked += 1
                alike += found.get(name) == value
                differing += [] if found.get(name) == value else [f"for {user_id} {name[0]} differ"]
    return Agreement(alike, asked, differing[0] if differing else "")


def read_values(body: bytes) -> dict[tuple[str, str], object]:
    """Read the values of an initialize response; raises WrongAnswer when it is none."""
    try:
        return list_values(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise WrongAnswer(f"no initialize response: {body[:500]!r}") from problem


def list_values(response: dict[str, Any]) -> dict[tuple[str, str], object]:
    """Return the value of every gate, config and layer of an initialize response, by its section and hashed name."""
    return {(part, name): one.get("value") for part in SECTIONS for name, one in response[part].items()}
