"""Evaluations as replies show them: a check always answers, and its reason says on what ground."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from edge.exposure_events import Event
from edge.questions import Questions, Wanted
from edge.sandbox import Sandbox
from evaluator.conditions import GATE
from evaluator.evaluate import evaluate_gate
from evaluator.exposures import gate_exposure
from evaluator.user import User
from evaluator.view import UserView

NO_VALUES: Final = "NoValues"


class Asking(NamedTuple):
    """One user and the questions about them; the views, one per project, are made when first needed."""

    user: User
    questions: Questions
    views: dict[int, UserView]

    def find_view(self, kind: str, name: str) -> UserView | None:
        """Return the user's view of the project that holds a spec; None when there is no spec to answer from."""
        project = self.questions.project_for(kind, name)
        if project is None:
            return None
        view = self.views.get(id(project))
        if view is None:
            view = UserView(project, self.user, self.questions.now_ms, self.questions.options)
            self.views[id(project)] = view
        return view


class GateCheck(NamedTuple):
    """What a check of a gate came to."""

    name: str
    value: bool
    rule_id: str | None = None
    group_name: str | None = None
    reason: str = NO_VALUES
    event: Event | None = None

    def to_json(self) -> dict[str, object]:
        """Return the item of a check_gate reply."""
        return {
            "name": self.name,
            "value": self.value,
            "rule_id": self.rule_id,
            "group_name": self.group_name,
            "reason": self.reason,
        }


def begin_asking(sandbox: Sandbox, user: User, wanted: Sequence[Wanted], api_key: str = "") -> Asking:
    """Return what all checks of a request share."""
    return Asking(user, sandbox.begin_questions(wanted, api_key), {})


def check_gate(asking: Asking, name: str) -> GateCheck:
    """Check a gate; without a spec the answer is false."""
    view = asking.find_view(GATE, name)
    if view is None:
        return GateCheck(name, value=False)
    evaluation = evaluate_gate(view, name)
    reason = asking.questions.reason(evaluation)
    event = gate_exposure(view, evaluation, reason=reason, received_at_ms=asking.questions.received_ms)
    return GateCheck(name, evaluation.value is True, evaluation.rule_id or None, evaluation.group_name, reason, event)
