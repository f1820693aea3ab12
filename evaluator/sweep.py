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
    from collections.abc import Callable, Iterable

    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Spec
    from evaluator.view import UserView


class Asked:
    """A spec that is asked for again and again: a kind of question and a name, of one project.

    `key` is what a view knows its outcome by; `walk` is all that evaluating takes, where its document says so and
    nothing can lead back to it.
    """

    __slots__ = ("key", "kind", "name", "spec", "walk")

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.spec: Spec | None = None
        self.key: object = None
        self.walk: Callable[[UserView, Spec], Outcome] | None = None

    def find_spec(self, project: Project) -> Spec | None:
        """Look the spec up, once."""
        spec = self.spec = project.find_spec(self.kind, self.name)
        if spec is not None:
            self.key = self.name if self.kind == GATE else spec
            self.walk = _find_walk(self.kind, spec)
        return spec


def _find_walk(kind: str, spec: Spec) -> Callable[[UserView, Spec], Outcome] | None:
    if kind == LAYER and spec.use_new_layer_eval:
        return None
    if spec.is_lonely:
        return walk_alone
    return None if kind == GATE else walk


def find_outcomes(view: UserView, asked: Iterable[Asked]) -> list[Outcome]:
    """Return what `find_outcome` returns for each."""
    project, memo = view.project, view.memo
    if view.surroundings or project.cmab_configs:
        return [find_outcome(view, one.kind, one.name) for one in asked]
    outcomes: list[Outcome] = []
    for one in asked:
        spec = one.spec or one.find_spec(project)
        key = one.key
        if key in memo:
            outcomes.append(memo[key])
        elif spec is not None and one.walk is not None:
            outcome = memo[key] = one.walk(view, spec)
            outcomes.append(outcome)
        else:
            outcomes.append(find_outcome(view, one.kind, one.name))
    return outcomes
