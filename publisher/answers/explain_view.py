"""A trace as a person reads it: a tree of rules in the order they were tried, each with its conditions.

Nested gates and the delegate of a layer hang where they were asked for. Texts of the spec and the user are shown as
they are: nothing in them is taken for markup.
"""

import json
from collections.abc import Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

type Node = Mapping[str, Any]

LONGEST_VALUE = 60
GATE_CONDITIONS = ("pass_gate", "fail_gate")


def render_trace(trace: Node) -> Tree:
    """Return the tree of a whole trace: its answer on top, then every rule tried."""
    tree = Tree(describe_answer(trace))
    add_rules(tree, trace["rules"])
    if not trace["rules"]:
        tree.add(Text(f"no rule was tried; state {trace['state']}", "dim"))
    return tree


def describe_answer(trace: Node) -> Text:
    """Say in one line what came out, and on what ground."""
    text = Text.assemble((f"{trace['kind']} ", "dim"), (trace["name"], "bold"), " is ", (show(trace["value"]), "bold"))
    text.append(f"  rule {trace['rule_id']}" if trace["rule_id"] else f"  {trace['state']}")
    for label in ("group_name", "allocated_experiment", "mapped_to"):
        if trace.get(label):
            text.append(f"  {label.replace('_', ' ')} {trace[label]}")
    if trace.get("is_overridden"):
        text.append("  by an override")
    return text


def add_rules(tree: Tree, rules: list[Node]) -> None:
    """Hang rules below a spec."""
    for rule in rules:
        branch = tree.add(describe_rule(rule))
        for condition in rule["conditions"]:
            branch.add(describe_condition(condition))
        for nested in rule["nested"]:
            add_spec(branch, nested)
        if "delegate" in rule:
            add_spec(branch, rule["delegate"])


def add_spec(branch: Tree, spec: Node) -> None:
    """Hang a nested gate or a delegate below the rule that asked for it."""
    answer = Text.assemble((f"{spec['kind']} ", "dim"), f"{spec['name']} is {show(spec['outcome'])}")
    add_rules(branch.add(answer.append(f"  rule {spec['rule_id']}")), spec["rules"])


def describe_rule(rule: Node) -> Text:
    """Say whether a rule matched, and if so where the user's bucket lies."""
    text = Text.assemble(mark(rule["matched"]), " rule ", (str(rule["id"]), "bold"))
    if not rule["matched"]:
        return text.append("  does not match")
    if "delegate" in rule:
        return text.append("  matches and delegates")
    comparison = "is below" if rule["passed"] else "is not below"
    side = "passes" if rule["passed"] else "does not pass"
    text.append(f"  matches; {side} its {rule['pass_percentage']:g} %: ")
    return text.append(f"bucket {rule['bucket']} {comparison} {rule['threshold']:g}")


def describe_condition(condition: Node) -> Text:
    """Say what a condition saw and what it wanted."""
    target = condition.get("target")
    if condition["type"] in GATE_CONDITIONS:
        words = [condition["type"], show(target), "found it", show(condition.get("value"))]
    elif condition.get("operator"):
        seen = f"is {show(condition['value'])};" if "value" in condition else ""
        words = [condition["type"], condition.get("field"), seen, "wanted", condition["operator"], show(target)]
    else:
        words = [condition["type"]]
    return Text.assemble(mark(condition["result"]), " ", " ".join(str(word) for word in words if word))


def mark(result: bool | None) -> tuple[str, str]:
    """Return the mark of a result; None is one that was not reached or not recorded."""
    if result is None:
        return "·", "dim"
    return ("✓", "green") if result else ("✗", "red")


def show(value: object) -> str:
    """Return a value as JSON, shortened when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
