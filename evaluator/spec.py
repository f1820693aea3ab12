"""The immutable values of a config spec, prepared for evaluation.

A condition is a reading of the user (a value and its conversion), a test of what was read, and the answer wanted.
Verdicts are finite: every rule has one for passing and one for failing its pass percentage, every spec one for no
rule matching; they are built when a spec is prepared and never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evaluator.bucketing import start_hash, to_bytes

if TYPE_CHECKING:
    from evaluator.bucketing import Hasher
    from evaluator.operators import Conversion, Test
    from evaluator.outcome import Outcome
    from evaluator.view import UserView

type Source = Callable[[UserView], object]
# A condition's type, the conversion of what it reads, and what that is: mostly the name of a field or a unit type.
type Reference = tuple[str, Conversion, object]
type Exposure = tuple[str, str, str]

ALWAYS: Final = 100


class Reading:
    """One derived value of a user; views keep what it read, so the same reading is made once per user.

    `convert(source(view))` is the value for the user of a view. `reference` is None for what no condition reads;
    `sees` is noted by `alike`, when it first asks.
    """

    __slots__ = ("convert", "reference", "sees", "source")

    def __init__(self, source: Source, convert: Conversion, reference: Reference | None = None) -> None:
        self.source = source
        self.convert = convert
        self.reference = reference
        self.sees: str | None = None


# A reading, its test, and the answer that makes the condition true.
type Question = tuple[Reading, Test, bool]
# A question, and what it comes to where that is the same for everyone.
type Prepared = tuple[Question, bool | None]


class Condition:
    """What is asked of the user alone; the question is prepared when the first user comes to it.

    `settled` is then what it comes to where that is the same for everyone.
    """

    __slots__ = ("_asked", "_prepare", "document", "settled")

    def __init__(self, document: Mapping[str, Any], prepare: Callable[[Mapping[str, Any]], Prepared]) -> None:
        self.document = document
        self.settled: bool | None = None
        self._prepare = prepare
        self._asked: Question | None = None

    def ask(self) -> Question:
        """Return the question, shared by all rules with this condition."""
        asked = self._asked
        if asked is None:
            asked, self.settled = self._prepare(self.document)
            self._asked = asked
        return asked


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


# Asked of nobody in particular.
_NOTHING_READ: Final = Reading(lambda _view: None, lambda value: value)
# Holds for everyone.
PUBLIC: Final = Condition({}, lambda _document: ((_NOTHING_READ, lambda _value: True, True), True))
# Stands for the questions of a rule of which one comes to false for everyone.
NEVER: Final[Question] = (_NOTHING_READ, frozenset().__contains__, True)
# What is asked of the user by rules that hold for everyone or ask only other specs.
NOTHING_ASKED: Final[Sequence[Question]] = []  # a list as all others: CPython expects what it met before
# What all verdicts begin with; the first outcome with a trail gives them a dictionary of their own.
NONE_TRAILED: Final[dict[tuple[Exposure, ...], Outcome]] = {}
# What a verdict without a rule has in place of its document.
NO_RULE: Final[Mapping[str, Any]] = {}

type NestedCondition = GateCondition | GroupCondition | ListCondition
type AnyCondition = Condition | NestedCondition | Unsupported


class Verdict:
    """The result of one rule, or of none; shared by every user that gets it. `rule` is the document of the rule."""

    __slots__ = ("answer", "is_active", "passed", "plain", "rule", "rule_id", "trailed", "value")

    def __init__(
        self, rule_id: str, passed: bool, value: object, is_active: bool = False, rule: Mapping[str, Any] = NO_RULE
    ) -> None:
        self.rule_id = rule_id
        self.passed = passed
        self.value = value
        self.is_active = is_active
        self.rule = rule
        # The outcome that is nothing but this verdict, once a walk has made it.
        self.plain: Outcome | None = None
        # Those with a trail, by it, as far as they are kept.
        self.trailed: dict[tuple[Exposure, ...], Outcome] = NONE_TRAILED
        # What a gate's exposure is known by beside its units, once one was recorded.
        self.answer: str | None = None

    @property
    def group_name(self) -> str | None:
        """Return the name of the group."""
        name: str | None = self.rule.get("groupName")
        return name

    @property
    def is_experiment_group(self) -> bool:
        """Tell whether the rule is a group of an experiment."""
        return self.rule.get("isExperimentGroup") is True

    @property
    def sampling_rate(self) -> int | None:
        """Return the share of exposures to keep: one of so many."""
        rate: int | None = self.rule.get("samplingRate")
        return rate


class Rule:
    """A rule; `plain` holds what is asked of the user only, `nested` conditions walk other specs or leave a mark.

    What comes to the same for everyone is left out of `plain`, which is prepared when a walk first comes to the rule.
    """

    __slots__ = (
        "certain",
        "conditions",
        "delegate",
        "delegated",
        "document",
        "failed",
        "is_lonely",
        "is_supported",
        "nested",
        "only",
        "passed",
        "plain",
        "salted",
        "spec_salt",
        "threshold",
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
        self.nested = nested = [one for one in conditions if type(one) is not Condition]
        # No condition asks another spec, or what nobody understands.
        self.is_lonely = not nested
        self.is_supported = True
        # The nested condition, where it is the only one and a gate's.
        self.only: GateCondition | None = None
        asked = len(conditions)
        if nested:
            self.is_supported = Unsupported not in map(type, nested)
            self.only = nested[0] if len(nested) == 1 and type(nested[0]) is GateCondition else None
            asked -= len(nested)
        if asked and conditions[0] is PUBLIC:  # nearly always alone
            asked -= conditions.count(PUBLIC)
        self.plain: Sequence[Question] | None = None if asked else NOTHING_ASKED
        # By what the delegate came to, and the trail and marks before it: what the layer came to.
        self.delegated: dict[tuple[Outcome, tuple[Exposure, ...], int], Outcome] | None = None
        self.delegate: str | None = document.get("configDelegate")
        percentage: float = document["passPercentage"]
        # Buckets below it pass.
        self.threshold = percentage * 100
        # What needs no bucket: nearly all rules pass everyone.
        self.certain = passed if failed is passed else failed if percentage == 0 else None
        self.salted: Hasher | None = None
        self.passed = passed
        self.failed = failed

    def prepare(self) -> Sequence[Question]:
        """Prepare `plain`, and return it."""
        plain: list[Question] = []
        for one in self.conditions:
            if type(one) is Condition:
                question = one.ask()
                if one.settled is None:
                    plain.append(question)
                elif not one.settled:
                    plain = [NEVER]
                    break
        self.plain = plain
        return plain

    @property
    def constant(self) -> Verdict | None:
        """Return what the rule decides for everyone; None where it asks something or leaves it to a bucket."""
        is_alone = self.delegate is None and self.is_lonely and self.plain is NOTHING_ASKED
        return self.certain if is_alone else None

    @property
    def pass_percentage(self) -> float:
        """Return the share of users who pass."""
        percentage: float = self.document["passPercentage"]
        return percentage

    def salt_hasher(self) -> Hasher:
        """Return a hasher that has seen the salt, to be copied: half of the hashing is done once for all users."""
        own = self.document.get("salt")
        salt = self.passed.rule_id if own is None else own
        salted = self.salted = start_hash(to_bytes(f"{self.spec_salt}.{salt}."))
        return salted


class Spec:
    """A gate, dynamic config, experiment or layer; `fallback` is the verdict when no rule matches."""

    __slots__ = ("constant", "document", "fallback", "id_type", "is_lonely", "name", "rules")

    def __init__(self, name: str, document: Mapping[str, Any], rules: Sequence[Rule], fallback: Verdict) -> None:
        self.name = name
        self.document = document
        self.rules = rules
        # No rule asks another spec.
        self.is_lonely = not [rule for rule in rules if not rule.is_lonely or rule.delegate is not None]
        self.fallback = fallback
        # The verdict that everyone gets, where nothing of the user is asked.
        self.constant = rules[0].constant if rules else fallback
        self.id_type: str | None = document.get("idType")

    @property
    def version(self) -> int | None:
        """Return which version of the spec this is."""
        version: int | None = self.document.get("version")
        return version

    @property
    def is_active(self) -> bool | None:
        """Tell whether an experiment or layer is active; None when the document does not say."""
        is_active: bool | None = self.document.get("isActive")
        return is_active

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
