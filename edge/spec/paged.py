"""The paged layout: a manifest, and pages read when a question needs them (`specstore`).

One project grows by the piece of each question. Pages stay beside it as the bytes they are, because the next question
often lies in one of them; both are bounded, since a sandbox may live long and a spec may be large.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from edge.callers.sight import Sight, find_sight_of_key
from edge.spec.wanted import Wanted
from evaluator.conditions import EXPERIMENT
from evaluator.evaluate import CONFIG, LAYER
from evaluator.project import Project
from specstore.manifest import Manifest, start_project
from specstore.pages import Page, Piece, decode_page, find_piece, read_whole
from specstore.sights import ALL_LAYERS, name_app, sees

# Bytes of pages kept, and of pages a project has grown by, before both begin anew. A page is 4 to 32 KB, some 100 KB;
# what is decoded of it takes several times its bytes.
MOST_BYTES: Final = 2_000_000

# Returns the values of pages by their digests, asked for together; raises StoreFault when one is missing.
type FetchPages = Callable[[Sequence[bytes]], Mapping[bytes, bytes]]
type Question = tuple[str, str]


class PagedSpec:
    """A spec whose manifest was read; its pages are fetched when first needed."""

    __slots__ = ("_bytes", "_fetch", "_loaded", "_pages", "_project", "_sights", "_whole", "manifest")

    layout = "paged"

    def __init__(self, manifest: Manifest, fetch: FetchPages) -> None:
        """Begin without pages; raises InvalidEntry."""
        self.manifest = manifest
        self._fetch = fetch
        self._project = start_project(manifest)
        self._whole: Project | None = None
        self._loaded: set[Question] = set()
        self._sights: dict[str, Sight | None] = {}  # by client key
        self._pages: dict[bytes, Page] = {}
        self._bytes = 0

    @property
    def time(self) -> int:
        """Return when the spec was last changed, in milliseconds since 1970."""
        return self.manifest.time

    @property
    def is_whole(self) -> bool:
        """Tell whether all pages were read."""
        return self._whole is not None

    def counts(self) -> dict[str, int]:
        """Return how many specs of each section there are, in pages that were read or not."""
        return dict(self.manifest.counts)

    def load(self, questions: Sequence[Wanted]) -> Project:
        """Return the project, grown by what these need; raises StoreFault or InvalidEntry, and then has not grown.

        What a client key may not see is not looked for, as a name that nobody used would not be.
        """
        if self._whole is not None:
            return self._whole
        asked = [question for wanted in questions if (question := self._find_question(wanted)) is not None]
        missing = [question for question in asked if question not in self._loaded]
        if missing:
            if self._bytes > MOST_BYTES:
                self._begin_anew()
                missing = asked
            self._grow(missing)
        return self._project

    def load_whole(self) -> Project:
        """Return the project of all pages; raises StoreFault or InvalidEntry."""
        if self._whole is None:
            whole = start_project(self.manifest)
            for entry in self._fetch(list(dict.fromkeys(self.manifest.list_pages()))).values():
                whole.grow(read_whole(decode_page(entry)))
            self._whole = whole
        return self._whole

    def _begin_anew(self) -> None:
        self._project = start_project(self.manifest)
        self._loaded, self._pages, self._bytes = set(), {}, 0

    def _find_question(self, wanted: Wanted) -> Question | None:
        """Return the question that a page lists, where an experiment is a config; None for what is not to be seen."""
        kind = CONFIG if wanted.kind == EXPERIMENT else wanted.kind
        sight = self._find_sight(wanted.client_key) if wanted.client_key else None
        return (kind, wanted.name) if sight is None or self._shows(sight, kind, wanted.name) else None

    def _find_sight(self, client_key: str) -> Sight | None:
        if client_key not in self._sights:
            self._sights[client_key] = find_sight_of_key(self._project, client_key)
        return self._sights[client_key]

    def _shows(self, sight: Sight, kind: str, name: str) -> bool:
        """Tell whether an entity is to be looked for; the same is done for each name, listed or not."""
        known = name_sight(sight, kind)
        return (known is None or self._sees(known, kind, name)) and sight.lists(kind, name)

    def _sees(self, sight: str, kind: str, name: str) -> bool:
        """Ask a sight of the manifest; without any, it is left to the entity itself who sees it."""
        digest = self.manifest.sights.get(sight)
        if digest is None:
            return not self.manifest.sights
        return sees(self._fetch_pages((digest,))[digest], kind, name)

    def _grow(self, questions: Iterable[Question]) -> None:
        """Add the pieces of some questions: those of their pages first, then of the further pages these name."""
        homes = {question: self.manifest.find_page(*question) for question in questions}
        pages = self._fetch_pages(homes.values())
        pieces = [piece for question, home in homes.items() if (piece := find_piece(pages[home], *question))]
        parts = [piece.sections for piece in pieces]
        further = list_further(pieces)
        if further:
            pages = self._fetch_pages(further)
            parts += [read_whole(pages[digest]) for digest in dict.fromkeys(further)]
        for part in parts:
            self._project.grow(part)
        self._loaded.update(homes)

    def _fetch_pages(self, digests: Iterable[bytes]) -> Mapping[bytes, Page]:
        """Return the pages that are here, when these are among them."""
        pages = self._pages
        missing = [digest for digest in dict.fromkeys(digests) if digest not in pages]
        if missing:
            for digest, entry in self._fetch(missing).items():
                pages[digest] = decode_page(entry)
                self._bytes += len(entry)
        return pages


def name_sight(sight: Sight, kind: str) -> str | None:
    """Name the sight of the manifest that a key is held to for a kind; None where its list says all."""
    if sight.app is not None:
        return name_app(sight.app)
    return ALL_LAYERS if kind == LAYER else None


def list_further(pieces: Iterable[Piece]) -> list[bytes]:
    """List the digests of the further pages that some pieces name."""
    return [digest for piece in pieces for digest in piece.further]
