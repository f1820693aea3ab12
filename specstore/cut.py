"""Cut a spec into pages.

An entity lies in the page that the CRC-32 of its kind and name points to, together with every record that evaluating
it may need; a record that several pages need stands in each of them. The number of pages is a power of two, so that it
stays when a spec grows a little: with the number, most pages change. A fresh sandbox that checks one entity reads its
page and the manifest, which has 16 bytes for every page. So the number is doubled as long as that makes the page of an
entity smaller, in the mean over all entities, by more than the manifest grows; a page that fits into 4 KB, one page of
memory, is small enough. Measured on five specs of 210 KB to 10 MB, that is 128 to 1,024 pages, and a check reads 9 to
32 KB; with pages of 32 KB it read 24 to 64 KB.

A record of 16 KB or more that over four pages need (a list of thousands of IDs in a holdout) is not repeated: it gets
a further page of its own, which the entities' lines name.

What no evaluation asks for, such as parameter stores, stands in one page more, the rest. Where client keys are held
to a part of the spec, further pages say which (`sights`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from specstore.closure import CONDITIONS, CONFIGS, GATES, LAYERS, SECTIONS, Question, Record, Tables
from specstore.pages import DOCUMENT, Entity, write_page, write_record
from specstore.sights import write_sights

if TYPE_CHECKING:
    from evaluator.project import Project

DIGEST_BYTES: Final = 16
PAGE_LARGEST: Final = 32 * 1024  # bytes of records for each page that cutting begins with
PAGE_SMALL: Final = 4 * 1024
MOST_PAGES: Final = 4096
SHARED_BYTES: Final = 16 * 1024
SHARED_PAGES: Final = 4

# What a manifest carries itself, because any check may ask for it.
HEAD_KEYS: Final = (
    "app_id",
    "checksum",
    "company_id",
    "default_environment",
    "has_updates",
    "hashed_sdk_keys_to_app_ids",
    "hashed_sdk_keys_to_entities",
    "id_lists",
    "response_format",
    "sdk_configs",
    "sdk_keys_to_app_ids",
    "time",
)


class Cut(NamedTuple):
    """A spec in pages: the entries, and what a manifest says of the spec."""

    pages: tuple[bytes, ...]
    further: tuple[bytes, ...]
    rest: bytes
    head: Mapping[str, object]
    counts: Mapping[str, int]
    has_mapping: bool
    sights: Mapping[str, bytes] = {}  # digests of further pages, by the name of the sight


def digest_page(entry: bytes) -> bytes:
    """Return what a page is named by: the first 16 bytes of its SHA-256."""
    return sha256(entry).digest()[:DIGEST_BYTES]


def find_page_number(kind: str, name: str, pages: int) -> int:
    """Return the number of the page that an entity lies in; `pages` is a power of two."""
    return crc32(f"{kind}/{name}".encode("utf-8", "surrogatepass")) & (pages - 1)


def cut_project(project: Project) -> Cut:
    """Cut a checked spec; the same spec gives the same bytes."""
    tables = Tables(project)
    texts = write_records(tables, project)
    closures = {question: tables.find_closure(question) for question in tables.list_questions()}
    pages, further = cut_entities(closures, texts)
    sights = write_sights(project.document, tables)
    reached = frozenset[Record]().union(*closures.values())
    rest = Entity(Question("rest", ""), frozenset(texts.keys() - reached))
    head = {key: project.document[key] for key in HEAD_KEYS if key in project.document}
    return Cut(
        pages=pages,
        further=(*further, *dict.fromkeys(sights.values())),
        rest=write_page((rest,), texts),
        head=head,
        counts=project.counts(),
        has_mapping=bool(project.mappings),
        sights={name: digest_page(entry) for name, entry in sights.items()},
    )


def write_records(tables: Tables, project: Project) -> dict[Record, bytes]:
    """Write every record of a spec: the members of its sections, and what else stands in the document."""
    texts = {
        Record(section, name): write_record(name, value)
        for section, table in tables.sections.items()
        for name, value in table.items()
    }
    taken = {*HEAD_KEYS, *(section for section in SECTIONS if section == CONDITIONS or tables.sections[section])}
    others = project.document.keys() - taken - {GATES, CONFIGS, LAYERS}
    return texts | {Record(DOCUMENT, key): write_record(key, project.document[key]) for key in others}


def cut_entities(
    closures: Mapping[Question, frozenset[Record]], texts: Mapping[Record, bytes]
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the pages of all entities, and the further pages."""
    return write_pages(closures, texts, choose_number(closures, texts))


def choose_number(closures: Mapping[Question, frozenset[Record]], texts: Mapping[Record, bytes]) -> int:
    """Return the number of pages with which a check reads least."""
    number = first_number(sum(map(len, texts.values())))
    size = mean_read(closures, texts, number)
    while number < min(MOST_PAGES, len(closures)) and size > PAGE_SMALL:
        smaller = mean_read(closures, texts, number * 2)
        if size - smaller <= number * DIGEST_BYTES:
            break
        number, size = number * 2, smaller
    return number


def first_number(size: int) -> int:
    """Return the smallest power of two that gives pages of at most the largest size, if nothing is repeated."""
    return min(MOST_PAGES, 1 << (max(0, size - 1) // PAGE_LARGEST).bit_length())


def mean_read(closures: Mapping[Question, frozenset[Record]], texts: Mapping[Record, bytes], number: int) -> float:
    """Return how many bytes of records the page of an entity has, in the mean over entities."""
    read = 0
    for some in place_questions(closures, number):
        records = frozenset[Record]().union(*map(closures.__getitem__, some))
        read += len(some) * sum(len(texts[one]) for one in records)
    return read / max(1, len(closures))


def place_questions(closures: Iterable[Question], number: int) -> list[list[Question]]:
    """Return the questions of each page."""
    placed: list[list[Question]] = [[] for _ in range(number)]
    for question in closures:
        placed[find_page_number(*question, number)].append(question)
    return placed


def write_pages(
    closures: Mapping[Question, frozenset[Record]], texts: Mapping[Record, bytes], number: int
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Write a number of pages, and the further pages that they name."""
    placed = place_questions(closures, number)
    shared = find_shared([frozenset[Record]().union(*map(closures.__getitem__, some)) for some in placed], texts)
    further = {record: write_page((Entity(Question("further", ""), frozenset((record,))),), texts) for record in shared}
    named = {record: digest_page(entry) for record, entry in further.items()}
    pages = tuple(write_page((make_entity(one, closures[one], named) for one in some), texts) for some in placed)
    return pages, tuple(further[record] for record in sorted(further))


def find_shared(needed: list[frozenset[Record]], texts: Mapping[Record, bytes]) -> list[Record]:
    """Find the records that are too large and needed by too many pages to be repeated in each."""
    large = Counter(one for records in needed for one in records if len(texts[one]) >= SHARED_BYTES)
    return sorted(record for record, pages in large.items() if pages > SHARED_PAGES)


def make_entity(question: Question, records: frozenset[Record], named: Mapping[Record, bytes]) -> Entity:
    """Make the entity of a question, the shared records left to their own pages."""
    return Entity(question, records - named.keys(), tuple(sorted({named[one] for one in records if one in named})))
