"""What is measured of the evaluator, as functions that run in the guest and on a laptop.

A scenario gets the text of a spec and a meter; what it does inside `meter.measure` counts, the rest is preparation.
Loops count as part of what they repeat.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from evaluator.client_response import FORMATS, ResponseOptions, join_parts, write_response_parts
from evaluator.decode import decode_project
from evaluator.evaluate import check_gate, evaluate_gate
from evaluator.json_text import read_json
from evaluator.project import Project
from evaluator.user import User, decode_user
from evaluator.view import NO_OPTIONS, UserView

NOW_MS: Final = 1_763_000_000_000
WARM_USERS: Final = 20
USERS: Final = 20
SDK_INFO: Final = b'{"sdkType":"gatelet","sdkVersion":"1"}'


class Meter:
    """Calls `mark` where something measured begins and where it ends; `pairs` are (name, units) in that order."""

    def __init__(self, mark: Callable[[], object]) -> None:
        self._mark = mark
        self.pairs: list[tuple[str, int]] = []
        with self.measure("empty"):
            pass

    @contextmanager
    def measure(self, name: str, units: int = 1) -> Iterator[None]:
        """Measure what is done inside, `units` of it."""
        self.pairs.append((name, units))
        self._mark()
        yield
        self._mark()


def make_user(number: int) -> User:
    """Return a user with a few attributes, the same in every run."""
    return decode_user({"userID": f"user-{number}", "email": f"u{number}@example.com", "custom": {"a": "b"}})


def make_view(project: Project, user: User) -> UserView:
    """Return a new view of a user."""
    return UserView(project, user, NOW_MS, NO_OPTIONS)


def check_gates(meter: Meter, text: bytes, _query: Mapping[str, str]) -> None:
    """Check every gate for many users: with one view for each user, and with a new one for each check."""
    project = decode_project(json.loads(text))
    names = list(project.gates)
    users = [make_user(number) for number in range(WARM_USERS + USERS)]
    for user in users[:WARM_USERS]:
        for name in names:
            check_gate(make_view(project, user), name)
            evaluate_gate(make_view(project, user), name)
    for user in users[WARM_USERS:]:
        for ask in (check_gate, evaluate_gate):
            with meter.measure(f"{ask.__name__}.view_kept", len(names)):
                view = UserView(project, user, NOW_MS, NO_OPTIONS)
                for name in names:
                    ask(view, name)
            with meter.measure(f"{ask.__name__}.new_view", len(names)):
                for name in names:
                    ask(UserView(project, user, NOW_MS, NO_OPTIONS), name)


def answer_first(meter: Meter, text: bytes, query: Mapping[str, str]) -> None:
    """Read a document of one gate and what it refers to, and evaluate it, as a fresh sandbox does, which keeps it."""
    name, users = query["gate"], list(map(make_user, range(3)))
    kept: list[object] = []
    for measure, user in zip(("one_gate.first", "one_gate.again"), users, strict=False):
        with meter.measure(measure):
            view = UserView(decode_project(read_json(text.decode())), user, NOW_MS)
            kept += (view, evaluate_gate(view, name))
    with meter.measure("one_gate.again.parse"):
        document = read_json(text.decode())
    with meter.measure("one_gate.again.decode"):
        project = decode_project(document)
    with meter.measure("one_gate.again.evaluate"):
        evaluate_gate(make_view(project, users[2]), name)


def decode_gates(meter: Meter, text: bytes, _query: Mapping[str, str]) -> None:
    """Check and prepare all gates, of a document that holds nothing else."""
    document = json.loads(text) | {"dynamic_configs": {}, "layer_configs": {}}
    with meter.measure("decode_gates"):
        project = decode_project(document)
        for name in project.gates:
            project.find_gate(name)
    with meter.measure("decode_gates.check_alone"):
        decode_project(document)


def respond(meter: Meter, text: bytes, _query: Mapping[str, str]) -> None:
    """Write client responses: the first one and warm ones."""
    project = decode_project(json.loads(text))
    for response_format in FORMATS:
        options = ResponseOptions(response_format=response_format)
        with meter.measure(f"initialize.{response_format}.first"):
            write_response(project, make_user(0), options)
        for number in range(1, WARM_USERS):
            write_response(project, make_user(number), options)
        for number in range(WARM_USERS, WARM_USERS + USERS):
            with meter.measure(f"initialize.{response_format}.warm"):
                write_response(project, make_user(number), options)


def write_response(project: Project, user: User, options: ResponseOptions) -> bytes:
    """Write one response as the body of a reply."""
    parts = write_response_parts(make_view(project, user), options)
    return join_parts({**parts, "user": SDK_INFO, "sdkInfo": SDK_INFO})


SCENARIOS: Final[dict[str, Callable[[Meter, bytes, Mapping[str, str]], None]]] = {
    "/check-gates": check_gates,
    "/answer-first": answer_first,
    "/decode-gates": decode_gates,
    "/respond": respond,
}
