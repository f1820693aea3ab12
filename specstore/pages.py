r"""A page: some of a spec's entities, each with the records that its evaluation needs.

The head of the entry (`frame`) has the entities, one a line; the records follow it, one after the other. A record is
one member of a JSON object, `"name":{...}`, without blanks and line feeds. An entity's line begins with a line feed:

    gate "test_50_50" 8c7e7bd2 G0+233 C5400+66 X0f0e0d0c0b0a09080706050403020100

its kind, its name, the CRC-32 of its records in the order of the line, and where they stand, section by section: the
letter of the section (T: the document itself), the offset from the first record, the length; X and a digest name a
further page that holds more of them. All of it is ASCII, names as JSON writes them, so an entity is found by one search
for its line's beginning, and its records are joined to one JSON array and decoded together: the rest of the page is
never looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from json import JSONEncoder
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zlib import crc32

from evaluator.json_text import read_json
from specstore.closure import BANDITS, CONDITIONS, CONFIGS, GATES, LAYERS, MAPPING_RULES, MAPPINGS, Record
from specstore.frame import PAGE, InvalidEntry, seal, unseal

if TYPE_CHECKING:
    from specstore.closure import Question

type Sections = dict[str, object]

DOCUMENT: Final = ""  # the section of what stands in the document itself

LETTERS: Final = {
    GATES: "G",
    CONFIGS: "D",
    LAYERS: "L",
    CONDITIONS: "C",
    MAPPINGS: "O",
    MAPPING_RULES: "R",
    BANDITS: "B",
    DOCUMENT: "T",
}
_FURTHER: Final = b"X"

_NAMES: Final = {ord(letter): name for name, letter in LETTERS.items()}

# As a JSON reader of any language takes it, except for the infinities that Python reads from 1e999 and writes by name.
_encode = JSONEncoder(separators=(",", ":")).encode


class Page:
    """A page whose head was checked: its entities' lines, the whole entry, and where in it the records begin."""

    __slots__ = ("entities", "entry", "start")

    def __init__(self, entities: bytes, entry: bytes, start: int) -> None:
        self.entities = entities
        self.entry = entry
        self.start = start


class Piece:
    """What one question needs, as a part of a v2 document; `further` are the digests of the pages with the rest."""

    __slots__ = ("further", "sections")

    def __init__(self, sections: Sections, further: Sequence[bytes]) -> None:
        self.sections = sections
        self.further = further


class Entity(NamedTuple):
    """A question, and the records that its answer needs: in this page, and in further ones (by their digests)."""

    question: Question
    records: frozenset[Record]
    further: tuple[bytes, ...] = ()


def decode_page(entry: bytes) -> Page:
    """Check the value of a page's key; raises InvalidEntry."""
    entities, start = unseal(PAGE, entry)
    return Page(entities, entry, start)


def find_piece(page: Page, kind: str, name: str) -> Piece | None:
    """Return what a question needs, or None when the page has no such entity; raises InvalidEntry."""
    mark = begin_line(kind, name).encode("ascii")
    start = page.entities.find(mark)
    if start < 0:
        return None
    end = page.entities.find(b"\n", start + 1)
    return read_line(page, page.entities[start + len(mark) : None if end < 0 else end])


def read_line(page: Page, line: bytes) -> Piece:
    """Decode the records that an entity's line names, behind its name; raises InvalidEntry."""
    checksum, *places = line.split(b" ")
    further: Sequence[bytes] = ()
    if b" X" in line:
        further = [read_digest(one[1:]) for one in places if one[:1] == _FURTHER]
        places = [one for one in places if one[:1] != _FURTHER]
    return Piece(decode_records(places, slice_records(page, places, checksum)), further)


def slice_records(page: Page, places: Iterable[bytes], checksum: bytes) -> list[bytes]:
    """Return the texts of the records at some places; raises InvalidEntry when their CRC-32 is another one."""
    entry, first = page.entry, page.start
    texts: list[bytes] = []
    for place in places:
        offset, _, length = place[1:].partition(b"+")
        try:
            start = first + int(offset)
            texts.append(entry[start : start + int(length)])
        except ValueError:
            raise InvalidEntry(f"page: {show(place)} is no place of a record") from None
    # A place outside of the page shows here too.
    if b"%08x" % crc32(b"".join(texts)) != checksum or b"" in texts:
        raise InvalidEntry("page: the records of an entity are damaged, their CRC-32 is another one")
    return texts


def read_digest(text: bytes) -> bytes:
    """Read the digest of a further page; raises InvalidEntry."""
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        raise InvalidEntry(f"page: {show(text)} is no digest") from None


def show(text: bytes) -> str:
    """Write a part of a line for a message."""
    return repr(text.decode("ascii", "replace"))


def decode_records(places: Iterable[bytes], texts: Sequence[bytes]) -> Sections:
    """Decode the texts of records together, and put them into their sections; raises InvalidEntry."""
    if not texts:
        return {}
    try:
        records: list[Sections] = read_json((b"[{%b}]" % b"},{".join(texts)).decode())
        placed = list(zip(places, records, strict=True))
    except (ValueError, RecursionError) as problem:
        raise InvalidEntry(f"page: a record is not JSON: {problem}") from None
    sections: dict[str, Any] = {}
    for place, record in placed:
        name = _NAMES.get(place[0])
        if name is None:
            raise InvalidEntry(f"page: {show(place[:1])} is the letter of no section")
        if name == DOCUMENT:
            sections.update(record)
        elif name in sections:
            sections[name].update(record)
        else:
            sections[name] = record
    return sections


def read_whole(page: Page) -> Sections:
    """Decode every record of a page, each once; raises InvalidEntry."""
    texts: dict[bytes, bytes] = {}
    for line in page.entities.split(b"\n")[1:]:
        checksum, *references = line[line.rfind(b'" ') + 2 :].split(b" ")
        places = [one for one in references if one[:1] != _FURTHER]
        texts.update(zip(places, slice_records(page, places, checksum), strict=True))
    ordered = sorted(texts)
    return decode_records(ordered, [texts[place] for place in ordered])


def begin_line(kind: str, name: str) -> str:
    """Return how the line of an entity begins, after the line before it."""
    return f"\n{kind} {encode_basestring_ascii(name)} "


def write_record(name: str, value: object) -> bytes:
    """Write a record: one member of a JSON object."""
    return f"{encode_basestring_ascii(name)}:{_encode(value)}".encode("ascii")


def write_page(entities: Iterable[Entity], texts: Mapping[Record, bytes]) -> bytes:
    """Write the page of some entities; the same entities and records give the same bytes."""
    listed = sorted(entities)
    records = sorted({record for entity in listed for record in entity.records})
    places: dict[Record, str] = {}
    offset = 0
    for record in records:
        places[record] = f"{LETTERS[record.section]}{offset}+{len(texts[record])}"
        offset += len(texts[record])
    lines = [write_line(entity, places, texts) for entity in listed]
    return seal(PAGE, "".join(lines).encode("ascii"), b"".join(texts[record] for record in records))


def write_line(entity: Entity, places: Mapping[Record, str], texts: Mapping[Record, bytes]) -> str:
    """Write the line of an entity."""
    records = sorted(entity.records)
    checksum = crc32(b"".join(texts[record] for record in records))
    references = [places[record] for record in records] + [f"X{digest.hex()}" for digest in entity.further]
    return begin_line(*entity.question) + " ".join((f"{checksum:08x}", *references))
