"""A sweep over many specs comes to what one question after the other comes to."""

import pytest

from evaluator import evaluate
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluate import find_outcome
from evaluator.evaluation import Evaluation
from evaluator.outcome import PENDING, Outcome
from evaluator.overrides import Overrides
from evaluator.plan import Plan
from evaluator.project import Project
from evaluator.sweep import MOST_FOLLOWED, MOST_PLANS, Asked, Ways, comes_to_an_end, find_outcomes, plan_ahead
from evaluator.view import UserView
from tests.evaluator.builders import (
    NOW,
    Json,
    condition,
    config,
    experiment,
    gate,
    layer,
    on_field,
    project,
    rule,
    view,
)

STAFF = on_field("email", "str_contains_any", ["@staff.test"])
USERS: tuple[Json, ...] = ({"userID": "a"}, {"userID": "b", "email": "b@staff.test"}, {"userID": "c"}, {})


def in_bucket(operator: str, target: object) -> Json:
    return condition("user_bucket", operator, target, additionalValues={"salt": "s"})


def sample() -> Project:
    passes, fails = condition("pass_gate", None, "staff"), condition("fail_gate", None, "staff")
    in_segment, odd = condition("pass_gate", None, "segment:staff"), condition("pass_gate", None, "odd")
    half = rule(value={"a": "half"}, passPercentage=50, groupName="Half", isExperimentGroup=True)
    to_experiment = rule(value={}, configDelegate="e")
    return project(
        {
            "staff": gate(rule(STAFF, rule_id="s")),
            "always": gate(rule(rule_id="all")),
            "never": gate(rule(passPercentage=0, rule_id="off")),
            "off": gate(rule(condition("pass_gate", None, "never"))),
            "half": gate(rule(passPercentage=50)),
            "nested": gate(rule(passes, rule_id="n"), rule(fails, passPercentage=50)),
            "empty": gate(),
            "segment:staff": gate(rule(STAFF), entity="segment"),
            "odd": gate(rule(condition("from_the_future"))),
            "behind": gate(rule(passes, rule_id="b"), rule(rule_id="all")),
            "only": gate(rule(passes)),
            "segmented": gate(rule(in_segment), rule(rule_id="all")),
            "puzzled": gate(rule(odd), rule(rule_id="all")),
        },
        {
            "c": config(rule(STAFF, value={"a": 1})),
            "e": experiment(rule(passes, value={"a": 2}), half),
            "p": experiment(half),
            "held": experiment(rule(passes, value={"a": 0}), rule(value={"a": 1}, isExperimentGroup=True)),
            "out": experiment(rule(passes, value={"a": 0}), rule(value={"a": 1}, passPercentage=0)),
            "whole": experiment(rule(in_bucket("any", {"-1": True})), rule(in_bucket("lt", 1000), value={"a": 1})),
        },
        {
            "l": layer(to_experiment),
            "plain": layer(rule(value={}, configDelegate="p")),
            "guarded": layer(rule(passes, value={}, configDelegate="e"), to_experiment),
            "also guarded": layer(rule(passes, value={}, configDelegate="e"), to_experiment),
            "new": layer(rule(passes, value={"b": 1}), to_experiment, default={"b": 0}, useNewLayerEval=True),
            "lost": layer(rule(value={"a": 3}, configDelegate="gone")),
        },
    )


def list_asked(made: Project) -> list[Asked]:
    sections = (("gate", made.gates), ("experiment", made.configs), ("layer", made.layers))
    return [Asked(kind, name) for kind, section in sections for name in section]


def show(asked: Asked, outcome: Outcome) -> list[object]:
    found = Evaluation(asked.kind, asked.name, outcome, None)
    own = [getattr(found, name) for name, one in vars(Evaluation).items() if isinstance(one, property)]
    return [*own, outcome.trail, outcome.undelegated, outcome.marks]


@pytest.mark.parametrize("is_forced", [False, True])
def test_every_outcome_is_that_of_its_own_question(is_forced: bool) -> None:
    made = sample()
    asked = list_asked(made)
    overrides = Overrides()
    overrides.force("gate", "staff", True)
    options = {"overrides": overrides} if is_forced else {}
    for user in USERS:
        found = find_outcomes(view(made, user, **options), Ways(made, asked))
        for one, outcome in zip(asked, found, strict=True):
            alone = find_outcome(view(made, user, **options), one.kind, one.name)
            assert show(one, outcome) == show(one, alone), (user, one.name)


@pytest.mark.parametrize("is_forced", [False, True])
def test_sections_of_one_view_come_to_the_same(is_forced: bool) -> None:
    made = sample()
    overrides = Overrides()
    overrides.force("experiment", "e", {"a": 9})
    options = {"overrides": overrides} if is_forced else {}
    for user in USERS:
        seen = view(made, user, **options)
        for kind in ("experiment", "layer"):
            asked = [one for one in list_asked(made) if one.kind == kind]
            for one, outcome in zip(asked, find_outcomes(seen, Ways(made, asked)), strict=True):
                alone = find_outcome(view(made, user, **options), one.kind, one.name)
                assert show(one, outcome) == show(one, alone), (user, one.name)


def test_users_who_are_asked_in_turns_get_their_own() -> None:
    made = sample()
    asked = list_asked(made)
    ways = Ways(made, asked, is_kept=True)
    assert {"c", "staff", "half"}.isdisjoint(one.name for one in behind_gates(ways))
    assert {"behind", "held", "out", "guarded", "also guarded"} <= {one.name for one in behind_gates(ways)}
    for user in (*USERS, *USERS[::-1], *USERS):
        seen = view(made, user)
        outcomes = find_outcomes(seen, ways)
        plan_ahead(seen)
        for one, outcome in zip(asked, outcomes, strict=True):
            assert show(one, outcome) == show(one, find_outcome(view(made, user), one.kind, one.name)), (user, one.name)


def behind_gates(ways: Ways[Asked]) -> list[Asked]:
    plan = ways.plan
    groups = [(*one.settled, *one.walked) for one in (*plan.gated, *plan.gated_layers)]
    return [ways.asked[place] for members in groups for place, *_ in members]


def test_specs_behind_one_gate_share_what_nothing_else_decides() -> None:
    made = sample()
    ways = Ways(made, [Asked("experiment", "held"), Asked("experiment", "out"), Asked("gate", "behind")])
    assert [one.condition.gate for one in ways.plan.gated] == ["staff"]
    first, second = (find_outcomes(view(made, {"userID": name}), ways) for name in "ab")
    assert all(one is other and one.is_shared for one, other in zip(first, second, strict=True))
    assert find_outcomes(view(made, USERS[1]), ways)[0].verdict.value == {"a": 0}
    assert not Ways(made, [Asked("experiment", "held")]).plan.gated  # one alone gains nothing


def test_a_gate_that_leaves_much_behind_is_not_remembered_for_ever() -> None:
    ranks = [rule(on_field("rank", "any", [str(rank)]), rule_id=f"r{rank}", passPercentage=0) for rank in range(40)]
    held = experiment(rule(condition("pass_gate", None, "ranked")), rule(value={"a": 1}))
    made = project({"ranked": gate(*ranks)}, {"held": held, "also": held})
    ways = Ways(made, [Asked("experiment", "held"), Asked("experiment", "also")])
    trails = {find_outcomes(view(made, {"custom": {"rank": rank}}), ways)[0].trail for rank in range(40)}
    assert trails == {(("ranked", "false", f"r{rank}"),) for rank in range(40)}


def test_layers_behind_a_gate_are_asked_after_their_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_alone: list[str] = []
    ask = evaluate._evaluate

    def note(view: UserView, kind: str, name: str) -> Outcome:
        asked_alone.append(name)
        return ask(view, kind, name)

    monkeypatch.setattr(evaluate, "_evaluate", note)
    made = sample()
    asked = [Asked("layer", "guarded"), Asked("layer", "also guarded"), Asked("experiment", "e")]
    guarded, _also, own = find_outcomes(view(made, USERS[0]), Ways(made, asked))
    assert guarded.verdict is own.verdict
    assert guarded.delegate == "e"
    assert asked_alone == []


def test_what_everyone_gets_is_there_before_the_first_user() -> None:
    made = sample()
    ways = Ways(made, list_asked(made))
    assert list_known(ways, ways.plan) == {"always", "never", "empty"}
    assert len(ways.plan.constants) == 3
    seen = view(made)
    assert PENDING not in find_outcomes(seen, ways)
    assert PENDING in ways.plan.outcomes


def list_known(ways: Ways[Asked], plan: Plan) -> set[str]:
    """The names of what a plan says before anybody is asked."""
    return {one.name for one, outcome in zip(ways.asked, plan.outcomes, strict=True) if outcome is not PENDING}


def of_free_plan(user_id: str) -> Json:
    return {"userID": user_id, "custom": {"plan": "free"}}


def for_plans() -> Project:
    on_free, on_paid = on_field("plan", "any", ["free"]), on_field("plan", "any", ["paid"])
    is_ada, is_late = on_field("userID", "any", ["ada"]), condition("current_time", "after", NOW)
    return project(
        {
            "free": gate(rule(on_free)),
            "paid": gate(rule(on_paid)),
            "ada": gate(rule(is_ada)),
            "half": gate(rule(on_paid), rule(is_ada), rule(on_free, share=50), rule()),
            "late": gate(rule(on_paid), rule(is_late)),
            "nested": gate(rule(condition("pass_gate", None, "late"), on_paid), rule(on_free)),
        }
    )


def follow(ways: Ways[Asked], user: UserView) -> None:
    """Ask about a user, and plan ahead for the next ones."""
    find_outcomes(user, ways)
    plan_ahead(user)


def test_users_with_the_same_attributes_get_a_shorter_plan() -> None:
    made = for_plans()
    ways = Ways(made, list_asked(made), is_kept=True)
    first = ways.plan
    follow(ways, view(made, of_free_plan("a")))
    second, third = (ways.find_plan(view(made, of_free_plan(name))) for name in "bc")
    assert second is third
    assert second is not first
    assert list_known(ways, first) == set()
    assert list_known(ways, second) == {"free", "paid", "ada"}
    left = {spec.name: len(rules) for _place, _key, spec, rules in (*second.alone, *second.walked)}
    # A gate that a rule asks is exposed, whether the rest of the rule holds or not.
    assert left == {"half": 1, "late": 1, "nested": 2}


def test_user_whom_a_condition_names_is_not_alike() -> None:
    made = for_plans()
    ways = Ways(made, list_asked(made), is_kept=True)
    follow(ways, view(made, of_free_plan("a")))
    assert ways.find_plan(view(made, of_free_plan("c"))) is not ways.plan
    assert ways.find_plan(view(made, of_free_plan("Ada"))) is ways.plan


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"custom": {"plan": 1}}, {"custom": {"plan": True}}),
        ({"custom": {"plan": 1}}, {"custom": {"plan": "1"}}),
        ({"custom": {"plan": 1}}, {"custom": {"plan": 1.0}}),
        ({"custom": {"plan": "a"}}, {"privateAttributes": {"plan": "a"}}),
        ({"email": "a"}, {"country": "a"}),
        ({}, {"statsigEnvironment": {"tier": "staging"}}),
    ],
)
def test_attributes_tell_users_apart(one: Json, other: Json) -> None:
    made = for_plans()
    assert view(made, one).attributes != view(made, other).attributes
    assert view(made, one).attributes == view(made, {**one, "userID": "b", "customIDs": {"c": "d"}}).attributes


def test_attributes_are_those_of_a_side_that_evaluates() -> None:
    made = for_plans()
    of_sides = {
        view(made, USERS[0], **options).attributes
        for options in ({}, {"environment": {"tier": "staging"}}, {"global_custom": {"plan": "free"}})
    }
    assert len(of_sides) == 3
    assert not any(b"staging" in one for one in of_sides)  # a digest: nothing of a user is kept


def test_plans_are_bounded() -> None:
    made = for_plans()
    ways = Ways(made, list_asked(made), is_kept=True)
    users = [{"custom": {"plan": str(number)}} for number in range(MOST_PLANS + 1)]

    def list_planned() -> list[bool]:
        return [ways.find_plan(view(made, user)) is not ways.plan for user in users]

    for user in users:
        follow(ways, view(made, user))
    assert list_planned() == [True] + [False] * MOST_PLANS  # not for everybody: the second like that tells
    for user in users:
        follow(ways, view(made, user))
    assert list_planned() == [True] * MOST_PLANS + [False]


def test_what_is_not_kept_is_not_planned() -> None:
    made = for_plans()
    ways = Ways(made, list_asked(made))
    for name in "abc":
        follow(ways, view(made, of_free_plan(name)))
    assert ways.find_plan(view(made, of_free_plan("d"))) is ways.plan


def test_layer_shares_what_its_experiment_came_to() -> None:
    made = sample()
    asked = [Asked("layer", "plain")]
    first, second = (find_outcomes(view(made, {"userID": "a"}), Ways(made, asked))[0] for _ in range(2))
    assert first is second
    assert first.is_shared
    guarded, again = (find_outcomes(view(made, USERS[1]), Ways(made, [Asked("layer", "guarded")]))[0] for _ in range(2))
    assert guarded is again
    assert guarded.delegate == "e"
    assert guarded.trail


def chain(length: int, last: Json) -> Project:
    """Gates g0, g1, …, each asking the next, and the last one."""
    asking = {f"g{at}": gate(rule(condition("pass_gate", None, f"g{at + 1}"))) for at in range(length)}
    return project({**asking, f"g{length}": last})


@pytest.mark.parametrize(
    ("made", "ends"),
    [
        (chain(3, gate(rule(STAFF))), True),
        (chain(3, gate(rule(condition("pass_gate", None, "nobody's")))), True),
        (chain(3, gate(rule(condition("unit_id", "in_segment_list", "list")))), True),
        (chain(MOST_FOLLOWED - 1, gate(rule(STAFF))), True),
        (chain(MOST_FOLLOWED + 1, gate(rule(STAFF))), False),
        (chain(3, gate(rule(condition("fail_gate", None, "g0")))), False),
        (chain(3, gate(rule(condition("fail_gate", None, "g3")))), False),
        (chain(3, gate(rule(configDelegate="e"))), False),
        (chain(3, gate(rule(condition("experiment_group", "any", ["A"], field="e")))), False),
    ],
)
def test_gate_comes_to_an_end_where_none_leads_back(made: Project, ends: bool) -> None:
    first = made.find_gate("g0")
    assert first is not None
    assert comes_to_an_end(made, first) is ends


def test_gates_that_ask_the_same_ones_are_followed_once() -> None:
    width, depth = 12, 10
    rules = [
        [rule(condition("pass_gate", None, f"{level + 1}.{one}")) for one in range(width)] for level in range(depth)
    ]
    made = project({f"{level}.{one}": gate(*rules[level]) for level in range(depth) for one in range(width)})
    first = made.find_gate("0.0")
    assert first is not None
    assert comes_to_an_end(made, first)  # at once: there are 12 ** 9 ways


def test_circle_ends_the_sweep() -> None:
    one, other = (gate(rule(condition("pass_gate", None, name))) for name in ("b", "a"))
    seen = view(project({"a": one, "b": other}))
    with pytest.raises(EvaluationDepthExceeded):
        find_outcomes(seen, Ways(seen.project, [Asked("gate", "a")]))
