from collections.abc import Callable

import pytest

from evaluator.bucketing import hash_djb2, hash_sha256
from evaluator.client_response import ResponseOptions, find_target_app, write_client_entry, write_client_response
from evaluator.project import Project
from tests.evaluator.builders import Json, condition, config, experiment, gate, layer, project, rule, view

SDK = {"sdkType": "gatelet", "sdkVersion": "1"}
PASSES_OPEN = condition("pass_gate", None, "open")
SEEN_OPEN = {"gate": "open", "gateValue": "true", "ruleID": "all"}


def respond(made: Project, user: Json | None = None, **options: object) -> Json:
    asked = ResponseOptions(**{"hash": "none", **options})  # type: ignore[arg-type]
    return write_client_response(view(made, user, app_id=find_target_app(made, asked)), asked, SDK)


def sample() -> Project:
    return project(
        {
            "open": gate(rule(rule_id="all")),
            "g": gate(rule(PASSES_OPEN, PASSES_OPEN)),
            "shut": gate(),
            "segment:s": gate(entity="segment"),
            "holdout": gate(entity="holdout"),
        },
        {
            "c": config(rule(value={"a": 1})),
            "e": experiment(rule(value={"a": 1}, groupName="Test"), hasSharedParams=True, explicitParameters=["a"]),
        },
        {"l": layer(rule(value={}, configDelegate="e"))},
    )


def test_segments_and_holdouts_are_left_out() -> None:
    found = respond(sample())
    assert set(found["feature_gates"]) == {"open", "g", "shut"}
    assert (found["has_updates"], found["hash_used"], found["sdkInfo"]) == (True, "none", SDK)


@pytest.mark.parametrize(("name", "hash_name"), [("none", str), ("djb2", hash_djb2), ("sha256", hash_sha256)])
def test_names_are_hashed(name: str, hash_name: Callable[[str], str]) -> None:
    found = respond(sample(), hash=name)
    assert set(found["feature_gates"]) == {hash_name("open"), hash_name("g"), hash_name("shut")}
    entry = found["feature_gates"][hash_name("g")]
    assert entry["secondary_exposures"] == [{**SEEN_OPEN, "gate": hash_name("open")}]
    assert found["layer_configs"][hash_name("l")]["allocated_experiment_name"] == hash_name("e")


def test_v2_keys_exposures_into_a_table() -> None:
    found = respond(sample(), response_format="v2")
    key = hash_djb2("open:true:all")
    assert found["feature_gates"]["g"]["secondary_exposures"] == [key]
    assert found["exposures"] == {key: SEEN_OPEN}


def test_init_v2_is_compact() -> None:
    found = respond(sample(), response_format="init-v2")
    assert found["response_format"] == "init-v2"
    assert found["feature_gates"]["g"] == {"v": True, "r": "r", "s": ["0"], "i": "userID"}
    assert found["feature_gates"]["shut"] == {"i": "userID"}
    assert found["exposures"] == {"0": SEEN_OPEN}
    assert found["values"][found["dynamic_configs"]["c"]["v"]] == {"a": 1}
    assert found["dynamic_configs"]["c"]["v"] == found["dynamic_configs"]["e"]["v"]


@pytest.mark.parametrize(
    ("options", "section", "names"),
    [
        ({"gates": ["g"]}, "feature_gates", {"g"}),
        ({"configs": []}, "dynamic_configs", {"e"}),
        ({"experiments": []}, "dynamic_configs", {"c"}),
        ({"layers": ["unknown"]}, "layer_configs", set()),
        ({"remove_default_value_gates": True}, "feature_gates", {"open", "g"}),
        ({"remove_experiments_in_layers": True}, "dynamic_configs", {"c"}),
    ],
)
def test_filters(options: Json, section: str, names: set[str]) -> None:
    assert set(respond(sample(), **options)[section]) == names


def test_id_types_can_be_left_out() -> None:
    assert "id_type" in respond(sample())["feature_gates"]["g"]
    assert "id_type" not in respond(sample(), remove_id_type=True)["feature_gates"]["g"]


@pytest.mark.parametrize(
    ("options", "gates"),
    [
        ({}, {"shop", "blog", "none"}),
        ({"client_key": "client-shop"}, {"shop"}),
        ({"client_key": "client-hashed"}, {"blog"}),
        ({"client_key": "client-unknown"}, {"shop", "blog", "none"}),
        ({"target_app_id": "blog"}, {"blog"}),
    ],
)
def test_client_key_narrows_the_response_to_its_app(options: Json, gates: set[str]) -> None:
    made = project(
        {"shop": gate(targetAppIDs=["shop"]), "blog": gate(targetAppIDs=["blog"]), "none": gate()},
        sdk_keys_to_app_ids={"client-shop": "shop"},
        hashed_sdk_keys_to_app_ids={hash_djb2("client-hashed"): "blog", hash_djb2("client-shop"): "shop"},
    )
    assert set(respond(made, **options)["feature_gates"]) == gates


def test_circle_blanks_the_whole_response() -> None:
    made = project({"open": gate(rule()), "circle": gate(rule(condition("pass_gate", None, "circle")))})
    found = respond(made)
    assert (found["feature_gates"], found["has_updates"], found["time"]) == ({}, False, 0)


def test_same_response_again_is_blank() -> None:
    checksum = respond(sample(), previous_response_hash="")["full_checksum"]
    assert respond(sample(), previous_response_hash=checksum)["has_updates"] is False
    assert respond(sample(), previous_response_hash="another")["has_updates"] is True


@pytest.mark.parametrize("response_format", ["v1", "v2", "init-v2"])
def test_checksum_is_that_of_the_answers_whatever_was_written_before(response_format: str) -> None:
    def tell(made: Project, email: str) -> object:
        asked = {"response_format": response_format, "previous_response_hash": ""}
        return respond(made, {"userID": "u", "email": email}, **asked)["full_checksum"]

    def mailed() -> Project:
        is_known = condition("user_field", "any", ["a@x.com", "b@x.com"], field="email")
        return project(
            {"known": gate(rule(is_known)), "g": gate(rule(condition("pass_gate", None, "known")))},
            {"c": config(rule(condition("user_field", "any", ["a@x.com"], field="email"), value={"a": 1}))},
        )

    made = mailed()
    told = [tell(made, email) for email in ("a@x.com", "b@x.com", "c@x.com", "a@x.com", "b@x.com", "d@x.com")]
    assert told[:3] == told[3:] == [tell(mailed(), email) for email in ("a@x.com", "b@x.com", "c@x.com")]
    assert len(set(told)) == 3


def test_user_is_shown_without_private_attributes_but_with_their_hash() -> None:
    found = respond(sample(), {"userID": 7, "customIDs": {"c": 1}, "privateAttributes": {"secret": "x"}})
    assert found["user"] == {"userID": 7, "customIDs": {"c": 1}}
    assert found["evaluated_keys"] == {"userID": "7", "customIDs": {"c": "1"}}
    assert found["pa_hash"] == hash_djb2("secret:x")
    assert "pa_hash" not in respond(sample())


def test_single_entry_is_that_of_the_response() -> None:
    whole = respond(sample())
    seen = view(sample())
    options = ResponseOptions(hash="none")
    assert write_client_entry(seen, "gate", "g", options) == whole["feature_gates"]["g"]
    assert write_client_entry(seen, "layer", "l", options) == whole["layer_configs"]["l"]
    assert write_client_entry(seen, "gate", "segment:s", options) is None
