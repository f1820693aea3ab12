import pytest

from evaluator.bucketing import hash_unit_id
from evaluator.project import Project
from tests.evaluator.builders import (
    NOW,
    Json,
    ask,
    condition,
    config,
    deep_stack,
    exposure,
    gate,
    on_field,
    pass_bucket,
    project,
    rule,
)


def mapped(*mappings: Json, rules: dict[str, Json] | None = None, **configs: Json) -> Project:
    """A project where `old` may lead elsewhere, by `everyone` unless told otherwise."""
    known = {"old": config(default={"is": "old"}), "new": config(default={"is": "new"}), **configs}
    override_rules = {"everyone": rule(rule_id="m"), **(rules or {})}
    return project(configs=known, overrides={"old": list(mappings)}, override_rules=override_rules)


def to(name: str, rule_name: str = "everyone", **changes: object) -> Json:
    return {"new_config_name": name, "rules": [{"rule_name": rule_name, **changes}]}


def test_mapping_leads_to_another_config() -> None:
    found = ask(mapped(to("new")), "config", "old")
    assert (found.name, found.value, found.mapped_to) == ("old", {"is": "new"}, "new")


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        (to("new", start_time=NOW), "new"),
        (to("new", start_time=NOW + 1), "old"),
        (to("new", "unknown rule"), "old"),
        (to("unknown config"), "old"),
        (to("new", "nobody"), "old"),
        (to("new", "unsupported"), "old"),
    ],
)
def test_mapping_needs_a_rule_that_holds_and_a_config_that_exists(mapping: Json, value: str) -> None:
    rules = {"nobody": rule(on_field("userID", "any", [])), "unsupported": rule(condition("unheard of"))}
    assert ask(mapped(mapping, rules=rules), "config", "old").value == {"is": value}


def test_next_mapping_is_tried_when_the_config_is_unknown() -> None:
    assert ask(mapped(to("unknown"), to("new")), "config", "old").value == {"is": "new"}


def test_pass_percentage_of_a_mapping_is_salted_by_the_config_left_behind() -> None:
    bucket = pass_bucket(rule_salt="m", spec_salt="left behind")
    for share, value in (((bucket - 0.5) / 100, "old"), ((bucket + 0.5) / 100, "new")):
        made = mapped(
            to("new"),
            rules={"everyone": rule(rule_id="m", share=share)},
            old=config(default={"is": "old"}, salt="left behind"),
        )
        assert ask(made, "config", "old").value == {"is": value}


def test_mapping_holds_for_a_name_without_a_config() -> None:
    made = project(
        configs={"new": config(default={"is": "new"})},
        overrides={"gone": [to("new")]},
        override_rules={"everyone": rule()},
    )
    assert ask(made, "config", "gone").value == {"is": "new"}


def test_mappings_chain() -> None:
    made = project(
        configs={"last": config(default={"is": "last"})},
        overrides={"first": [to("second")], "second": [to("last")]},
        override_rules={"everyone": rule()},
    )
    found = ask(made, "config", "first")
    assert (found.value, found.mapped_to) == ({"is": "last"}, "last")


def test_mappings_in_a_circle_end_with_the_depth_error() -> None:
    made = project(
        configs={"a": config(), "b": config()},
        overrides={"a": [to("b")], "b": [to("a")]},
        override_rules={"everyone": rule()},
    )
    with deep_stack():
        found = ask(made, "config", "a")
    assert found.reason("Network") == "Error:Statsig Evaluation Depth Exceeded"


def test_exposures_of_mapping_rules_vanish() -> None:
    open_gate = {"open": gate(rule(rule_id="all"))}
    by_gate = condition("pass_gate", None, "open")
    made = project(
        open_gate,
        {"new": config(rule(by_gate, rule_id="n", value={"is": "new"}))},
        overrides={"old": [to("new")]},
        override_rules={"everyone": {**rule(), "conditions": [by_gate]}},
    )
    assert ask(made, "config", "old").secondary_exposures == [exposure("open", "true", "all")]


@pytest.mark.parametrize(
    ("share", "reason"), [(100.0, "Network:Recognized:IdListInMemory"), (0.0, "Network:Recognized")]
)
def test_id_list_shows_in_the_reason_where_the_rule_that_looked_into_it_leads_on(share: float, reason: str) -> None:
    listed = {**rule(share=share), "conditions": [on_field("userID", "in_segment_list", "members")]}
    made = mapped(to("new", "listed"), rules={"listed": listed})
    assert ask(made, "config", "old", id_lists={"members": {hash_unit_id("ada")}}).reason("Network") == reason
