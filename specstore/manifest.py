"""The manifest: what the pages of a spec are, and which raw spec they were made from. It is written last.

Behind the first line (`frame`) stands one CBOR map with few items, because the component decodes CBOR in Python: the
digests of the pages are joined to one byte string, and what a Project needs before any page (`time`, app IDs, SDK
settings) is one JSON text.

A manifest either follows the raw entry beside it or leads. One that follows names the generation of the raw value it
was made from, and answers only beside that generation. One that leads names none: its writer also wrote the raw entry,
marked so in the entry's metadata, and readers use the manifest unless someone else has written the raw entry since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import JSONEncoder, loads
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import cbor2

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from specstore.closure import BANDITS, CONDITIONS, CONFIGS, GATES, LAYERS, MAPPING_RULES, MAPPINGS
from specstore.cut import DIGEST_BYTES, digest_page, find_page_number
from specstore.frame import MANIFEST, InvalidEntry, seal, unseal

if TYPE_CHECKING:
    from evaluator.project import Project
    from specstore.cut import Cut

OUR_METADATA: Final = "gatelet/1"
_GROWING: Final = (GATES, CONFIGS, LAYERS, CONDITIONS, BANDITS)
_encode = JSONEncoder(separators=(",", ":")).encode


class Manifest(NamedTuple):
    """What the manifest says; pages by their digests, 16 bytes each, joined."""

    time: int  # of the spec, in milliseconds since 1970
    generation: int | None  # of the raw value the pages were made from; None: the manifest leads
    pages: bytes
    further: bytes
    rest: bytes
    counts: Mapping[str, int]  # specs by section
    has_mapping: bool  # whether any name may be led to another config
    head: Mapping[str, object]  # what stands in the document itself and any check may need

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
        for joined in (self.pages, self.further, self.rest):
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
        pages=b"".join(map(digest_page, cut.pages)),
        further=b"".join(map(digest_page, cut.further)),
        rest=digest_page(cut.rest),
        counts=cut.counts,
        has_mapping=cut.has_mapping,
        head=cut.head,
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """Write the value of a manifest's key."""
    content = {
        "generation": manifest.generation,
        "pages": manifest.pages,
        "further": manifest.further,
        "rest": manifest.rest,
        "about": _encode(
            {
                "document": manifest.head,
                "counts": manifest.counts,
                "has_mapping": manifest.has_mapping,
            }
        ).encode("ascii"),
    }
    return seal(MANIFEST, cbor2.dumps(content))


def decode_manifest(entry: bytes) -> Manifest:
    """Read the value of a manifest's key; raises InvalidEntry."""
    fields = decode_fields(unseal(MANIFEST, entry))
    about = decode_about(take(fields, "about", bytes))
    head = take(about, "document", dict, "about.")
    pages, further, rest = (take(fields, name, bytes) for name in ("pages", "further", "rest"))
    check_digests(pages, further, rest)
    generation = fields.get("generation")
    if not (generation is None or type(generation) is int):
        raise InvalidEntry("manifest.generation: must be an integer or null")
    return Manifest(
        time=take(head, "time", int, "about.document.") if "time" in head else 0,
        generation=generation,
        pages=pages,
        further=further,
        rest=rest,
        counts=take(about, "counts", dict, "about."),
        has_mapping=take(about, "has_mapping", bool, "about."),
        head=head,
    )


def decode_fields(content: bytes) -> Mapping[str, object]:
    """Decode the CBOR map of a manifest; raises InvalidEntry."""
    try:
        fields = cbor2.loads(content)
    except (cbor2.CBORDecodeError, RecursionError) as problem:
        raise InvalidEntry(f"manifest: not CBOR: {problem}") from None
    if not isinstance(fields, dict):
        raise InvalidEntry("manifest: must be a map")
    return fields


def decode_about(text: bytes) -> Mapping[str, object]:
    """Decode the JSON object in a manifest; raises InvalidEntry."""
    try:
        about = loads(text)
    except (ValueError, RecursionError) as problem:
        raise InvalidEntry(f"manifest.about: not JSON: {problem}") from None
    if not isinstance(about, dict):
        raise InvalidEntry("manifest.about: must be an object")
    return about


def take[Wanted](fields: Mapping[str, object], name: str, wanted: type[Wanted], path: str = "") -> Wanted:
    """Return a field of a type; raises InvalidEntry."""
    value = fields.get(name)
    if type(value) is not wanted:
        raise InvalidEntry(f"manifest.{path}{name}: must be of type {wanted.__name__}")
    return value


def check_digests(pages: bytes, further: bytes, rest: bytes) -> None:
    """Raise InvalidEntry unless these are digests, and those of the pages a power of two."""
    count, left = divmod(len(pages), DIGEST_BYTES)
    if left or count < 1 or count & (count - 1):
        raise InvalidEntry("manifest.pages: must be 16 bytes for each of 1, 2, 4, 8 … pages")
    if len(further) % DIGEST_BYTES:
        raise InvalidEntry("manifest.further: must be 16 bytes for each page")
    if len(rest) != DIGEST_BYTES:
        raise InvalidEntry("manifest.rest: must be 16 bytes")


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
    """Make the Project of a manifest, without specs; `Project.grow` adds them. Raises InvalidEntry."""
    document: dict[str, object] = {**manifest.head, **{section: {} for section in _GROWING}}
    if manifest.has_mapping:
        document |= {MAPPINGS: {}, MAPPING_RULES: {}}
    try:
        return decode_project(document)
    except InvalidSpec as problem:
        raise InvalidEntry(f"manifest.about.document: {problem}") from None
