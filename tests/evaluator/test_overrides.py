import pytest

from evaluator.bucketing import hash_unit_id
from evaluator.overrides import GroupName, Overrides
from tests.evaluator.builders import Json, ask, condition, experiment, gate, layer, on_field, project, rule


def forced(kind: str, name: str, value: bool | Json | GroupName, unit_id: str | None = None) -> Overrides:
    overrides = Overrides()
    overrides.force(kind, name, value, unit_id)
    return overrides


def test_override_replaces_everything_of_the_spec() -> None:
    found = ask(project({"g": gate(rule())}), "gate", "g", overrides=forced("gate", "g", False))
    assert (found.value, found.rule_id, found.id_type, found.version) == (False, "override", None, None)
    assert found.secondary_exposures == []
    assert found.reason("Network") == "LocalOverride:Recognized"


def test_override_holds_for_a_name_that_the_spec_does_not_know() -> None:
    assert ask(project(), "gate", "unknown", overrides=forced("gate", "unknown", True)).value is True
    assert ask(project(), "config", "unknown", overrides=forced("config", "unknown", {"a": 1})).value == {"a": 1}


def test_override_is_for_one_kind_only() -> None:
    assert ask(project(), "experiment", "e", overrides=forced("config", "e", {"a": 1})).value is None


def test_user_id_goes_before_custom_ids_before_everyone() -> None:
    overrides = Overrides()
    overrides.force("config", "c", {"for": "everyone"})
    overrides.force("config", "c", {"for": "company"}, "acme")
    overrides.force("config", "c", {"for": "user"}, "ada")
    company = {"customIDs": {"companyID": "acme"}}
    users: dict[str, Json] = {
        "user": {"userID": "ada", **company},
        "company": {"userID": "bob", **company},
        "everyone": {"userID": "bob"},
    }
    for wanted, user in users.items():
        assert ask(project(), "config", "c", user, overrides=overrides).value == {"for": wanted}


def test_released_override_is_gone() -> None:
    overrides = forced("gate", "g", True, "ada")
    overrides.force("gate", "g", True, "bob")
    overrides.release("gate", "g", "ada")
    assert ask(project(), "gate", "g", {"userID": "ada"}, overrides=overrides).value is False
    assert ask(project(), "gate", "g", {"userID": "bob"}, overrides=overrides).value is True
    overrides.release("gate", "g")
    assert not overrides


def test_group_name_takes_the_value_of_that_group() -> None:
    rules = (rule(rule_id="a", value={"a": 0}, groupName="Control"), rule(value={"a": 1}, groupName="Test"))
    made = project(configs={"e": experiment(*rules)})
    assert ask(made, "experiment", "e", overrides=forced("experiment", "e", GroupName("Test"))).value == {"a": 1}
    assert ask(made, "experiment", "e", overrides=forced("experiment", "e", GroupName("Nobody"))).value is None


def test_override_of_a_nested_gate_decides_but_does_not_show_in_the_reason() -> None:
    made = project({"g": gate(rule(condition("pass_gate", None, "inner"))), "inner": gate()})
    found = ask(made, "gate", "g", overrides=forced("gate", "inner", True))
    assert (found.value, found.rule_id, found.reason("Network")) == (True, "r", "Network:Recognized")


@pytest.mark.parametrize("is_new", [False, True])
def test_override_of_a_delegate_is_the_whole_reason_also_where_an_id_list_was_looked_into(is_new: bool) -> None:
    listed = on_field("userID", "in_segment_list", "members")
    delegating = rule(listed, configDelegate="e", value={})
    made = project(
        configs={"e": experiment(rule(value={"a": 0}))}, layers={"l": layer(delegating, useNewLayerEval=is_new)}
    )
    lists = {"members": {hash_unit_id("ada")}}
    assert ask(made, "layer", "l", id_lists=lists).reason("Network") == "Network:Recognized:IdListInMemory"
    found = ask(made, "layer", "l", overrides=forced("experiment", "e", {"a": 1}), id_lists=lists)
    assert found.reason("Network") == "LocalOverride:Recognized"


def test_override_of_an_experiment_reaches_its_layer() -> None:
    made = project(
        configs={"e": experiment(rule(value={"a": 0}))}, layers={"l": layer(rule(configDelegate="e", value={}))}
    )
    found = ask(made, "layer", "l", overrides=forced("experiment", "e", {"a": 1}))
    assert (found.value, found.rule_id) == ({"a": 1}, "override")


@pytest.mark.parametrize("is_active", [False, True])
def test_overridden_delegate_is_as_active_as_its_layer(is_active: bool) -> None:
    delegating = layer(rule(configDelegate="e", value={}), isActive=is_active)
    made = project(configs={"e": experiment(isActive=not is_active)}, layers={"l": delegating})
    found = ask(made, "layer", "l", overrides=forced("experiment", "e", {"a": 1}))
    assert found.is_experiment_active is is_active
