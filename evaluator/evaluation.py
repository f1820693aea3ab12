"""The answer to one question, as callers see it.

Inside the evaluator an answer is an `Outcome` with shared verdicts and tuples. This is its public form: it costs little
to make, and what a caller reads of it is worked out then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluator.outcome import ANALYTICAL, LISTED, NO_VERDICT, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evaluator.spec import Exposure

LOCAL_OVERRIDE: Final = "LocalOverride"
ID_LIST: Final = "IdListInMemory"


class Evaluation:
    """One answer: the name asked for, and the outcome; `error` is the text of what kept it from being found."""

    def __init__(self, kind: str, name: str, outcome: Outcome, error: str | None) -> None:
        self.kind = kind
        self.name = name
        self.outcome = outcome
        self.error = error

    @property
    def is_error(self) -> bool:
        """Tell whether evaluating ended in an error."""
        return self.error is not None

    @property
    def value(self) -> object:
        """Return a bool for gates, an object (or None: no value) for the others."""
        verdict = self.outcome.verdict
        return verdict.passed if self.kind == "gate" else verdict.value

    @property
    def passed(self) -> bool:
        """Return the boolean behind the value."""
        return self.outcome.verdict.passed

    @property
    def rule_id(self) -> str:
        """Return the rule that decided, `default`, `disabled`, `override`, or nothing."""
        return self.outcome.verdict.rule_id + self.outcome.suffix

    @property
    def state(self) -> str:
        """Return Recognized, Unrecognized, Unsupported or an error's text."""
        if self.error is not None:
            return self.error
        outcome = self.outcome
        # An override is the whole reason.
        shows_list = outcome.marks & LISTED and not outcome.is_overridden
        return f"{outcome.state}:{ID_LIST}" if shows_list else outcome.state

    @property
    def id_type(self) -> str | None:
        """Return the ID type of the spec."""
        return id_type_of(self.outcome)

    @property
    def version(self) -> int | None:
        """Return the version of the spec."""
        outcome = self.outcome
        return outcome.version if outcome.spec is None else outcome.spec.version

    @property
    def group_name(self) -> str | None:
        """Return the name of the group."""
        return self.outcome.verdict.group_name

    @property
    def is_experiment_active(self) -> bool:
        """Tell whether the experiment that answered is active."""
        return is_active(self.outcome)

    @property
    def is_user_in_experiment(self) -> bool:
        """Tell whether the rule that decided is a group of an experiment."""
        return self.outcome.verdict.is_experiment_group

    @property
    def is_in_layer(self) -> bool:
        """Tell whether the experiment shares its parameters in a layer."""
        return is_in_layer(self.outcome)

    @property
    def allocated_experiment(self) -> str | None:
        """Return the experiment that a layer delegated to."""
        return self.outcome.delegate

    @property
    def explicit_parameters(self) -> list[str] | None:
        """Return the parameters an experiment decides itself: the delegate's, where one answered."""
        return explicit_of(self.outcome)

    @property
    def secondary_exposures(self) -> list[dict[str, str]]:
        """Return the gates met on the way, in order, with duplicates, as events carry them."""
        return write_exposures(self.outcome.trail)

    @property
    def undelegated_secondary_exposures(self) -> list[dict[str, str]] | None:
        """Return the exposures of a layer without its delegate's; None where the core keeps none."""
        outcome = self.outcome
        if outcome.undelegated is not None:
            return write_exposures(outcome.undelegated)
        return write_exposures(outcome.trail) if outcome.trail else None

    @property
    def parameter_rule_ids(self) -> Mapping[str, str] | None:
        """Return which rule decided each parameter of a layer in the newer form."""
        return self.outcome.parameter_rule_ids

    @property
    def mapped_to(self) -> str | None:
        """Return the name that the config mapping led to."""
        return self.outcome.mapped_to

    @property
    def is_overridden(self) -> bool:
        """Tell whether a local override decided, here or in a delegate."""
        return self.outcome.is_overridden

    @property
    def sampling_rate(self) -> int | None:
        """Return the sampling rate of the rule that decided."""
        return self.outcome.verdict.sampling_rate

    @property
    def forward_all_exposures(self) -> bool:
        """Tell whether the spec wants none of its exposures sampled."""
        return forwards_all(self.outcome)

    @property
    def seen_analytical(self) -> bool:
        """Tell whether a nested gate without a sampling rate was seen: the exposures must not be sampled."""
        return bool(self.outcome.marks & ANALYTICAL)

    def reason(self, source: str) -> str:
        """Return the reason as Statsig writes it: `Network:Recognized`, `LocalOverride:Recognized`, `Error:…`."""
        if self.error is not None:
            return f"Error:{self.error}"
        return f"{LOCAL_OVERRIDE if self.is_overridden else source}:{self.state}"


def failed_evaluation(kind: str, name: str, text: str) -> Evaluation:
    """Return the answer when evaluating ended in an error."""
    return Evaluation(kind, name, Outcome(None, NO_VERDICT), text)


def id_type_of(outcome: Outcome) -> str | None:
    """Return the ID type of the spec that answered."""
    return outcome.id_type if outcome.spec is None else outcome.spec.id_type


def is_active(outcome: Outcome) -> bool:
    """Tell whether the experiment that answered is active."""
    return outcome.is_active or (outcome.delegate is None and outcome.verdict.is_active)


def is_in_layer(outcome: Outcome) -> bool:
    """Tell whether the experiment that answered shares its parameters in a layer."""
    spec = outcome.spec or outcome.behind
    return spec is not None and spec.has_shared_params is True


def forwards_all(outcome: Outcome) -> bool:
    """Tell whether the spec that answered wants none of its exposures sampled."""
    spec = outcome.spec or outcome.behind
    return spec is not None and spec.forward_all_exposures is True


def explicit_of(outcome: Outcome) -> list[str] | None:
    """Return the parameters an experiment decides itself: the delegate's, where one answered."""
    spec = outcome.spec or outcome.behind
    if spec is None or outcome.delegate is not None or outcome.parameter_rule_ids is not None:
        return outcome.explicit
    return spec.explicit_parameters


def write_exposures(trail: Iterable[Exposure]) -> list[dict[str, str]]:
    """Write a trail as events carry it."""
    return [{"gate": gate, "gateValue": value, "ruleID": rule_id} for gate, value, rule_id in trail]
