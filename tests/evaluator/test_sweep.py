"""A sweep over many specs comes to what one question after the other comes to."""

import pytest

from evaluator import evaluate
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluate import find_outcome
from evaluator.evaluation import Evaluation
from evaluator.outcome import PENDING, Outcome
from evaluator.overrides import Overrides
from evaluator.project import Project
from evaluator.sweep import MOST_FOLLOWED, Asked, Ways, comes_to_an_end, find_outcomes
from evaluator.view import UserView
from tests.evaluator.builders import Json, condition, config, experiment, gate, layer, on_field, project, rule, view

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
    ways = Ways(made, asked)
    assert {"c", "staff", "half"}.isdisjoint(one.name for one in behind_gates(ways))
    assert {"behind", "held", "out", "guarded", "also guarded"} <= {one.name for one in behind_gates(ways)}
    for user in (*USERS, *USERS[::-1]):
        for one, outcome in zip(asked, find_outcomes(view(made, user), ways), strict=True):
            assert show(one, outcome) == show(one, find_outcome(view(made, user), one.kind, one.name)), (user, one.name)


def behind_gates(ways: Ways[Asked]) -> list[Asked]:
    alone = {place for place, *_ in ways.others} | {at for at, one in enumerate(ways.outcomes) if one is not PENDING}
    return [one for place, one in enumerate(ways.asked) if place not in alone]


def test_specs_behind_one_gate_share_what_nothing_else_decides() -> None:
    made = sample()
    ways = Ways(made, [Asked("experiment", "held"), Asked("experiment", "out"), Asked("gate", "behind")])
    assert [one.condition.gate for one in ways.gated] == ["staff"]
    first, second = (find_outcomes(view(made, {"userID": name}), ways) for name in "ab")
    assert all(one is other and one.is_shared for one, other in zip(first, second, strict=True))
    assert find_outcomes(view(made, USERS[1]), ways)[0].verdict.value == {"a": 0}
    assert not Ways(made, [Asked("experiment", "held")]).gated  # one alone gains nothing


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
    known = {one.name for one, outcome in zip(ways.asked, ways.outcomes, strict=True) if outcome is not PENDING}
    assert known == {"always", "never", "empty"}
    assert len(ways.constants) == len(known)
    seen = view(made)
    assert PENDING not in find_outcomes(seen, ways)
    assert PENDING in ways.outcomes


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
