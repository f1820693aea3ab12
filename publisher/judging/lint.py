"""What is wrong with the rules of a spec that decodes: each function yields findings of one concern.

A rule whose conditions all hold ends the walk, whatever its pass percentage and its delegate say. So a rule is out of
reach when another before it has no condition beside its own: who would get to it was taken already. A rule with a
condition that nobody understands ends the walk for everyone who gets there.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, cast

from evaluator.operators import LIST_OPERATORS, OPERATORS
from evaluator.project import Project
from evaluator.sources import SOURCES
from evaluator.view import MOST_NESTED
from publisher.judging.findings import Finding
from specstore.closure import CONDITIONS, CONFIGS, GATE, GATES, LAYERS, Question, Tables

type Document = Mapping[str, object]
type Lint = Callable[["Subject"], Iterator[Finding]]

KIND_OF: Final = {GATES: "gate", CONFIGS: "config", LAYERS: "layer"}
GATE_CONDITIONS: Final = ("pass_gate", "fail_gate")
PUBLIC: Final = "public"
GROUP: Final = "experiment_group"
# The rule that keeps everyone out of an experiment until it starts; nothing is wrong with those behind it.
PRESTART: Final = "prestart"


class Subject(NamedTuple):
    """A spec to look at; `lists` are the ID lists that come with it, None when that is not known."""

    project: Project
    lists: frozenset[str] | None


class Place(NamedTuple):
    """A rule, with where it stands."""

    section: str
    name: str
    number: int
    rule: Document

    @property
    def spec(self) -> str:
        """Return the entity, for people."""
        return f"{KIND_OF.get(self.section, 'rule')} {self.name}"

    def __str__(self) -> str:
        """Return the rule, for people."""
        return f"{self.spec}, rule {self.number} ({self.rule.get('name') or self.rule['id']})"


def lint(subject: Subject) -> Iterator[Finding]:
    """Yield everything that is wrong with the rules."""
    for look in LINTS:
        yield from look(subject)


# ------------------------------------------------------------------ walking a document


def iterate_specs(project: Project) -> Iterator[tuple[str, str, Document]]:
    """Yield every spec with its section and name."""
    for section, specs in ((GATES, project.gates), (CONFIGS, project.configs), (LAYERS, project.layers)):
        for name, spec in specs.items():
            yield section, name, cast("Document", spec)


def iterate_rules(project: Project) -> Iterator[Place]:
    """Yield every rule of every spec, and those of the config mapping."""
    for section, name, spec in iterate_specs(project):
        for number, rule in enumerate(cast("list[Document]", spec["rules"]), 1):
            yield Place(section, name, number, rule)
    mapped = project.document.get("override_rules")
    for name, rule in mapped.items() if isinstance(mapped, dict) else ():
        yield Place("override_rules", name, 1, rule)


def iterate_conditions(project: Project) -> Iterator[tuple[Place, object, Document]]:
    """Yield every condition of every rule, with what the rule says and what it leads to (empty: to nothing)."""
    for place in iterate_rules(project):
        for reference in cast("list[object]", place.rule["conditions"]):
            yield place, reference, project.find_condition(reference)


# ------------------------------------------------------------------ findings


def find_missing_conditions(subject: Subject) -> Iterator[Finding]:
    """Find references to conditions that are not in the document."""
    for place, reference, condition in iterate_conditions(subject.project):
        if not condition:
            yield Finding("missing-condition", str(place), f"there is no condition {reference}")


def find_missing_gates(subject: Subject) -> Iterator[Finding]:
    """Find conditions on gates that are not there."""
    project = subject.project
    for place, _reference, condition in iterate_conditions(project):
        target = condition.get("targetValue")
        name = target if isinstance(target, str) else ""
        if condition.get("type") in GATE_CONDITIONS and name not in project.gates and name not in project.mappings:
            yield Finding("missing-gate", str(place), f"asks the gate {target}, which is not there")


def find_missing_configs(subject: Subject) -> Iterator[Finding]:
    """Find delegates and experiments that are not there."""
    project = subject.project
    for place in iterate_rules(project):
        delegate = place.rule.get("configDelegate")
        if delegate is not None and not is_config(project, delegate):
            yield Finding("missing-config", str(place), f"delegates to {delegate}, which is not there")
    for place, _reference, condition in iterate_conditions(project):
        if condition.get("type") == GROUP and not is_config(project, condition.get("field")):
            yield Finding("missing-config", str(place), f"asks the experiment {condition.get('field')}, not there")


def is_config(project: Project, name: object) -> bool:
    """Tell whether a name is a config's, also a mapped or a bandit's one."""
    tables = (project.configs, project.mappings, project.cmab_configs)
    return isinstance(name, str) and any(name in table for table in tables)


def find_unknown_operators(subject: Subject) -> Iterator[Finding]:
    """Find condition types and operators that nobody understands."""
    for place, _reference, condition in iterate_conditions(subject.project):
        reason = explain_unsupported(condition) if condition else None
        if reason is not None:
            yield Finding("unknown-operator", str(place), reason)


def explain_unsupported(condition: Document) -> str | None:
    """Say what is not understood about a condition; None when all is."""
    kind, operator = condition.get("type"), condition.get("operator")
    if kind == PUBLIC or kind in GATE_CONDITIONS:
        return None
    if kind != GROUP and kind not in SOURCES:
        return f"the condition type {kind} is not known"
    known = operator in OPERATORS or (operator in LIST_OPERATORS and kind != GROUP)
    return None if known else f"the operator {operator} is not known"


def find_unreachable_rules(subject: Subject) -> Iterator[Finding]:
    """Find rules that another one before them takes every user from."""
    project = subject.project
    for section, name, spec in iterate_specs(project):
        if spec.get("useNewLayerEval") is True or spec.get("entity") == "autotune":
            continue  # such a layer reads all its rules, and an autotune's stand side by side
        before: list[tuple[Place, frozenset[str]]] = []
        for number, rule in enumerate(cast("list[Document]", spec["rules"]), 1):
            place, conditions = Place(section, name, number, rule), name_conditions(project, rule)
            first = next((one for one, fewer in before if fewer <= conditions), None)
            if first is not None:
                takes = f"rule {first.number} ({first.rule.get('name') or first.rule['id']})"
                yield Finding("unreachable-rule", str(place), f"{takes} takes everyone that it could be for")
            if rule["id"] != PRESTART:
                before.append((place, conditions))


def name_conditions(project: Project, rule: Document) -> frozenset[str]:
    """Return the conditions of a rule, told apart by what they say; those that hold for everyone left out."""
    found = [(one, project.find_condition(one)) for one in cast("list[object]", rule["conditions"])]
    return frozenset(
        json.dumps(condition, sort_keys=True) if condition else f"missing {reference}"
        for reference, condition in found
        if condition.get("type") != PUBLIC
    )


def find_circles(subject: Subject) -> Iterator[Finding]:
    """Find gates that lead back to themselves, and chains of gates that are deeper than the evaluator goes.

    The evaluator takes one branch, this every one: a circle counts though no user may get to it.
    """
    tables = Tables(subject.project)
    asked = {
        name: [one.name for one in ask_gates(tables, name) if one.name in subject.project.gates]
        for name in subject.project.gates
    }
    depths: dict[str, int] = {}
    for name in asked:
        circle = measure_depth(name, asked, depths)
        if circle:
            yield Finding("circle", f"gate {circle[0]}", " asks ".join([*circle, circle[0]]))
    for name in sorted(name for name, depth in depths.items() if depth > MOST_NESTED):
        yield Finding(
            "too-deep", f"gate {name}", f"{depths[name]} gates below each other; {MOST_NESTED} can be evaluated"
        )


def ask_gates(tables: Tables, name: str) -> Iterable[Question]:
    """Return the gates that the rules of a gate ask themselves."""
    return [one for one in tables.list_asked(Question(GATE, name)) if one.kind == GATE]


def measure_depth(start: str, asked: Mapping[str, list[str]], depths: dict[str, int]) -> list[str]:
    """Note how many gates stand below each other from one on; returns the first circle that is met, if any.

    Walks with a list in place of calls: a chain may be longer than the stack.
    """
    path: list[str] = []
    circle: list[str] = []
    waiting = [(start, False)]
    while waiting:
        name, is_done = waiting.pop()
        if is_done:
            path.pop()
            depths[name] = 1 + max((depths.get(one, 0) for one in asked[name]), default=0)
        elif name in path:
            circle = circle or path[path.index(name) :]
        elif name not in depths:
            path.append(name)
            waiting.append((name, True))
            waiting += [(one, False) for one in asked[name]]
    return circle


def find_missing_lists(subject: Subject) -> Iterator[Finding]:
    """Find ID lists that conditions ask for and that do not come with the spec."""
    wanted: dict[str, str] = {}
    for place, _reference, condition in iterate_conditions(subject.project):
        if condition.get("operator") in LIST_OPERATORS:
            wanted.setdefault(str(condition.get("targetValue")), place.spec)
    for name in sorted(wanted.keys() - (subject.lists or frozenset())):
        why = "a spec file alone has no ID lists" if subject.lists is None else "the source does not have it"
        yield Finding("list-missing", f"ID list {name}", f"asked for by {wanted[name]}; {why}")


def find_unused_conditions(subject: Subject) -> Iterator[Finding]:
    """Find conditions that no rule refers to."""
    used = {one for _place, one, _condition in iterate_conditions(subject.project) if isinstance(one, str)}
    held = subject.project.document.get(CONDITIONS)
    for name in sorted((held.keys() if isinstance(held, dict) else set()) - used):
        yield Finding("unused-condition", f"condition {name}", "no rule uses it")


def find_duplicates(subject: Subject) -> Iterator[Finding]:
    """Find names that stand twice in a section of a v1 document."""
    for section, kind in KIND_OF.items():
        listed = subject.project.document.get(section)
        names = [one["name"] for one in listed] if isinstance(listed, list) else []
        for name in sorted({one for one in names if names.count(one) > 1}):
            yield Finding("duplicate-name", f"{kind} {name}", f"stands {names.count(name)} times in {section}")


def find_missing_time(subject: Subject) -> Iterator[Finding]:
    """Find out whether the spec says when it was made."""
    if not subject.project.time:
        yield Finding("no-time", "spec", "time is missing or 0")


LINTS: Final[tuple[Lint, ...]] = (
    find_circles,
    find_missing_conditions,
    find_missing_gates,
    find_missing_configs,
    find_unknown_operators,
    find_unreachable_rules,
    find_missing_lists,
    find_duplicates,
    find_missing_time,
    find_unused_conditions,
)
