"""Contextual bandits (`cmab_configs`): the group with the best linear score for this user.

The core explores at random; here the randomness comes from the unit ID, so that an answer can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from evaluator.bucketing import PASS_BUCKETS, hash_text, to_bytes
from evaluator.coerce import find_number, find_text, write_json
from evaluator.errors import EvaluationDepthExceeded
from evaluator.outcome import NO_VERDICT, Outcome
from evaluator.sources import ABSENT, find_field
from evaluator.spec import Verdict

if TYPE_CHECKING:
    from evaluator.spec import Exposure
    from evaluator.view import UserView

type Bandit = Mapping[str, object]
type Group = Mapping[str, object]
type FindGate = Callable[[UserView, str], Outcome]

_EXPLORE = ":explore"


def evaluate_bandit(view: UserView, name: str, find_gate: FindGate) -> Outcome:
    """Choose a group for the user; `find_gate` walks the targeting gate."""
    bandit = cast("Bandit", view.project.cmab_configs[name])
    groups = cast("list[Group]", bandit["groups"])
    if not (bandit["enabled"] and groups):
        return _outcome(bandit, _default_verdict(bandit, "prestart"), ())
    gate = cast("str | None", bandit.get("targetingGateName"))
    if gate is None:
        group, suffix = _choose(view, bandit, groups)
        return _outcome(bandit, _group_verdict(group), (), suffix)
    targeting = _find_targeting(view, gate, find_gate)
    trail = _expose(gate, targeting)
    if targeting.verdict.passed:
        group, suffix = _choose(view, bandit, groups)
        outcome = _outcome(bandit, _group_verdict(group, targeting.verdict), trail, suffix)
    else:
        outcome = _outcome(bandit, _default_verdict(bandit, "inlineTargetingRules", targeting.verdict), trail)
    # Other than a nested gate, the targeting gate shows in the answer: the core takes nothing of it back.
    outcome.is_overridden, outcome.marks = targeting.is_overridden, targeting.marks
    outcome.behind = targeting.spec
    return outcome


def _choose(view: UserView, bandit: Bandit, groups: list[Group]) -> tuple[Group, str]:
    """Choose a group; returns what its rule ID ends in as well."""
    bucket = _bucket_of(view, bandit)
    weights = bandit.get("config")
    if weights is None:
        return groups[int(bucket // (PASS_BUCKETS / len(groups)))], _EXPLORE
    table = cast("Mapping[str, Mapping[str, object]]", weights)
    if bucket < cast("float", bandit["sampleRate"]) * PASS_BUCKETS:
        return _sample_group(groups, table, bucket), _EXPLORE
    return _find_best_group(view, bandit, groups, table, bucket), ""


def rank_groups(view: UserView, name: str, find_gate: FindGate) -> list[tuple[Group, float | None]]:
    """Return the groups of a bandit with their scores, the best first and those without one last.

    Empty where no group would be chosen: the bandit is not enabled, or the user fails its targeting gate.
    """
    bandit = cast("Bandit", view.project.cmab_configs[name])
    gate = cast("str | None", bandit.get("targetingGateName"))
    if not bandit["enabled"] or (gate is not None and not _find_targeting(view, gate, find_gate).verdict.passed):
        return []
    table = cast("Mapping[str, Mapping[str, object]]", bandit.get("config") or {})
    groups = cast("list[Group]", bandit["groups"])
    scored = [(group, _score(view, table.get(cast("str", group["id"])))) for group in groups]
    sign = -1 if bandit["higherIsBetter"] is True else 1
    return sorted(scored, key=lambda one: (one[1] is None, sign * (one[1] or 0.0)))


def _find_targeting(view: UserView, gate: str, find_gate: FindGate) -> Outcome:
    depth = view.depth
    try:
        return find_gate(view, gate)
    except EvaluationDepthExceeded:
        # Gates under way above stay marked: one that leads back to its own bandit, twice even, comes to an end.
        if not view.survive_circle(depth):
            raise
        return Outcome(None, NO_VERDICT)


def _expose(gate: str, outcome: Outcome) -> tuple[Exposure, ...]:
    if gate.startswith("segment:"):
        return outcome.trail
    return (*outcome.trail, (gate, "true" if outcome.verdict.passed else "false", outcome.verdict.rule_id))


def _outcome(bandit: Bandit, verdict: Verdict, trail: tuple[Exposure, ...], suffix: str = "") -> Outcome:
    outcome = Outcome(None, verdict, trail)
    outcome.id_type = cast("str", bandit["idType"])
    outcome.version = cast("int", bandit["version"])
    outcome.is_active = bandit["enabled"] is True
    outcome.suffix = suffix
    return outcome


def _default_verdict(bandit: Bandit, rule_id: str, targeting: Verdict = NO_VERDICT) -> Verdict:
    """Return the verdict of nobody's group; the rest is what the targeting gate's rule said, as in the core."""
    return Verdict(rule_id, False, bandit["defaultValue"], rule=targeting.rule)


def _group_verdict(group: Group, targeting: Verdict = NO_VERDICT) -> Verdict:
    """Return the verdict of a group; all but its name is what the targeting gate's rule said, as in the core."""
    rule = {**targeting.rule, "groupName": group["name"]}
    return Verdict(cast("str", group["id"]), True, group["parameterValues"], rule=rule)


def _bucket_of(view: UserView, bandit: Bandit) -> int:
    id_type = cast("str", bandit["idType"])
    unit_id = find_text(view.user.find_unit_id(id_type, id_type.lower())) or ""
    return hash_text(to_bytes(f"{bandit['salt']}.{unit_id}")) % PASS_BUCKETS


def _sample_group(groups: list[Group], table: Mapping[str, Mapping[str, object]], bucket: int) -> Group:
    """Choose a group with a share inverse to how often it was seen; the bucket's last digits stand in for chance."""
    shares = [1 / (cast("int", table.get(cast("str", one["id"]), {}).get("records", 0)) + 1) for one in groups]
    mark = (bucket * 7919 % PASS_BUCKETS) / PASS_BUCKETS * sum(shares)
    for group, share in zip(groups, shares, strict=True):
        mark -= share
        if mark < 0:
            return group
    return groups[-1]


def _find_best_group(
    view: UserView, bandit: Bandit, groups: list[Group], table: Mapping[str, Mapping[str, object]], bucket: int
) -> Group:
    higher = bandit["higherIsBetter"] is True
    best: tuple[float, Group] | None = None
    for group in groups:
        score = _score(view, table.get(cast("str", group["id"])))
        if score is None:
            continue
        if best is None or (score > best[0] if higher else score < best[0]):
            best = (score, group)
    return best[1] if best is not None else groups[bucket % len(groups)]


def _score(view: UserView, weights: Mapping[str, object] | None) -> float | None:
    if weights is None:
        return None
    numerical = cast("Mapping[str, float]", weights["weightsNumerical"])
    categorical = cast("Mapping[str, Mapping[str, float]]", weights["weightsCategorical"])
    if not numerical and not categorical:
        return None
    score = cast("float", weights["intercept"]) + cast("float", weights["alpha"])
    for field, by_text in categorical.items():
        value = find_field(field, ABSENT)(view)
        if value is not ABSENT:
            text = find_text(value)
            score += by_text.get(write_json(value) if text is None else text, 0.0)
    for field, weight in numerical.items():
        value = find_field(field, ABSENT)(view)
        number = None if value is ABSENT else find_number(value)
        score += 0.0 if number is None else number * weight
    return score
