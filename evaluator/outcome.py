"""What a walk comes to: a verdict, and what it passed on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.spec import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluator.spec import Exposure, Spec

RECOGNIZED: Final = "Recognized"
UNRECOGNIZED: Final = "Unrecognized"
UNSUPPORTED: Final = "Unsupported"

NO_VERDICT: Final = Verdict("", False, None)

# What a nested gate leaves on the outcomes above it.
# One without a sampling rate was seen: the exposures above must not be sampled out.
ANALYTICAL: Final = 1
# An ID list was looked into.
LISTED: Final = 2


class Outcome:
    """The result of walking one spec; `trail` holds (gate, "true"/"false", rule ID) in order, with duplicates.

    Most outcomes are nothing but a verdict and a trail. What walks ask of every outcome has a slot, which is read alike
    whether it was set or not; everything rarer is a default of the class, set on the instance only where it differs:
    making one is what a check with nested gates spends.
    """

    __slots__ = ("__dict__", "exposed", "is_shared", "marks", "spec", "state", "trail", "verdict")

    id_type: str | None = None
    version: int | None = None
    is_active: bool = False
    explicit: list[str] | None = None
    # A local override decided, here or in a delegate; the core does not tell of one in a nested gate.
    is_overridden: bool = False
    # The experiment that a layer delegated to, and the trail before it took over.
    delegate: str | None = None
    undelegated: tuple[Exposure, ...] | None = None
    # The config mapping was asked on the way: the core then starts its result anew.
    was_reset: bool = False
    # The name that the config mapping led to.
    mapped_to: str | None = None
    parameter_rule_ids: Mapping[str, str] | None = None
    # What a contextual bandit appends to its rule ID when it explores.
    suffix: str = ""
    # Whose flags count where `spec` is None: a bandit's targeting gate, or the layer that delegated to the bandit.
    behind: Spec | None = None

    def __init__(self, spec: Spec | None, verdict: Verdict, trail: tuple[Exposure, ...] = (), marks: int = 0) -> None:
        self.spec = spec
        self.verdict = verdict
        self.trail = trail
        # ANALYTICAL and LISTED, here or in a nested gate.
        self.marks = marks
        self.state = RECOGNIZED
        # It is the same for every user who gets it, and kept.
        self.is_shared = False
        # The trail and the marks that a gate leaves where it is nested, once one has asked.
        self.exposed: tuple[tuple[Exposure, ...], int] | None = None


class Unrecognized(Outcome):
    """The outcome for a name that the spec does not hold."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None, NO_VERDICT)
        self.state = UNRECOGNIZED


# Stands in a view's gates for one whose walk is under way: meeting it again means going round in a circle.
PENDING: Final = Outcome(None, NO_VERDICT)


def copy_outcome(outcome: Outcome) -> Outcome:
    """Return a copy to set differently: outcomes of gates are shared by all checks of a view."""
    copy = Outcome(outcome.spec, outcome.verdict, outcome.trail, outcome.marks)
    copy.__dict__.update(outcome.__dict__)
    copy.state = outcome.state
    return copy
