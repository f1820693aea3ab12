"""Evaluations as replies show them: a check always answers, and its reason says on what ground."""

from typing import Final, NamedTuple

from edge.exposure_events import Event
from edge.sandbox import Sandbox
from evaluator.evaluate import evaluate_gate
from evaluator.exposures import gate_exposure
from evaluator.user import User
from evaluator.view import UserView

SOURCE: Final = "Adapter(FastlyKV)"
NO_VALUES: Final = "NoValues"


class Asking(NamedTuple):
    """One user at one instant, with what answers; the view is None when there is no spec."""

    view: UserView | None
    received_ms: int
    now_ms: int


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


def begin_asking(sandbox: Sandbox, user: User) -> Asking:
    """Return the view that all checks of a request share."""
    now_ms = sandbox.platform.now_ms()
    held = sandbox.current_spec(now_ms)
    view = None if held.project is None else UserView(held.project, user, now_ms, sandbox.options)
    return Asking(view, held.received_ms, now_ms)


def check_gate(asking: Asking, name: str) -> GateCheck:
    """Check a gate; without a spec the answer is false."""
    view = asking.view
    if view is None:
        return GateCheck(name, value=False)
    evaluation = evaluate_gate(view, name)
    reason = evaluation.reason(SOURCE)
    event = gate_exposure(view, evaluation, reason=reason, received_at_ms=asking.received_ms)
    return GateCheck(name, evaluation.value is True, evaluation.rule_id or None, evaluation.group_name, reason, event)
