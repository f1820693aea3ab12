"""The immutable values of a config spec, prepared for evaluation.

A condition is a reading of the user (a value and its conversion), a test of what was read, and the answer wanted.
Verdicts are finite: every rule has one for passing and one for failing its pass percentage, every spec one for no
rule matching; they are built when a spec is prepared and never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from evaluator.bucketing import start_hash, to_bytes

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

type NestedCondition = GateCondition | GroupCondition | ListCondition
type AnyCondition = Condition | NestedCondition | Unsupported


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

    # By name, what every rule passes would cost half as much again.
    def __init__(  # noqa: PLR0917
        self,
        rule_id: str,
        passed: bool,
        value: object,
        is_active: bool = False,
        group_name: str | None = None,
        is_experiment_group: bool = False,
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
        "is_certain",
        "is_lonely",
        "is_public",
        "is_supported",
        "nested",
        "pass_percentage",
        "passed",
        "plain",
        "salted",
        "spec_salt",
        "unit",
    )

    def __init__(
        self,
        document: Mapping[str, Any],
        spec_salt: str,
        unit: Reading,
        conditions: Sequence[AnyCondition],
        passed: Verdict,
        failed: Verdict,
    ) -> None:
        self.document = document
        self.spec_salt = spec_salt
        self.unit = unit
        self.conditions = conditions
        plain: list[tuple[Reading, Test, bool]] = []
        nested: list[NestedCondition] = []
        self.is_supported = True
        for one in conditions:
            if type(one) is Condition:
                if one is not PUBLIC:
                    plain.append((one.reading, one.test, one.wanted))
            elif type(one) is Unsupported:
                self.is_supported = False
            else:
                nested.append(cast("NestedCondition", one))
        self.plain = plain
        self.nested = nested
        self.delegate: str | None = document.get("configDelegate")
        # It asks no other spec and nothing that nobody understands.
        self.is_lonely = self.is_supported and not nested and self.delegate is None
        self.pass_percentage = float(document["passPercentage"])
        # It needs no bucket: nearly all rules pass everyone.
        self.is_certain = self.pass_percentage == ALWAYS
        # It decides for everyone.
        self.is_public = self.is_lonely and self.is_certain and not plain
        self.salted: Hasher | None = None
        self.passed = passed
        self.failed = failed

    def salt_hasher(self) -> Hasher:
        """Return a hasher that has seen the salt, to be copied: half of the hashing is done once for all users."""
        own = self.document.get("salt")
        salt = self.passed.rule_id if own is None else own
        salted = self.salted = start_hash(to_bytes(f"{self.spec_salt}.{salt}."))
        return salted


class Spec:
    """A gate, dynamic config, experiment or layer; `fallback` is the verdict when no rule matches."""

    __slots__ = ("constant", "document", "fallback", "id_type", "is_active", "is_lonely", "name", "rules", "version")

    def __init__(self, name: str, document: Mapping[str, Any], rules: Sequence[Rule], fallback: Verdict) -> None:
        self.name = name
        self.document = document
        self.rules = rules
        # No rule asks another spec.
        self.is_lonely = not [rule for rule in rules if not rule.is_lonely]
        self.fallback = fallback
        # The verdict that everyone gets, where nothing of the user is asked.
        self.constant = fallback if not rules else rules[0].passed if rules[0].is_public else None
        self.id_type: str | None = document.get("idType")
        self.version: int | None = document.get("version")
        self.is_active: bool | None = document.get("isActive")

    @property
    def default_value(self) -> object:
        """Return the value when no rule matches."""
        return self.document["defaultValue"]

    @property
    def salt(self) -> str:
        """Return what the buckets of all rules are salted with."""
        salt: str = self.document["salt"]
        return salt

    @property
    def has_shared_params(self) -> bool:
        """Tell whether an experiment answers for a layer."""
        return self.document.get("hasSharedParams") is True

    @property
    def explicit_parameters(self) -> list[str] | None:
        """Return the parameters of its layer that an experiment sets."""
        parameters: list[str] | None = self.document.get("explicitParameters")
        return parameters

    @property
    def forward_all_exposures(self) -> bool:
        """Tell whether exposures must not be sampled out."""
        return self.document.get("forwardAllExposures") is True

    @property
    def use_new_layer_eval(self) -> bool:
        """Tell whether a layer gathers the parameters of all its rules."""
        return self.document.get("useNewLayerEval") is True
