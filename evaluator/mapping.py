"""The config mapping (`overrides` in a document): rules that lead a name to another config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from evaluator.conditions import holds, passes, walk_nested
from evaluator.errors import EvaluationDepthExceeded
from evaluator.outcome import LISTED, UNRECOGNIZED, Outcome, copy_outcome

if TYPE_CHECKING:
    from evaluator.conditions import Ask
    from evaluator.spec import Rule, Spec
    from evaluator.view import UserView


def apply_mapping(view: UserView, kind: str, name: str, spec: Spec | None, ask: Ask) -> tuple[Outcome | None, bool]:
    """Lead a name to another config, where a rule of the mapping says so; also tell whether any rule was tried.

    The pass percentage is rolled with the salt of the spec that is left behind.
    """
    salt = "" if spec is None else str(spec.salt)
    was_tried = False
    for mapping in _list_of(view.project.mappings, name):
        for reference in _list_of(mapping, "rules"):
            rule = _find_started_rule(view, reference, salt)
            if rule is None:
                continue
            was_tried = True
            matches, marks = _match(view, rule, ask)
            if matches and passes(view, rule):
                outcome = _find_mapped(view, kind, str(mapping["new_config_name"]), ask)
                if outcome is None:
                    break
                outcome.marks |= marks & LISTED
                return outcome, True
    return None, was_tried


def _find_started_rule(view: UserView, reference: Mapping[str, object], salt: str) -> Rule | None:
    if cast("int", reference.get("start_time") or 0) > view.now_ms:
        return None
    return view.project.find_mapping_rule(str(reference["rule_name"]), salt)


def _list_of(table: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    value = table.get(key)
    return value if isinstance(value, list) else []


def _match(view: UserView, rule: Rule, ask: Ask) -> tuple[bool, int]:
    """Tell whether a rule's conditions hold, and what they marked.

    One that the core does not understand, or a circle, does not hold.
    """
    if not rule.is_supported:
        return False, 0
    depth = view.depth
    try:
        all_hold, _, marks = walk_nested(view, rule, ask)
    except EvaluationDepthExceeded:
        if not view.survive_circle(depth):
            raise
        return False, 0
    return all_hold is True and holds(view, rule), marks


def _find_mapped(view: UserView, kind: str, new_name: str, ask: Ask) -> Outcome | None:
    view.enter()
    outcome = ask(view, kind, new_name)
    view.leave()
    if outcome.state is UNRECOGNIZED:
        return None
    copy = copy_outcome(outcome)
    copy.mapped_to = new_name if outcome.mapped_to is None else outcome.mapped_to
    copy.was_reset = True
    return copy
