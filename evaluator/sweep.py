"""Many specs for one user, as whole responses ask for them: the same outcomes as one by one, for less.

What is asked stays the same from user to user, so the specs are looked up once. Where nothing surrounds the walks of a
project, they are all that is left to do; and what an experiment came to is kept in the view, for the layers that
delegate to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluator.conditions import GATE
from evaluator.evaluate import LAYER, find_outcome, walk, walk_alone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Spec
    from evaluator.view import UserView


class Asked:
    """A spec that is asked for again and again: a kind of question and a name, of one project.

    `key` is what a view knows its outcome by; `is_walked` when a walk, which cannot lead back to it, is all that
    evaluating takes, as far as its document says.
    """

    __slots__ = ("is_walked", "key", "kind", "name", "spec")

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.spec: Spec | None = None
        self.key: object = None
        self.is_walked = False

    def find_spec(self, project: Project) -> Spec | None:
        """Look the spec up, once."""
        spec = self.spec = project.find_spec(self.kind, self.name)
        if spec is not None and self.kind == GATE:
            self.key, self.is_walked = self.name, spec.is_lonely
        elif spec is not None:
            self.key, self.is_walked = spec, self.kind != LAYER or not spec.use_new_layer_eval
        return spec


def find_outcomes(view: UserView, asked: Iterable[Asked]) -> list[Outcome]:
    """Return what `find_outcome` returns for each."""
    project, memo = view.project, view.memo
    if view.surroundings or project.cmab_configs:
        return [find_outcome(view, one.kind, one.name) for one in asked]
    outcomes: list[Outcome] = []
    for one in asked:
        spec = one.spec or one.find_spec(project)
        if one.key in memo:
            outcome = memo[one.key]
        elif spec is not None and one.is_walked:
            outcome = spec.constant and spec.constant.plain
            if outcome is None:
                outcome = walk_alone(view, spec) if spec.is_lonely else walk(view, spec)
            memo[one.key] = outcome
        else:
            outcome = find_outcome(view, one.kind, one.name)
        outcomes.append(outcome)
    return outcomes
