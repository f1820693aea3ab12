"""The immutable values of a config spec, prepared for evaluation.

A condition is a reading of the user (a value and its conversion), a test of what was read, and the answer wanted.
Verdicts are finite: every rule has one for passing and one for failing its pass percentage, every spec one for no
rule matching; they are built when a spec is prepared and never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evaluator.bucketing import start_hash

if TYPE_CHECKING:
    from evaluator.bucketing import Hasher
    from evaluator.operators import Conversion, Test
    from evaluator.outcome import Outcome
    from evaluator.view import UserView

type Source = Callable[[UserView], object]
type Exposure = tuple[str, str, str]

ALWAYS: Final = 100.0


class Reading:
    """One derived value of a user; views keep what it read, so the same reading is made once per user.

    `convert(source(view))` is the value for the user of a view.
    """

    __slots__ = ("convert", "source")

    def __init__(self, source: Source, convert: Conversion) -> None:
        self.source = source
        self.convert = convert


@dataclass(slots=True, eq=False)
class Condition:
    """A reading, its test, and the answer that makes the condition true."""

    reading: Reading
    test: Test
    wanted: bool


@dataclass(slots=True, eq=False)
class GateCondition:
    """Another gate's value: `pass_gate` wants True, `fail_gate` False."""

    gate: str
    wanted: bool


@dataclass(slots=True, eq=False)
class GroupCondition:
    """The user's group in an experiment, compared; evaluated like a nested gate because it walks another spec."""

    experiment: str | None
    convert: Conversion
    test: Test
    wanted: bool


@dataclass(slots=True, eq=False)
class ListCondition:
    """Membership in an ID list; always evaluated, because a list that was looked into shows in the reason."""

    list_name: str | None
    hashed: Reading
    wanted: bool


@dataclass(slots=True, eq=False)
class Unsupported:
    """A condition that the official core does not know; `is_missing` when the document does not hold it at all."""

    is_missing: bool


# Holds for everyone.
PUBLIC: Final = Condition(Reading(lambda _view: None, lambda value: value), lambda _value: True, True)

type AnyCondition = Condition | GateCondition | GroupCondition | ListCondition | Unsupported


class Verdict:
    """The result of one rule, or of none; shared by every user that gets it."""

    __slots__ = (
        "answer",
        "group_name",
        "is_active",
        "is_experiment_group",
        "passed",
        "plain",
        "rule_id",
        "sampling_rate",
        "value",
    )

    def __init__(
        self,
        rule_id: str,
        passed: bool,
        value: object,
        *,
        group_name: str | None = None,
        is_experiment_group: bool = False,
        is_active: bool = False,
        sampling_rate: int | None = None,
    ) -> None:
        self.rule_id = rule_id
        self.passed = passed
        self.value = value
        self.group_name = group_name
        self.is_experiment_group = is_experiment_group
        self.is_active = is_active
        self.sampling_rate = sampling_rate
        # The outcome that is nothing but this verdict, once a walk has made it.
        self.plain: Outcome | None = None
        # What a gate's exposure is known by beside its units, once one was recorded.
        self.answer: tuple[object, ...] | None = None


class Rule:
    """A rule; `plain` conditions read the user only, `nested` ones walk other specs or leave a mark.

    `plain` holds (reading, test, wanted), without those that hold for everyone.
    """

    __slots__ = (
        "conditions",
        "delegate",
        "document",
        "failed",
        "id_type",
        "is_certain",
        "is_lonely",
        "is_public",
        "is_supported",
        "nested",
        "pass_percentage",
        "passed",
        "plain",
        "salt",
        "salted",
        "unit",
    )

    def __init__(
        self,
        conditions: tuple[AnyCondition, ...],
        *,
        pass_percentage: float,
        salt: bytes,
        unit: Reading,
        id_type: str,
        delegate: str | None,
        passed: Verdict,
        failed: Verdict,
        document: Mapping[str, object],
    ) -> None:
        self.conditions = conditions
        self.plain = tuple(
            (one.reading, one.test, one.wanted) for one in conditions if type(one) is Condition and one is not PUBLIC
        )
        self.nested = tuple(one for one in conditions if type(one) in (GateCondition, GroupCondition, ListCondition))
        self.is_supported = not any(type(one) is Unsupported for one in conditions)
        # It asks no other spec and nothing that nobody understands.
        self.is_lonely = self.is_supported and not self.nested and delegate is None
        # It needs no bucket: nearly all rules pass everyone.
        self.is_certain = pass_percentage == ALWAYS
        # It decides for everyone.
        self.is_public = self.is_lonely and self.is_certain and not self.plain
        self.pass_percentage = pass_percentage
        self.salt = salt
        self.salted: Hasher | None = None
        self.unit = unit
        self.id_type = id_type
        self.delegate = delegate
        self.passed = passed
        self.failed = failed
        self.document = document

    def salt_hasher(self) -> Hasher:
        """Return a hasher that has seen the salt, to be copied: half of the hashing is done once for all users."""
        salted = self.salted = start_hash(self.salt)
        return salted


class Spec:
    """A gate, dynamic config, experiment or layer; `fallback` is the verdict when no rule matches."""

    __slots__ = (
        "constant",
        "default_value",
        "document",
        "entity",
        "explicit_parameters",
        "fallback",
        "forward_all_exposures",
        "has_shared_params",
        "id_type",
        "is_active",
        "is_lonely",
        "name",
        "rules",
        "salt",
        "use_new_layer_eval",
        "version",
    )

    def __init__(self, name: str, document: Mapping[str, Any], rules: tuple[Rule, ...], fallback: Verdict) -> None:
        self.name = name
        self.document = document
        self.rules = rules
        # No rule asks another spec.
        self.is_lonely = all(rule.is_lonely for rule in rules)
        self.fallback = fallback
        # The verdict that everyone gets, where nothing of the user is asked.
        self.constant = fallback if not rules else rules[0].passed if rules[0].is_public else None
        self.default_value = document["defaultValue"]
        self.entity = document.get("entity")
        self.salt = document["salt"]
        self.id_type: str | None = document.get("idType")
        self.version: int | None = document.get("version")
        self.is_active: bool | None = document.get("isActive")
        self.has_shared_params = document.get("hasSharedParams")
        self.explicit_parameters: list[str] | None = document.get("explicitParameters")
        self.forward_all_exposures = document.get("forwardAllExposures")
        self.use_new_layer_eval = document.get("useNewLayerEval") is True
