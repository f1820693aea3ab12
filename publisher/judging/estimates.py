"""What a spec will weigh and cost at the edge: the sizes of its entries, and the CPU time of a first answer.

The costs are estimates from what the component was counted to take (`make fuel`): instructions for decoding a raw spec
of 432 KB and one of 10 MB, between and beyond which they grow by a power of the size; for a check that reads one page a
base, and so much for each byte of the entity. A host does about 9 million of them in a millisecond.
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from evaluator.project import Project
from publisher.judging.findings import Finding
from specstore.closure import Question, Record, Tables
from specstore.cut import Cut, cut_project, write_records
from specstore.limits import LimitExceeded, check_write
from specstore.plan import plan_publication

CPU_LIMIT_MS: Final = 50.0
# The default of the setting raw_limit_bytes: a longer raw spec is read only when nothing else answers.
RAW_LIMIT_BYTES: Final = 1_500_000
# An entity may take this part of the limit; the rest is for what else a request does.
ENTITY_SHARE: Final = 0.5
INSTRUCTIONS_PER_MS: Final = 9_000_000
RAW_BYTES: Final = 432_327
RAW_INSTRUCTIONS: Final = 53_000_000
RAW_GROWTH: Final = 1.25
PAGED_INSTRUCTIONS: Final = 1_550_000
BASE_INSTRUCTIONS: Final = 1_700_000
INSTRUCTIONS_PER_BYTE: Final = 130


class Weight(NamedTuple):
    """The sizes of a spec in bytes, and the costs of a first answer in milliseconds of CPU time."""

    raw_bytes: int
    pages: int
    page_bytes: int  # of all pages
    largest_page_bytes: int
    manifest_bytes: int
    heaviest: str  # the entity that takes longest
    heaviest_bytes: int
    raw_ms: float
    paged_ms: float

    def to_json(self) -> dict[str, object]:
        """Return it as `--json` has it."""
        return {name: round(value, 2) if isinstance(value, float) else value for name, value in self._asdict().items()}


def weigh(spec_key: str, project: Project, raw: bytes) -> tuple[Weight, list[Finding]]:
    """Weigh a spec, and find what the store would not take or what would take too long."""
    cut = cut_project(project)
    heaviest, size = find_heaviest(project)
    pages = [len(page) for page in (*cut.pages, *cut.further, cut.rest)]
    publication = plan_publication(spec_key, cut, raw=raw)
    weight = Weight(
        raw_bytes=len(raw),
        pages=len(pages),
        page_bytes=sum(pages),
        largest_page_bytes=max(pages),
        manifest_bytes=len(publication.switch[-1].value),
        heaviest=heaviest,
        heaviest_bytes=size,
        raw_ms=estimate_raw(len(raw)),
        paged_ms=estimate_paged(size),
    )
    return weight, [*find_too_large(spec_key, cut, raw), *find_slow(weight)]


def find_heaviest(project: Project) -> tuple[str, int]:
    """Return the entity whose records have the most bytes, and how many."""
    tables = Tables(project)
    sizes = {record: len(text) for record, text in write_records(tables, project).items()}

    def weigh_question(question: Question) -> int:
        records: frozenset[Record] = tables.find_closure(question)
        return sum(sizes[record] for record in records)

    heaviest = max(tables.list_questions(), key=weigh_question, default=None)
    return ("", 0) if heaviest is None else (f"{heaviest.kind} {heaviest.name}", weigh_question(heaviest))


def find_too_large(spec_key: str, cut: Cut, raw: bytes) -> Iterator[Finding]:
    """Find the entries that Fastly would not take."""
    for write in plan_publication(spec_key, cut, raw=raw).list_writes():
        try:
            check_write(write)
        except LimitExceeded as problem:
            yield Finding("too-large", write.key, str(problem))


def find_slow(weight: Weight) -> Iterator[Finding]:
    """Find what takes too much CPU time."""
    if weight.raw_bytes > RAW_LIMIT_BYTES:
        text = (
            f"about {weight.raw_ms:.0f} ms of CPU time; over {RAW_LIMIT_BYTES:,} bytes it is read only as a last resort"
        )
        yield Finding("slow-raw", "raw spec", text)
    if weight.paged_ms > CPU_LIMIT_MS * ENTITY_SHARE:
        text = f"about {weight.paged_ms:.0f} ms of CPU time; Fastly gives {CPU_LIMIT_MS:.0f} ms for everything"
        yield Finding("slow-entity", weight.heaviest, text)


def estimate_raw(size: int) -> float:
    """Return the CPU time of a first answer from a raw spec of so many bytes, in milliseconds."""
    decoding = RAW_INSTRUCTIONS * math.pow(size / RAW_BYTES, RAW_GROWTH)
    return (BASE_INSTRUCTIONS + decoding) / INSTRUCTIONS_PER_MS


def estimate_paged(size: int) -> float:
    """Return the CPU time of a first answer from pages, about an entity of so many bytes, in milliseconds."""
    return (PAGED_INSTRUCTIONS + INSTRUCTIONS_PER_BYTE * size) / INSTRUCTIONS_PER_MS
