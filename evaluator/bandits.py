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
from evaluator.sources import ABSENT, find_user_value
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
    trail: tuple[Exposure, ...] = ()
    if not (bandit["enabled"] and groups):
        return _outcome(bandit, _default_verdict(bandit, "prestart"), trail)
    gate = cast("str | None", bandit.get("targetingGateName"))
    if gate is not None:
        passed, trail = _check_targeting(view, gate, find_gate)
        if not passed:
            return _outcome(bandit, _default_verdict(bandit, "inlineTargetingRules"), trail)
    bucket = _bucket_of(view, bandit)
    weights = bandit.get("config")
    if weights is None:
        return _outcome(bandit, _group_verdict(groups[int(bucket // (PASS_BUCKETS / len(groups)))]), trail, _EXPLORE)
    table = cast("Mapping[str, Mapping[str, object]]", weights)
    if bucket < cast("float", bandit["sampleRate"]) * PASS_BUCKETS:
        return _outcome(bandit, _group_verdict(_sample_group(groups, table, bucket)), trail, _EXPLORE)
    return _outcome(bandit, _group_verdict(_find_best_group(view, bandit, groups, table, bucket)), trail)


def rank_groups(view: UserView, name: str, find_gate: FindGate) -> list[tuple[Group, float | None]]:
    """Return the groups of a bandit with their scores, the best first and those without one last.

    Empty where no group would be chosen: the bandit is not enabled, or the user fails its targeting gate.
    """
    bandit = cast("Bandit", view.project.cmab_configs[name])
    gate = cast("str | None", bandit.get("targetingGateName"))
    if not bandit["enabled"] or (gate is not None and not _check_targeting(view, gate, find_gate)[0]):
        return []
    table = cast("Mapping[str, Mapping[str, object]]", bandit.get("config") or {})
    groups = cast("list[Group]", bandit["groups"])
    scored = [(group, _score(view, table.get(cast("str", group["id"])))) for group in groups]
    sign = -1 if bandit["higherIsBetter"] is True else 1
    return sorted(scored, key=lambda one: (one[1] is None, sign * (one[1] or 0.0)))


def _check_targeting(view: UserView, gate: str, find_gate: FindGate) -> tuple[bool, tuple[Exposure, ...]]:
    try:
        outcome = find_gate(view, gate)
    except EvaluationDepthExceeded:
        view.forget_unfinished()
        outcome = Outcome(None, NO_VERDICT)
    passed = outcome.verdict.passed
    if gate.startswith("segment:"):
        return passed, outcome.trail
    return passed, (*outcome.trail, (gate, "true" if passed else "false", outcome.verdict.rule_id))


def _outcome(bandit: Bandit, verdict: Verdict, trail: tuple[Exposure, ...], suffix: str = "") -> Outcome:
    outcome = Outcome(None, verdict, trail)
    outcome.id_type = cast("str", bandit["idType"])
    outcome.version = cast("int", bandit["version"])
    outcome.is_active = bandit["enabled"] is True
    outcome.suffix = suffix
    return outcome


def _default_verdict(bandit: Bandit, rule_id: str) -> Verdict:
    return Verdict(rule_id, False, bandit["defaultValue"])


def _group_verdict(group: Group) -> Verdict:
    return Verdict(cast("str", group["id"]), True, group["parameterValues"], group_name=cast("str", group["name"]))


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
        value = find_user_value(view, field, field.lower())
        if value is not ABSENT:
            text = find_text(value)
            score += by_text.get(write_json(value) if text is None else text, 0.0)
    for field, weight in numerical.items():
        value = find_user_value(view, field, field.lower())
        number = None if value is ABSENT else find_number(value)
        score += 0.0 if number is None else number * weight
    return score
