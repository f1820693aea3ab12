"""The overrides beside a spec force what they say, and are refused whole when they say anything else."""

import json
from typing import Any

import pytest

from evaluator.overrides import GroupName
from evaluator.user import decode_user
from specstore.forced import ForcedValues, decode_overrides
from specstore.frame import InvalidEntry
from tests.evaluator.builders import ask, project

FULL: dict[str, Any] = {
    "gates": {"checkout": {"all": False, "ids": {"user-1": True, "acme": True}}},
    "configs": {"banner": {"all": {"value": {"text": "closed"}}}},
    "experiments": {"button": {"all": {"value": {}}, "ids": {"user-1": {"group": "Control"}}}},
    "layers": {"page": {"ids": {"user-1": {"value": {"a": [1]}}}}},
    "note": "checkout is down",
}


def decode(document: object) -> ForcedValues:
    return decode_overrides(json.dumps(document).encode())


# kind | name | user | value forced
FOUND: tuple[tuple[str, str, dict[str, Any], object], ...] = (
    ("gate", "checkout", {"userID": "user-2"}, False),
    ("gate", "checkout", {"userID": "user-1"}, True),
    ("gate", "checkout", {"userID": "x", "customIDs": {"companyID": "acme"}}, True),
    ("gate", "banner", {}, None),
    ("config", "banner", {}, {"text": "closed"}),
    ("experiment", "banner", {}, {"text": "closed"}),
    ("config", "button", {"userID": "user-1"}, GroupName("Control")),
    ("experiment", "button", {"userID": "user-1"}, GroupName("Control")),
    ("experiment", "button", {}, {}),
    ("layer", "page", {"userID": "user-1"}, {"a": [1]}),
    ("layer", "page", {}, None),
)


@pytest.mark.parametrize(("kind", "name", "user", "expected"), FOUND)
def test_overrides_force_what_they_say(kind: str, name: str, user: dict[str, Any], expected: object) -> None:
    assert decode(FULL).overrides.find(kind, name, decode_user(user)) == expected


def test_overrides_say_what_they_force() -> None:
    found = decode(FULL)
    assert found.note == "checkout is down"
    assert [(one.section, one.name, one.unit_id) for one in found.settings] == [
        ("gates", "checkout", None),
        ("gates", "checkout", "user-1"),
        ("gates", "checkout", "acme"),
        ("configs", "banner", None),
        ("experiments", "button", None),
        ("experiments", "button", "user-1"),
        ("layers", "page", "user-1"),
    ]


def test_an_evaluation_takes_the_overrides() -> None:
    found = ask(project(), "gate", "checkout", {"userID": "user-1"}, overrides=decode(FULL).overrides)
    assert (found.value, found.reason("KV")) == (True, "LocalOverride:Recognized")


def test_an_empty_entry_forces_nothing() -> None:
    found = decode({})
    assert not found.overrides
    assert (found.settings, found.note) == ((), "")


# overrides | every fault
FAULTS: tuple[tuple[object, tuple[str, ...]], ...] = (
    ([], ("overrides: must be an object",)),
    ({"gate": {}}, ("overrides.gate: is none of gates, configs, experiments, layers, note",)),
    ({"note": 1}, ("overrides.note: must be a text",)),
    ({"gates": []}, ("overrides.gates: must be an object",)),
    ({"gates": {"a": False}}, ("overrides.gates.a: must be an object with all, ids or both",)),
    ({"gates": {"a": {}}}, ("overrides.gates.a: must be an object with all, ids or both",)),
    ({"gates": {"a": {"everyone": True}}}, ("overrides.gates.a: must be an object with all, ids or both",)),
    ({"gates": {"a": {"ids": []}}}, ("overrides.gates.a.ids: must be an object",)),
    ({"gates": {"a": {"all": 1}}}, ("overrides.gates.a.all: must be true or false",)),
    ({"gates": {"a": {"all": None}}}, ("overrides.gates.a.all: must be true or false",)),
    ({"configs": {"a": {"all": {}}}}, ('overrides.configs.a.all: must be {"value": {…}}',)),
    ({"configs": {"a": {"all": {"value": 1}}}}, ('overrides.configs.a.all: must be {"value": {…}}',)),
    ({"configs": {"a": {"all": {"group": "g"}}}}, ('overrides.configs.a.all: must be {"value": {…}}',)),
    (
        {"experiments": {"a": {"ids": {"u": {"group": "g", "value": {}}}}}},
        ('overrides.experiments.a.ids.u: must be {"value": {…}} or {"group": "…"}',),
    ),
    (
        {"gates": {"a": {"all": 1, "ids": {"u": 2}}}, "layers": 3},
        (
            "overrides.gates.a.all: must be true or false",
            "overrides.gates.a.ids.u: must be true or false",
            "overrides.layers: must be an object",
        ),
    ),
)


@pytest.mark.parametrize(("document", "faults"), FAULTS)
def test_every_fault_of_an_entry_is_named_at_once(document: object, faults: tuple[str, ...]) -> None:
    with pytest.raises(InvalidEntry) as caught:
        decode(document)
    assert str(caught.value) == "; ".join(faults)


@pytest.mark.parametrize("entry", [b"", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 1000, b"1" * 5000])
def test_what_is_not_json_is_refused(entry: bytes) -> None:
    with pytest.raises(InvalidEntry, match="overrides: "):
        decode_overrides(entry)
