"""The answer to one question, as callers see it.

Inside the evaluator an answer is an `Outcome` with shared verdicts and tuples; this is its public form, made once a
question.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evaluator.outcome import Outcome
    from evaluator.spec import Exposure

LOCAL_OVERRIDE: Final = "LocalOverride"
ID_LIST: Final = "IdListInMemory"


@dataclass(slots=True, eq=False)
class Evaluation:
    """One answer; `state` is Recognized, Unrecognized, Unsupported or an error's text.

    `value` is a bool for gates, an object (or None: no value) for the others; `passed` is the boolean behind it.
    """

    kind: str
    name: str
    value: object
    passed: bool
    rule_id: str
    state: str
    id_type: str | None = None
    version: int | None = None
    group_name: str | None = None
    is_experiment_active: bool = False
    is_user_in_experiment: bool = False
    is_in_layer: bool = False
    allocated_experiment: str | None = None
    explicit_parameters: list[str] | None = None
    secondary_exposures: list[dict[str, str]] = field(default_factory=list)
    undelegated_secondary_exposures: list[dict[str, str]] | None = None
    parameter_rule_ids: Mapping[str, str] | None = None
    mapped_to: str | None = None
    is_overridden: bool = False
    sampling_rate: int | None = None
    forward_all_exposures: bool = False
    seen_analytical: bool = False
    is_error: bool = False

    def reason(self, source: str) -> str:
        """Return the reason as Statsig writes it: `Network:Recognized`, `LocalOverride:Recognized`, `Error:…`."""
        if self.is_error:
            return f"Error:{self.state}"
        return f"{LOCAL_OVERRIDE if self.is_overridden else source}:{self.state}"


def to_evaluation(kind: str, name: str, outcome: Outcome) -> Evaluation:
    """Turn an outcome into its public form."""
    verdict, spec = outcome.verdict, outcome.spec
    # An override is the whole reason.
    shows_list = outcome.used_id_list and not outcome.is_overridden
    return Evaluation(
        kind,
        name,
        verdict.passed if kind == "gate" else verdict.value,
        verdict.passed,
        verdict.rule_id + outcome.suffix,
        f"{outcome.state}:{ID_LIST}" if shows_list else outcome.state,
        id_type=outcome.id_type if spec is None else cast("str | None", spec.id_type),
        version=outcome.version if spec is None else cast("int | None", spec.version),
        group_name=verdict.group_name,
        is_experiment_active=is_active(outcome),
        is_user_in_experiment=verdict.is_experiment_group,
        is_in_layer=spec is not None and spec.has_shared_params is True,
        allocated_experiment=outcome.delegate,
        explicit_parameters=explicit_of(outcome),
        secondary_exposures=write_exposures(outcome.trail),
        undelegated_secondary_exposures=undelegated_of(outcome),
        parameter_rule_ids=outcome.parameter_rule_ids,
        mapped_to=outcome.mapped_to,
        is_overridden=outcome.is_overridden,
        sampling_rate=verdict.sampling_rate,
        forward_all_exposures=spec is not None and spec.forward_all_exposures is True,
        seen_analytical=outcome.seen_analytical,
    )


def failed_evaluation(kind: str, name: str, text: str) -> Evaluation:
    """Return the answer when evaluating ended in an error."""
    return Evaluation(kind, name, False if kind == "gate" else None, False, "", text, is_error=True)


def is_active(outcome: Outcome) -> bool:
    """Tell whether the experiment that answered is active."""
    return outcome.is_active or (outcome.delegate is None and outcome.verdict.is_active)


def explicit_of(outcome: Outcome) -> list[str] | None:
    """Return the parameters an experiment decides itself: the delegate's, where one answered."""
    if outcome.spec is None or outcome.delegate is not None or outcome.parameter_rule_ids is not None:
        return outcome.explicit
    return cast("list[str] | None", outcome.spec.explicit_parameters)


def undelegated_of(outcome: Outcome) -> list[dict[str, str]] | None:
    """Return the exposures of a layer without its delegate's; None where the core keeps none."""
    if outcome.undelegated is not None:
        return write_exposures(outcome.undelegated)
    if not outcome.trail:
        return None
    return write_exposures(outcome.trail)


def write_exposures(trail: Iterable[Exposure]) -> list[dict[str, str]]:
    """Write a trail as events carry it."""
    return [{"gate": gate, "gateValue": value, "ruleID": rule_id} for gate, value, rule_id in trail]
