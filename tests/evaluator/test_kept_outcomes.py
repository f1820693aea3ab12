"""What is made once for all users: never another's answer, and not without end."""

from evaluator.client_response import ResponseOptions, join_parts, write_response_parts
from evaluator.client_response.kept import MOST_WHOLES, find_kept
from evaluator.evaluate import MOST_TRAILS, evaluate_gate, evaluate_layer
from evaluator.layers import MOST_WAYS
from evaluator.outcome import RECOGNIZED
from evaluator.overrides import Overrides
from evaluator.project import Project
from evaluator.view import UserView
from tests.evaluator.builders import Json, condition, experiment, gate, layer, on_field, project, rule, view

ASKED = 7  # gates of one field each: 128 ways
USERS = [
    {"userID": "a", "custom": {f"f{at}": str(number >> at & 1) for at in range(ASKED)}} for number in range(1 << ASKED)
]


def sample() -> Project:
    gates = {f"g{at}": gate(rule(on_field(f"f{at}", "any", ["1"]), rule_id=f"r{at}")) for at in range(ASKED)}
    passes = [condition("pass_gate", None, name) for name in gates]
    listed = condition("unit_id", "in_segment_list", "list")
    return project(
        {
            **gates,
            "all": gate(rule(*passes)),
            "listed": gate(rule(listed, passes[0])),
        },
        {"e": experiment(rule(passes[0], value={"b": 1}, rule_id="one"), rule(value={"b": 2}, rule_id="two"))},
        {"l": layer(rule(*passes, value={}, configDelegate="e"), rule(value={}, configDelegate="e"))},
    )


def respond(seen: UserView) -> bytes:
    return join_parts(write_response_parts(seen, ResponseOptions()))


def test_every_user_gets_what_a_project_of_its_own_would_answer() -> None:
    made = sample()
    for user in (*USERS, *reversed(USERS)):
        assert respond(view(made, user)) == respond(view(sample(), user))
        for evaluate, name in ((evaluate_gate, "all"), (evaluate_layer, "l")):
            found, alone = evaluate(view(made, user), name), evaluate(view(sample(), user), name)
            assert found.rule_id == alone.rule_id
            assert found.secondary_exposures == alone.secondary_exposures
            assert found.undelegated_secondary_exposures == alone.undelegated_secondary_exposures


def test_what_is_kept_of_many_ways_is_bounded() -> None:
    made = sample()
    for user in USERS:
        respond(view(made, user))
    everything = made.find_gate("all")
    assert everything is not None
    kept = [len(one.trailed) for one in (everything.fallback, everything.rules[0].passed)]
    assert kept == [MOST_TRAILS, 1]
    asking = made.find_layer("l")
    assert asking is not None
    assert [len(one.delegated or {}) for one in asking.rules] == [1, MOST_WAYS]
    listing = find_kept(made, "djb2").find_form("v1").listing
    assert max(len(one.wholes) for one in (*listing.gates.listed, *listing.layers.listed)) == MOST_WHOLES


def test_what_users_share_is_a_spec_s_own() -> None:
    made = sample()
    overrides = Overrides()
    overrides.force("gate", "all", True)
    overrides.force("experiment", "e", {"b": 3})
    for user in USERS:
        respond(view(made, user))
        respond(view(made, user, overrides=overrides))
    listing = find_kept(made, "djb2").find_form("v1").listing
    sections = (listing.gates, listing.configs, listing.layers)
    shared = [outcome for section in sections for one in section.listed for outcome in one.wholes]
    assert all(outcome.spec is not None and not outcome.is_overridden for outcome in shared)
    assert {outcome.state for outcome in shared} == {RECOGNIZED}
    assert {outcome.parameter_rule_ids for outcome in shared} == {None}


def test_same_exposures_with_and_without_a_look_into_a_list_are_told_apart() -> None:
    with_unit: Json = {"userID": "a"}
    nobody: Json = {}
    for users in ((with_unit, nobody), (nobody, with_unit)):
        made = sample()
        for user in (*users, *users):
            found = evaluate_gate(view(made, user), "listed")
            assert found.state == ("Recognized:IdListInMemory" if user else "Recognized")
            assert [one["gate"] for one in found.secondary_exposures] == ["g0"]
