"""What is asked of every service, in its own dialect, and what the official core answers.

A check is for another user than the one before, so that no exposure is left out as a repeat. Of a user there is only
the ID: every service reads that alike.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Final, NamedTuple

from benchmarks.answers import WrongAnswer
from benchmarks.comparison.load import Question
from benchmarks.comparison.specs import AskedSpec
from benchmarks.large_spec import encode
from benchmarks.timed_server import make_request
from tests.conformance.official_core import OfficialCore

CHECK, INITIALIZE, HELLO = "check", "initialize", "hello"
USERS: Final = tuple(f"user-{number}" for number in range(400))
COMPARED_RESPONSES: Final = 20
SERVER_KEY: Final = {"statsig-api-key": "secret-local"}
CLIENT_KEY: Final = {"statsig-api-key": "client-local"}
HELLO_QUESTION: Final = Question(make_request("GET", "/", {}, b""), b"hello")


class Dialect(NamedTuple):
    """How a service is asked, and how it answers."""

    check: Callable[[str, str], bytes]  # of a gate and a user's ID
    initialize: Callable[[str], bytes]  # for a user's ID
    value_key: str  # of the answer of a check

    def read_value(self, body: bytes) -> bool:
        """Read the answer of a check; raises WrongAnswer when it is none."""
        try:
            return bool(json.loads(body)[self.value_key])
        except (ValueError, KeyError, TypeError) as problem:
            raise WrongAnswer(f"no answer of a check: {body[:500]!r}") from problem

    def expect(self, value: bool) -> bytes:
        """Return what the answer of a check holds."""
        return f'"{self.value_key}":{json.dumps(value)}'.encode()


def ask_gatelet(gate: str, user_id: str) -> bytes:
    """Return the check of a gate by Statsig's HTTP API."""
    return make_request("POST", "/v1/check_gate", SERVER_KEY, encode({"user": {"userID": user_id}, "gateName": gate}))


def ask_gatelet_all(user_id: str) -> bytes:
    """Return what a browser asks when it starts."""
    return make_request("POST", "/v1/initialize", CLIENT_KEY, encode({"user": {"userID": user_id}, "hash": "djb2"}))


def ask_peer(gate: str, user_id: str) -> bytes:
    """Return the check of a gate in the form of Statsig's example for Fastly."""
    return make_request("GET", f"/gate?name={gate}&userID={user_id}", {}, b"")


def ask_peer_all(user_id: str) -> bytes:
    """Return the question for everything that a browser starts from."""
    return make_request("GET", f"/initialize?userID={user_id}", {}, b"")


GATELET: Final = Dialect(ask_gatelet, ask_gatelet_all, "value")
PEER: Final = Dialect(ask_peer, ask_peer_all, "gateResult")


class Official:
    """What the official core answers about one spec, asked once."""

    def __init__(self, spec: AskedSpec) -> None:
        self.gate = spec.gate
        with OfficialCore(spec.document) as core:
            self.values = {user_id: core.check_gate({"userID": user_id}, spec.gate) for user_id in USERS}
            asked = USERS[:COMPARED_RESPONSES]
            self.responses = {one: core.get_client_initialize_response({"userID": one}, "djb2") for one in asked}


def ask_checks(dialect: Dialect, gate: str, values: Mapping[str, bool], first: int) -> Iterator[Question]:
    """Yield checks without end, for one of these users after the other; beside each its right answer."""
    users = tuple(values)
    for number in count(first):
        user_id = users[number % len(users)]
        yield Question(dialect.check(gate, user_id), dialect.expect(values[user_id]))


def ask_initialize(dialect: Dialect, first: int) -> Iterator[Question]:
    """Yield questions for initialize responses without end."""
    for number in count(first):
        yield Question(dialect.initialize(USERS[number % len(USERS)]), b'"has_updates":true')


def ask_hello() -> Iterator[Question]:
    """Yield the question that costs nothing to answer."""
    while True:
        yield HELLO_QUESTION
