"""Why a user gets a value: the walk of an evaluation, recorded.

There is no second evaluator: a view that carries a `Trace` is evaluated as always, and the walk reports to the trace
what it enters, which rules it tried and how it came out. The trace is a tree of plain JSON values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluator.conditions import find_bucket, find_member
from evaluator.evaluate import evaluate_config, evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.spec import Condition, GateCondition, GroupCondition, ListCondition, Unsupported
from evaluator.view import UserView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluator.evaluation import Evaluation
    from evaluator.options import Options
    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import AnyCondition, Rule, Spec
    from evaluator.user import User

type Node = dict[str, Any]

_EVALUATE = {
    "gate": evaluate_gate,
    "config": evaluate_config,
    "experiment": evaluate_experiment,
    "layer": evaluate_layer,
}


def explain(project: Project, user: User, kind: str, name: str, *, now_ms: int, options: Options) -> Node:
    """Evaluate one spec and return the trace: its answer, then every rule tried with each condition."""
    trace = Trace()
    view = UserView(project, user, now_ms, options)
    view.report_to(trace)
    found = _EVALUATE[kind](view, name)
    return {**_describe(found), "rules": [], **trace.finish()}


def _describe(found: Evaluation) -> Node:
    return {
        "kind": found.kind,
        "name": found.name,
        "value": found.value,
        "rule_id": found.rule_id,
        "group_name": found.group_name,
        "state": found.state,
        "is_overridden": found.is_overridden,
        "mapped_to": found.mapped_to,
        "allocated_experiment": found.allocated_experiment,
        "secondary_exposures": found.secondary_exposures,
    }


class Trace:
    """Records a walk; nested specs hang under the rule that asked for them, a delegate under its rule."""

    def __init__(self) -> None:
        self._open: list[tuple[Node, list[Node]]] = []
        self._finished: Node = {}

    def enter(self, kind: str, spec: Spec) -> None:
        """Note that the walk of a spec begins."""
        node: Node = {"kind": kind, "name": spec.name, "enabled": spec.document.get("enabled"), "rules": []}
        self._open.append((node, []))

    def record_rule(self, view: UserView, rule: Rule, matched: bool) -> None:
        """Note a rule, its conditions with the values they saw, and the specs walked for them."""
        node, waiting = self._open[-1]
        references = rule.document["conditions"]
        documents = [view.project.find_condition(one) for one in references] if isinstance(references, list) else []
        entry: Node = {
            "id": rule.passed.rule_id,
            "name": rule.document.get("name"),
            "matched": matched,
            "conditions": [
                _describe_condition(view, condition, document)
                for condition, document in zip(rule.conditions, documents, strict=True)
            ],
            "nested": list(waiting),
        }
        if matched:
            entry["pass_percentage"] = rule.pass_percentage
            entry["bucket"] = bucket = find_bucket(view, rule)
            entry["threshold"] = rule.pass_percentage * 100
            entry["passed"] = bucket < rule.pass_percentage * 100
        waiting.clear()
        node["rules"].append(entry)

    def leave(self, outcome: Outcome) -> None:
        """Note how the walk of a spec came out."""
        node, waiting = self._open.pop()
        node["rule_id"] = outcome.verdict.rule_id
        node["outcome"] = outcome.verdict.passed if node["kind"] == "gate" else outcome.verdict.value
        if waiting and node["rules"]:
            node["rules"][-1]["delegate"] = waiting[-1]
        if self._open:
            self._open[-1][1].append(node)
        else:
            self._finished = node

    def finish(self) -> Node:
        """Return the rules of the outermost spec."""
        return {key: self._finished[key] for key in ("rules", "enabled") if key in self._finished}


def _describe_condition(view: UserView, condition: AnyCondition, document: Mapping[str, object]) -> Node:
    entry: Node = {
        "type": document.get("type"),
        "field": document.get("field"),
        "operator": document.get("operator"),
        "target": document.get("targetValue"),
    }
    if isinstance(condition, Condition):
        reading, test, wanted = condition.ask()
        value = reading.source(view)
        entry["value"] = getattr(value, "ms", value)
        entry["result"] = test(view.read(reading)) is wanted
    elif isinstance(condition, GateCondition):
        outcome = view.memo[condition.gate]
        entry["value"] = outcome.verdict.passed
        entry["result"] = outcome.verdict.passed is condition.wanted
    elif isinstance(condition, ListCondition):
        found = find_member(view, condition)
        entry["value"] = found
        entry["result"] = (found is True) is condition.wanted
    elif isinstance(condition, (GroupCondition, Unsupported)):
        entry["result"] = None
    return entry
