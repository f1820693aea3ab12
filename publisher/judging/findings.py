"""What `check` finds, as values: how bad it is, what kind it is, where, and what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Severity(IntEnum):
    """How bad a finding is; the higher the worse."""

    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `code` is its kind, a key of `KINDS`, `place` the entity or entry that it is about."""

    code: str
    place: str
    message: str

    @property
    def severity(self) -> Severity:
        """Return how bad it is."""
        return KINDS[self.code].severity

    def to_json(self) -> dict[str, object]:
        """Return it as `--json` has it."""
        about = KINDS[self.code]
        return {
            "severity": about.severity.name.lower(),
            "code": self.code,
            "place": self.place,
            "message": self.message,
            "advice": about.advice,
        }


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: how bad it is, and what to do about it."""

    severity: Severity
    title: str
    advice: str


KINDS: Final[Mapping[str, Kind]] = {
    "not-a-spec": Kind(
        Severity.ERROR, "Not a spec", "Look where the file came from: it is cut, or something else; pull again"
    ),
    "circle": Kind(
        Severity.ERROR,
        "Gates that ask each other in a circle",
        "Every check of them ends in an error; take one of the conditions out in the console",
    ),
    "too-deep": Kind(
        Severity.ERROR, "Gates nested too deeply", "Every check of them ends in an error; make the chain shorter"
    ),
    "missing-condition": Kind(
        Severity.ERROR, "Conditions that the document does not hold", "The document is not whole: pull again"
    ),
    "too-large": Kind(Severity.ERROR, "Entries that the store does not take", "What to do stands with each"),
    "missing-gate": Kind(
        Severity.WARNING,
        "Conditions on gates that the spec does not have",
        "They count as closed; the gate may be archived, or belong to another target app",
    ),
    "missing-config": Kind(
        Severity.WARNING,
        "References to experiments or configs that the spec does not have",
        "The rule answers as if it did not delegate; the experiment may be archived",
    ),
    "unknown-operator": Kind(
        Severity.WARNING,
        "Conditions that nobody understands",
        "Who gets that far in the rules gets the default value, from Statsig's core too; look for a newer gatelet",
    ),
    "unreachable-rule": Kind(
        Severity.WARNING,
        "Rules that no user gets to",
        "A rule before it decides for everyone that it could be for; take it out, or move it up",
    ),
    "list-missing": Kind(
        Severity.WARNING,
        "ID lists that are not there",
        "Conditions on them find nobody; pull with ID lists, and push what was pulled",
    ),
    "duplicate-name": Kind(
        Severity.WARNING, "Names that stand twice", "The last one counts; look where the file came from"
    ),
    "no-time": Kind(
        Severity.WARNING,
        "A spec without a time",
        "Readers cannot tell it from an older one; pull it from Statsig again",
    ),
    "slow-raw": Kind(
        Severity.WARNING,
        "A raw spec that takes too long to decode",
        "Publish pages (push does, unless told otherwise), so that a check reads one of them",
    ),
    "slow-entity": Kind(
        Severity.WARNING, "Entities that take long to decode", "Make their target lists or values smaller"
    ),
    "unused-condition": Kind(
        Severity.NOTE, "Conditions that no rule uses", "Nothing: they cost a little space, and no check reads them"
    ),
}


def find_worst(findings: Iterable[Finding]) -> Severity | None:
    """Return how bad the worst finding is; None without any."""
    return max((one.severity for one in findings), default=None)
