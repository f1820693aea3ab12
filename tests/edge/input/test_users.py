"""What the connection knows where the request says nothing."""

from dataclasses import replace

import pytest

from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox
from tests.edge.builders import CLIENT, SERVER, Json, ask, json_of, platform, request
from tests.edge.project import project

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
NEW_ZEALAND = "2001:dfa::1"  # the table has no IPv6


def passes(
    outside: MemoryPlatform, gate: str, *, address: str | None = None, key: str = CLIENT, **user: object
) -> object:
    asked = request("/v1/check_gate", {"user": user, "gateName": gate}, key=key, headers={"user-agent": FIREFOX})
    reply = ask(Sandbox(outside), replace(asked, find_client_ip=lambda: address))
    return json_of(reply)["value"]


def outside(**settings: str) -> MemoryPlatform:
    made = platform(project(), **settings)
    made.countries[NEW_ZEALAND] = "NZ"
    return made


def test_country_is_that_of_the_connection() -> None:
    assert passes(outside(), "from_new_zealand", address=NEW_ZEALAND) is True
    assert passes(outside(), "from_new_zealand", address="2001:dfa::2") is False
    assert passes(outside(), "from_new_zealand") is False


def test_what_the_request_says_counts_more() -> None:
    assert passes(outside(), "from_new_zealand", address=NEW_ZEALAND, country="FR") is False
    assert passes(outside(), "from_new_zealand", address=NEW_ZEALAND, ip="1.1.1.1") is False
    assert passes(outside(), "on_firefox", userAgent="none") is False


def test_connection_of_a_server_says_nothing_about_its_user() -> None:
    assert passes(outside(), "from_new_zealand", address=NEW_ZEALAND, key=SERVER) is False
    assert passes(outside(), "on_firefox", key=SERVER) is False


def test_fastly_is_asked_for_the_country_of_an_address_that_a_server_sends() -> None:
    assert passes(outside(), "from_new_zealand", key=SERVER, ip=NEW_ZEALAND) is True


@pytest.mark.parametrize(
    ("setting", "gate"),
    [
        ("ip_from_connection", "from_new_zealand"),
        ("country_from_fastly", "from_new_zealand"),
        ("user_agent_from_connection", "on_firefox"),
    ],
)
def test_each_is_switched_off_by_its_setting(setting: str, gate: str) -> None:
    assert passes(outside(), gate, address=NEW_ZEALAND) is True
    assert passes(outside(**{setting: "false"}), gate, address=NEW_ZEALAND) is False


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.1.2.3", "::1", "fe80::1"])
def test_address_that_belongs_to_nobody_is_not_used(ip: str) -> None:
    made = outside()
    made.countries[ip] = "NZ"
    assert passes(made, "from_new_zealand", address=ip) is False
    assert passes(made, "from_new_zealand", key=SERVER, ip=ip) is False


def test_agent_of_a_program_is_not_the_users() -> None:
    body: Json = {"user": {}, "gateName": "on_firefox"}
    for agent, expected in ((FIREFOX, True), ("Firefox/130.0", False)):
        reply = ask(Sandbox(outside()), request("/v1/check_gate", body, key=CLIENT, headers={"user-agent": agent}))
        assert json_of(reply)["value"] is expected
