"""Events are sent with the key of the project that their request asked."""

import json

from edge.events.answers import Answer
from edge.events.client_events import ClientEvents, Fate
from edge.memory import MemoryPlatform, take_all
from edge.sandbox import Sandbox
from edge.spec.projects import fingerprint
from tests.edge.builders import CLIENT, SERVER, STORE, ask, document, platform, request

OTHER = "statsig-other"
THIRD_KEY = "secret-third"


def make_platform(**secrets: bytes) -> MemoryPlatform:
    outside = platform(
        projects=f"{fingerprint(CLIENT)}={OTHER} {fingerprint(THIRD_KEY)}=statsig-third", drain_share="1"
    )
    outside.put(STORE, OTHER, json.dumps(document()).encode())
    outside.put(STORE, "statsig-third", json.dumps(document()).encode())
    outside.secrets |= secrets
    return outside


def check(sandbox: Sandbox, key: str, user: str) -> None:
    assert (
        ask(sandbox, request("/v1/check_gate", {"user": {"userID": user}, "gateName": "open"}, key=key)).status == 200
    )


def list_sent(outside: MemoryPlatform) -> list[tuple[bytes, list[str]]]:
    """The key and the users of each request that was taken."""
    pairs = zip(outside.batches, outside.answers, strict=True)
    return [
        (
            dict(batch.headers)["statsig-api-key"],
            [event["user"]["userID"] for event in json.loads(batch.body)["events"]],
        )
        for batch, answer in pairs
        if answer.status == 202
    ]


def test_each_project_has_a_key_and_a_batch_of_its_own() -> None:
    outside = make_platform(statsig_key=f"secret-first {OTHER}=secret-other".encode())
    outside.settings["events_batch_age_ms"] = "60000"
    sandbox = Sandbox(outside)
    for key, user in ((SERVER, "a"), (SERVER, "b"), (CLIENT, "c"), (SERVER, "d")):
        check(sandbox, key, user)
    sandbox.close()
    assert list_sent(outside) == [(b"secret-first", ["a", "b"]), (b"secret-other", ["c"]), (b"secret-first", ["d"])]


def test_without_keys_of_statsigs_the_first_server_secret_of_the_project_does() -> None:
    outside = make_platform(server_secret=f"{SERVER} {THIRD_KEY}".encode())
    sandbox = Sandbox(outside)
    check(sandbox, SERVER, "a")
    check(sandbox, THIRD_KEY, "b")
    sandbox.close()
    assert list_sent(outside) == [(SERVER.encode(), ["a"]), (THIRD_KEY.encode(), ["b"])]


def test_events_of_a_project_without_a_key_are_kept_until_it_has_one_and_hold_up_no_other() -> None:
    outside = make_platform()
    sandbox = Sandbox(outside)
    check(sandbox, CLIENT, "c")
    sandbox.close()
    assert list_sent(outside) == []
    assert f"events: 1 stored: there is no key of Statsig's for the events of {OTHER}" in outside.lines
    (key,) = [key for key in outside.stores[STORE] if key.startswith("gatelet-events/")]
    assert key.endswith(f"@{OTHER}")
    for secret, expected in (
        (b"secret-first", [b"secret-first"]),
        (f"{OTHER}=late".encode(), [SERVER.encode(), b"late"]),
    ):
        outside.batches.clear()
        outside.answers.clear()
        outside.seconds += 20
        outside.secrets["statsig_key"] = secret
        later = Sandbox(outside)
        check(later, SERVER, "a")
        later.close()
        assert [sent for sent, _ in list_sent(outside)] == expected
    assert not [key for key in outside.stores[STORE] if key.startswith("gatelet-events/")]


def test_stored_batches_of_several_projects_are_sent_apart() -> None:
    outside = make_platform(statsig_key=f"secret-first {OTHER}=secret-other".encode())
    outside.answer = lambda _batch: Answer(500)
    for key, user in ((SERVER, "a"), (CLIENT, "b"), (SERVER, "c")):
        outside.session = f"s-{user}"
        sandbox = Sandbox(outside)
        check(sandbox, key, user)
        sandbox.close()
    outside.answer = take_all
    outside.seconds += 20
    sandbox = Sandbox(outside)
    check(sandbox, SERVER, "d")
    sandbox.close()
    assert list_sent(outside) == [(b"secret-first", ["d"]), (b"secret-first", ["a", "c"]), (b"secret-other", ["b"])]


def test_events_that_a_client_hands_over_belong_to_the_project_of_its_key() -> None:
    outside = make_platform(statsig_key=f"secret-first {OTHER}=secret-other".encode())
    body = json.dumps({"events": [{"user": {"userID": "x"}}]}).encode()
    assert Sandbox(outside).hand_over(ClientEvents(body, 1), CLIENT).fate is Fate.DELIVERED
    assert list_sent(outside) == [(b"secret-other", ["x"])]
