"""What one evaluation may ask a spec for: the records that a question reaches.

A question is a kind (`gate`, `config`, `layer`) and a name; experiments and autotunes are asked like configs. A record
is one member of one section of a v2 document. The edges follow the evaluator's own look-ups: the config mapping and
bandits of a name, then the conditions, nested gates, experiments and delegates of its rules. A record too many costs
bytes, one too few a wrong answer; so what an evaluation only might ask for is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from evaluator.coerce import find_text

if TYPE_CHECKING:
    from evaluator.project import Project

type Document = Mapping[str, object]

GATE: Final = "gate"
CONFIG: Final = "config"
LAYER: Final = "layer"
KINDS: Final = (GATE, CONFIG, LAYER)

GATES: Final = "feature_gates"
CONFIGS: Final = "dynamic_configs"
LAYERS: Final = "layer_configs"
CONDITIONS: Final = "condition_map"
MAPPINGS: Final = "overrides"
MAPPING_RULES: Final = "override_rules"
BANDITS: Final = "cmab_configs"
SECTIONS: Final = (GATES, CONFIGS, LAYERS, CONDITIONS, MAPPINGS, MAPPING_RULES, BANDITS)

_SECTION_OF: Final = {GATE: GATES, CONFIG: CONFIGS, LAYER: LAYERS}


class Question(NamedTuple):
    """What can be asked of a spec."""

    kind: str
    name: str


class Record(NamedTuple):
    """A member of a section of a v2 document."""

    section: str
    name: str


class Tables:
    """The sections of a project in the v2 shape, and what can be asked of them."""

    def __init__(self, project: Project) -> None:
        document = project.document
        self.sections: dict[str, Document] = {
            GATES: project.gates,
            CONFIGS: project.configs,
            LAYERS: project.layers,
            CONDITIONS: _table(document, CONDITIONS),
            MAPPINGS: project.mappings,
            MAPPING_RULES: _table(document, MAPPING_RULES) if project.mappings else {},
            BANDITS: project.cmab_configs,
        }
        self._reached: dict[Question, tuple[tuple[Record, ...], tuple[Question, ...]]] = {}

    def list_questions(self) -> list[Question]:
        """List every question that has an answer, sorted."""
        mapped = self.sections[MAPPINGS].keys()
        names = {
            GATE: self.sections[GATES].keys() | mapped,
            CONFIG: self.sections[CONFIGS].keys() | self.sections[BANDITS].keys() | mapped,
            LAYER: self.sections[LAYERS].keys() | mapped,
        }
        return [Question(kind, name) for kind in KINDS for name in sorted(names[kind])]

    def find_closure(self, question: Question) -> frozenset[Record]:
        """Return every record that answering a question may need."""
        seen = {question}
        waiting = [question]
        records: set[Record] = set()
        while waiting:
            found, further = self._reach(waiting.pop())
            records.update(found)
            for one in further:
                if one not in seen:
                    seen.add(one)
                    waiting.append(one)
        return frozenset(records)

    def list_asked(self, question: Question) -> tuple[Question, ...]:
        """List what a question asks in turn, itself only: the first step of its closure."""
        return self._reach(question)[1]

    def _reach(self, question: Question) -> tuple[tuple[Record, ...], tuple[Question, ...]]:
        """Return what a question reads itself, and what it asks in turn."""
        reached = self._reached.get(question)
        if reached is None:
            steps = list(self._follow(question))
            records = tuple(dict.fromkeys(one for one in steps if isinstance(one, Record)))
            questions = tuple(dict.fromkeys(one for one in steps if isinstance(one, Question)))
            reached = self._reached[question] = records, questions
        return reached

    def _follow(self, question: Question) -> Iterator[Record | Question]:
        kind, name = question
        spec = self.sections[_SECTION_OF[kind]].get(name)
        if isinstance(spec, Mapping):
            yield Record(_SECTION_OF[kind], name)
            for rule in _list(spec.get("rules")):
                yield from self._follow_rule(rule)
        if name in self.sections[MAPPINGS]:
            yield Record(MAPPINGS, name)
            for mapping in _list(self.sections[MAPPINGS][name]):
                yield from self._follow_mapping(kind, mapping)
        bandit = self.sections[BANDITS].get(name)
        if kind == CONFIG and isinstance(bandit, Mapping):
            yield Record(BANDITS, name)
            if bandit.get("targetingGateName") is not None:
                yield Question(GATE, str(bandit["targetingGateName"]))

    def _follow_mapping(self, kind: str, mapping: Document) -> Iterator[Record | Question]:
        yield Question(kind, str(mapping["new_config_name"]))
        for reference in _list(mapping.get("rules")):
            name = str(reference["rule_name"])
            rule = self.sections[MAPPING_RULES].get(name)
            if isinstance(rule, Mapping):
                yield Record(MAPPING_RULES, name)
                yield from self._follow_rule(rule)

    def _follow_rule(self, rule: Document) -> Iterator[Record | Question]:
        if rule.get("configDelegate") is not None:
            yield Question(CONFIG, str(rule["configDelegate"]))
        references = rule.get("conditions")
        for reference in references if isinstance(references, list) else ():
            condition = reference
            if isinstance(reference, str):
                condition = self.sections[CONDITIONS].get(reference)
                if condition is not None:
                    yield Record(CONDITIONS, reference)
            if isinstance(condition, Mapping):
                yield from follow_condition(condition)


def follow_condition(condition: Document) -> Iterator[Question]:
    """Yield what a condition asks: another gate, or an experiment's group."""
    kind, target, field = condition.get("type"), condition.get("targetValue"), condition.get("field")
    if kind in ("pass_gate", "fail_gate"):
        yield Question(GATE, target if isinstance(target, str) else "")
    elif kind == "experiment_group":
        yield Question(CONFIG, find_text(field) or "")


def _table(document: Document, key: str) -> Document:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Document]:
    return value if isinstance(value, list) else []
