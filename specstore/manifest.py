"""The manifest: what the pages of a spec are, and which raw spec they were made from. It is written last.

The head of the entry (`frame`) is a CBOR array of two items, because the component decodes CBOR in Python, at 10,000
instructions an item: the generation, which JSON cannot carry safely (it has 64 bits), and the rest as one JSON text.
Behind the head stand the digests, 16 bytes each: the rest page's, those of the pages by number, those of the further
pages.

A manifest either follows the raw entry beside it or leads. One that follows names the generation of the raw value it
was made from, and answers only beside that generation. One that leads names none: its writer also wrote the raw entry,
marked so in the entry's metadata, and readers use the manifest unless someone else has written the raw entry since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from json import JSONEncoder
from typing import TYPE_CHECKING, Final, cast

import cbor2

from evaluator.json_text import read_json
from evaluator.project import Project
from specstore.closure import BANDITS, CONDITIONS, CONFIGS, GATES, LAYERS, MAPPING_RULES, MAPPINGS
from specstore.cut import DIGEST_BYTES, digest_page, find_page_number
from specstore.frame import MANIFEST, InvalidEntry, seal, unseal

if TYPE_CHECKING:
    from specstore.cut import Cut

OUR_METADATA: Final = "gatelet/1"
_NAMES: Final[dict[type, str]] = {int: "an integer", bool: "true or false", dict: "an object"}
_encode = JSONEncoder(separators=(",", ":")).encode


@dataclass(slots=True)
class Manifest:
    """What the manifest says; pages by their digests, 16 bytes each, joined."""

    time: int  # of the spec, in milliseconds since 1970
    generation: int | None  # of the raw value the pages were made from; None: the manifest leads
    rest: bytes
    pages: bytes
    further: bytes
    counts: Mapping[str, int]  # specs by section
    has_mapping: bool  # whether any name may be led to another config
    head: Mapping[str, object]  # what stands in the document itself and any check may need
    sights: Mapping[str, bytes] = field(
        default_factory=dict
    )  # what keys see, by the names of `specstore.sights`: digests of further pages

    @property
    def page_count(self) -> int:
        """Return how many pages the entities are spread over."""
        return len(self.pages) // DIGEST_BYTES

    def find_page(self, kind: str, name: str) -> bytes:
        """Return the digest of the page that holds an entity, if the spec has it: gate, config or layer."""
        start = find_page_number(kind, name, self.page_count) * DIGEST_BYTES
        return self.pages[start : start + DIGEST_BYTES]

    def list_pages(self) -> Iterator[bytes]:
        """Yield the digest of every page that this manifest needs."""
        for joined in (self.rest, self.pages, self.further):
            yield from split_digests(joined)


def split_digests(joined: bytes) -> Iterator[bytes]:
    """Yield the digests in a byte string."""
    for start in range(0, len(joined), DIGEST_BYTES):
        yield joined[start : start + DIGEST_BYTES]


def make_manifest(cut: Cut, *, generation: int | None = None) -> Manifest:
    """Say what pages were made from: a generation of the raw entry, or None when the manifest leads."""
    return Manifest(
        time=cast("int", cut.head.get("time", 0)),
        generation=generation,
        rest=digest_page(cut.rest),
        pages=b"".join(map(digest_page, cut.pages)),
        further=b"".join(map(digest_page, cut.further)),
        counts=cut.counts,
        has_mapping=cut.has_mapping,
        head=cut.head,
        sights=cut.sights,
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """Write the value of a manifest's key."""
    about: dict[str, object] = {
        "document": manifest.head,
        "pages": manifest.page_count,
        "counts": manifest.counts,
        "has_mapping": manifest.has_mapping,
    }
    if manifest.sights:
        about["sights"] = {name: digest.hex() for name, digest in manifest.sights.items()}
    head = cbor2.dumps([manifest.generation, _encode(about).encode("ascii")])
    return seal(MANIFEST, head, manifest.rest + manifest.pages + manifest.further)


def decode_manifest(entry: bytes) -> Manifest:
    """Read the value of a manifest's key; raises InvalidEntry."""
    content, start = unseal(MANIFEST, entry)
    generation, text = decode_head(content)
    about = decode_about(text)
    head = take(about, "document", dict)
    rest, pages, further = split_pages(entry, start, take(about, "pages", int))
    return Manifest(
        take(head, "time", int, "document.") if "time" in head else 0,
        generation,
        rest,
        pages,
        further,
        take(about, "counts", dict),
        take(about, "has_mapping", bool),
        head,
        decode_sights(take(about, "sights", dict)) if "sights" in about else {},
    )


def decode_sights(sights: Mapping[str, object]) -> dict[str, bytes]:
    """Read the digests of sights; raises InvalidEntry."""
    try:
        return {name: bytes.fromhex(cast("str", digest)) for name, digest in sights.items()}
    except (TypeError, ValueError):
        raise InvalidEntry("manifest[1].sights: must hold digests") from None


def decode_head(head: bytes) -> tuple[int | None, bytes]:
    """Decode the CBOR array of a manifest; raises InvalidEntry."""
    usual = split_usual_head(head)
    if usual is not None:
        return usual
    try:
        items = cbor2.loads(head)
    except (cbor2.CBORDecodeError, RecursionError) as problem:
        raise InvalidEntry(f"manifest: not CBOR: {problem}") from None
    if not (isinstance(items, list) and len(items) == 2):
        raise InvalidEntry("manifest: must be an array of two items")
    generation, text = items
    if not (generation is None or type(generation) is int):
        raise InvalidEntry("manifest[0]: must be an integer or null")
    if type(text) is not bytes:
        raise InvalidEntry("manifest[1]: must be a byte string")
    return generation, text


def split_usual_head(head: bytes) -> tuple[int | None, bytes] | None:
    """Take the head apart in the form that it nearly always has; None for any other.

    That is an array of two (82), null (f6) or an integer of 64 bits (1b), a byte string of less than 64 KB (58, 59).
    Measured in a fresh sandbox, cbor2 takes 370,000 instructions for these two items.
    """
    if head[:2] == b"\x82\x1b":
        generation, at = int.from_bytes(head[2:10]), 10
    elif head[:2] == b"\x82\xf6":
        generation, at = None, 2
    else:
        return None
    width = {b"\x58": 1, b"\x59": 2}.get(head[at : at + 1])
    if width is None:
        return None
    text = head[at + 1 + width :]
    return (generation, text) if len(text) == int.from_bytes(head[at + 1 : at + 1 + width]) else None


def decode_about(text: bytes) -> Mapping[str, object]:
    """Decode the JSON object in a manifest; raises InvalidEntry."""
    try:
        about = read_json(text.decode())  # of bytes it would find the encoding out first
    except (ValueError, RecursionError) as problem:
        raise InvalidEntry(f"manifest[1]: not JSON: {problem}") from None
    if not isinstance(about, dict):
        raise InvalidEntry("manifest[1]: must be an object")
    return about


def take[Wanted](fields: Mapping[str, object], name: str, wanted: type[Wanted], path: str = "") -> Wanted:
    """Return a field of a type; raises InvalidEntry."""
    value = fields.get(name)
    if type(value) is not wanted:
        raise InvalidEntry(f"manifest[1].{path}{name}: must be {_NAMES[wanted]}")
    return value


def split_pages(entry: bytes, start: int, pages: int) -> tuple[bytes, bytes, bytes]:
    """Split the digests that begin there: those of the rest page, the pages, the further ones; raises InvalidEntry."""
    if pages < 1 or pages & (pages - 1):
        raise InvalidEntry(f"manifest[1].pages: {pages} is no power of two")
    length = len(entry) - start
    first = start + DIGEST_BYTES
    end = first + DIGEST_BYTES * pages
    if len(entry) < end or length % DIGEST_BYTES:
        raise InvalidEntry(f"manifest: {length} bytes of digests do not fit {pages} pages")
    return entry[start:first], entry[first:end], entry[end:]


def answers_for(manifest: Manifest, generation: int | None, metadata: str | None) -> bool:
    """Tell whether a manifest may answer beside a raw entry of this generation (None: there is none) and metadata.

    The metadata counts only for a manifest that leads; a reader of one that follows need not fetch it.
    """
    if generation is None:
        return True
    if manifest.generation is not None:
        return manifest.generation == generation
    return metadata is not None and metadata.startswith(OUR_METADATA)


def start_project(manifest: Manifest) -> Project:
    """Make the Project of a manifest, without specs; `Project.grow` adds them, and its writer checked them."""
    gates: dict[str, object] = {}
    configs: dict[str, object] = {}
    layers: dict[str, object] = {}
    document = {**manifest.head, GATES: gates, CONFIGS: configs, LAYERS: layers, CONDITIONS: {}, BANDITS: {}}
    if manifest.has_mapping:
        document |= {MAPPINGS: {}, MAPPING_RULES: {}}
    return Project(document, gates, configs, layers)
