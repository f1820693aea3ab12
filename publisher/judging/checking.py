"""Judge a spec before it is published: everything `check` says, as one value."""

import json
from dataclasses import dataclass

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from publisher.judging.estimates import Weight, weigh
from publisher.judging.findings import Finding, Severity, find_worst
from publisher.judging.lint import Subject, lint
from publisher.sources.pulled import Pulled

# Where no profile names the key: as long as the console's are.
ANY_KEY = "statsig-0123456789abcdefghijkl"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, worst first; `weight`, `time` and `counts` are there when the spec decodes."""

    findings: tuple[Finding, ...]
    weight: Weight | None = None
    time: int = 0
    counts: dict[str, int] | None = None

    @property
    def worst(self) -> Severity | None:
        """Return how bad the worst finding is; None without any."""
        return find_worst(self.findings)

    def to_json(self) -> dict[str, object]:
        """Return it as `--json` has it."""
        return {
            "worst": None if self.worst is None else self.worst.name.lower(),
            "time": self.time,
            "counts": self.counts,
            "weight": None if self.weight is None else self.weight.to_json(),
            "findings": [one.to_json() for one in self.findings],
        }


def check(pulled: Pulled, spec_key: str = "") -> Report:
    """Judge a spec with its ID lists."""
    try:
        project = decode_project(json.loads(pulled.spec))
    except (ValueError, RecursionError) as problem:
        return Report((Finding("not-a-spec", "spec", f"it is not JSON: {problem}"),))
    except InvalidSpec as problem:
        return Report(tuple(Finding("not-a-spec", "spec", fault) for fault in problem.faults))
    weight, heavy = weigh(spec_key or ANY_KEY, project, pulled.spec)
    found = [*lint(Subject(project, None if pulled.lists is None else frozenset(pulled.lists))), *heavy]
    ordered = sorted(found, key=lambda one: (-one.severity, one.code))
    return Report(tuple(ordered), weight, project.time, project.counts())
