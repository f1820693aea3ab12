"""Session replay settings in client responses: the same texts for everyone where nothing asks the user."""

import json

import pytest

from evaluator.client_response import ResponseOptions, write_response_parts
from evaluator.decode import decode_project
from evaluator.project import Project
from tests.evaluator.builders import Json, document, gate, on_field, rule, view

PRIVACY: Json = {"privacy_mode": "min"}
STAFF = on_field("email", "str_contains_any", ["@staff.test"])
USERS: tuple[Json, ...] = tuple({"userID": f"u{number}"} for number in range(40))


def with_replay(info: Json) -> Project:
    return decode_project({**document({"staff": gate(rule(STAFF))}), "session_replay_info": info})


def respond(made: Project, user: Json) -> Json:
    parts = write_response_parts(view(made, user), ResponseOptions())
    return {
        key: json.loads(text)
        for key, text in parts.items()
        if isinstance(text, bytes) and ("record" in key or "replay" in key)
    }


@pytest.mark.parametrize(
    "info",
    [
        {"recording_blocked": True},
        {"sampling_rate": 1, "recording_blocked": False, "session_recording_privacy_settings": PRIVACY},
        {"sampling_rate": 0.5},
        {"targeting_gate": "staff"},
        {"session_recording_event_triggers": {"bought": {"values": ["1"], "sampling_rate": 0.5}, "seen": {}}},
        {"session_recording_exposure_triggers": {"staff": {"sampling_rate": 1}}},
    ],
)
def test_every_user_gets_what_a_project_of_its_own_would_answer(info: Json) -> None:
    made = with_replay(info)
    for user in ({"email": "a@staff.test"}, *USERS):
        assert respond(made, user) == respond(with_replay(info), user)


def test_share_of_the_users_is_recorded() -> None:
    made = with_replay({"sampling_rate": 0.5})
    recorded = [respond(made, user)["can_record_session"] for user in USERS]
    assert {True, False} == set(recorded)
    assert recorded == [respond(made, user)["can_record_session"] for user in USERS]


def test_targeting_gate_is_asked_for_each_user() -> None:
    made = with_replay({"targeting_gate": "staff", "sampling_rate": 1})
    for email, passes in (("a@staff.test", True), ("a@home.test", False), ("b@staff.test", True)):
        found = respond(made, {"email": email})
        assert found["passes_session_recording_targeting"] is passes
        assert found["can_record_session"] is passes


def test_what_is_the_same_for_everyone_says_what_the_spec_says() -> None:
    made = with_replay({"recording_blocked": True, "sampling_rate": 1, "session_recording_privacy_settings": PRIVACY})
    for user in USERS[:3]:
        assert respond(made, user) == {
            "recording_blocked": True,
            "session_recording_rate": 1,
            "can_record_session": False,
            "session_recording_privacy_settings": PRIVACY,
        }
