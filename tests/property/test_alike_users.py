"""Users with the same attributes are answered together, and each as the official core, live, answers them.

The projects are made so that conditions are met about as often as missed, and users so that few attributes and few IDs
come in many combinations.
"""

from itertools import product
from random import Random

import pytest

from evaluator.client_response import ResponseOptions, write_client_response
from evaluator.decode import decode_project
from evaluator.sweep import plan_ahead
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.conformance.official_core import OfficialCore
from tests.conformance.test_vectors import same
from tests.evaluator.builders import NOW, Json, condition, config, document, experiment, gate, layer, on_field, rule

PROJECTS = 12
SECTIONS = ("feature_gates", "dynamic_configs", "layer_configs")
# Of conditions that ask for attributes, for IDs, and for what is different each time.
OF_ATTRIBUTES: tuple[Json, ...] = (
    on_field("plan", "any", ["free", "1"]),
    on_field("plan", "none", ["free"]),
    on_field("age", "gt", 17),
    on_field("email", "str_contains_any", ["@staff."]),
    on_field("appVersion", "version_gte", "2.0"),
    condition("environment_field", "any", ["staging"], field="tier"),
    condition("ip_based", "any", ["US"], field="country"),
)
OF_IDS: tuple[Json, ...] = (
    on_field("userID", "any", ["Ada", "42"]),
    on_field("user_id", "none", ["ada"]),
    on_field("userID", "str_starts_with_any", ["b"]),
    condition("unit_id", "any_case_sensitive", ["Ada"]),
    condition("unit_id", "none_case_sensitive", ["c1"], idType="companyID"),
    condition("unit_id", "any", ["C1"], idType="companyID"),
)
OTHERS: tuple[Json, ...] = (
    condition(),
    condition("user_bucket", "lt", 500, additionalValues={"salt": "one"}),
    condition("user_bucket", "any", list(range(300)), additionalValues={"salt": "two"}),
    condition("current_time", "after", NOW - 1_000),
    condition("pass_gate", None, "on_plan"),
    condition("fail_gate", None, "on_plan"),
    condition("pass_gate", None, "held"),
)
ATTRIBUTES: tuple[Json, ...] = (
    {},
    {"email": "a@staff.test", "custom": {"plan": "free", "age": 18}},
    {"appVersion": "2.1", "country": "US", "custom": {"plan": 1}},
    {"custom": {"plan": True}, "statsigEnvironment": {"tier": "staging"}},
    {"custom": {"plan": "1", "age": 17}, "privateAttributes": {"age": 30}},
)
IDS: tuple[Json, ...] = (
    *({"userID": one} for one in ("u1", "u2", "Ada", "ada", "bob", "u3", 42, "")),
    {},
    {"userID": "u4", "customIDs": {"companyID": "c1"}},
    {"userID": "u5", "customIDs": {"companyID": "c2"}},
)


def make_project(dice: Random) -> Json:
    """Make a document; the gates that conditions ask come to an end."""
    every = (*OF_ATTRIBUTES, *OF_ATTRIBUTES, *OF_IDS, *OTHERS)
    experiments = [f"experiment_{number}" for number in range(6)]

    def make_rules(*, value: object = True, **changes: object) -> list[Json]:
        return [
            rule(
                *dice.choices(every, k=dice.choice((0, 1, 1, 1, 2))),
                rule_id=f"r{number}",
                share=dice.choice((100, 100, 100, 50, 0)),
                value=value if value is True else {"number": number},
                **changes,
            )
            for number in range(dice.randint(1, 4))
        ]

    held = condition("pass_gate", None, "held")
    groups = {"isExperimentGroup": True, "groupName": "Group"}
    gates = {
        "on_plan": gate(rule(dice.choice(OF_ATTRIBUTES), rule_id="p"), rule(dice.choice(OF_IDS), rule_id="i")),
        "held": gate(rule(share=dice.choice((0, 10)), rule_id="h"), entity="holdout"),
        **{f"gate_{number}": gate(*make_rules()) for number in range(12)},
        **{f"behind_{number}": gate(rule(held, share=0, rule_id="held"), *make_rules()) for number in range(4)},
    }
    configs = {
        **{f"config_{number}": config(*make_rules(value=None)) for number in range(6)},
        **{name: experiment(*make_rules(value=None, **groups)) for name in experiments[:3]},
        **{name: experiment(rule(held, share=0), *make_rules(value=None, **groups)) for name in experiments[3:]},
    }
    layers = {
        f"layer_{number}": layer(*make_rules(value=None, configDelegate=dice.choice(experiments)))
        for number in range(4)
    }
    return document(gates, configs, layers, experiment_to_layer={})


@pytest.mark.parametrize("number", range(PROJECTS))
def test_everyone_gets_the_answers_of_the_official_core(number: int) -> None:
    dice = Random(number)
    made = make_project(dice)
    project = decode_project(made)
    users: list[Json] = [{**ids, **attributes} for ids, attributes in product(IDS, ATTRIBUTES)]
    dice.shuffle(users)
    met = set()
    with OfficialCore(made) as core:
        for user in users:
            wanted = core.get_client_initialize_response(user, "none")
            view = UserView(project, decode_user(user), NOW)
            found = write_client_response(view, ResponseOptions(hash="none"), {})
            plan_ahead(view)
            for section in SECTIONS:
                for name, entry in wanted[section].items():
                    assert same(entry, found[section][name]), (section, name, user)
                    met.add((section, name, entry["rule_id"]))
    assert len(met) > 2 * sum(len(made[section]) for section in SECTIONS)  # otherwise not much was asked
