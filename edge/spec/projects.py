"""The specs of a sandbox: one for each project that was asked about, and which of them an API key asks.

The table of projects stands in the setting `projects` as `fingerprint=spec_key` pairs separated by white space, so that
no key stands where settings are shown. A key that is not in it asks the spec of the setting `spec_key`; without a table
every key does, and nothing is hashed. What is known of a spec is kept by its key, also that it is not there: a project
that nobody published costs a look-up a second, not one a request.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from edge.ports import Platform
from edge.settings import ReplySettings
from edge.spec.cache import NOTHING_HELD, HeldSpec, answer_questions
from edge.spec.fallback import Fallback
from edge.spec.id_lists import ListCache
from edge.spec.page_writing import Place, find_unpaged, write_pages
from edge.spec.store import ConfigSpecStore, KvSpecStore, SpecStore
from edge.spec.wanted import Questions

FINGERPRINT_LENGTH: Final = 16


@dataclass(slots=True)
class AskedProject:
    """A project that was asked: what is held of its spec, its ID lists, and where they come from."""

    held: HeldSpec
    lists: ListCache
    store: SpecStore
    tried: int | None = None  # the raw generation whose pages this sandbox tried to write


class Projects:
    """What a sandbox holds of each spec."""

    __slots__ = ("_asked", "_fallback", "_platform", "_settings", "latest", "latest_key")

    def __init__(self, platform: Platform, settings: ReplySettings, fallback: Fallback) -> None:
        self._platform = platform
        self._settings = settings
        self._fallback = fallback
        self._asked: dict[str, AskedProject] = {}
        self.latest = NOTHING_HELD
        self.latest_key = ""  # of the spec that was asked last

    def answer(self, api_key: str, questions: Questions, now_ms: int) -> AskedProject:
        """Return the project that an API key asks, its spec holding the answer to some questions."""
        settings = self._settings
        key = find_spec_key(settings.projects, api_key, settings.spec_key)
        asked = self._asked.get(key) or open_project(self._platform, settings, key)
        held = answer_questions(asked.held, asked.store, self._fallback.find, settings, questions, now_ms)
        self._log_faults(asked.held, held)
        self.latest, self.latest_key = held, key
        asked = self._asked[key] = AskedProject(held, asked.lists, asked.store, asked.tried)
        return asked

    def write_missing_pages(self, limit: int) -> None:
        """Write the pages of raw specs that have none, each at most once."""
        for key, asked in self._asked.items():
            spec = find_unpaged(asked.held, limit)
            if spec is not None and spec.generation != asked.tried:
                self._asked[key] = replace(asked, tried=spec.generation)
                place = Place(self._settings.spec_store, key)
                self._platform.log(f"pages: {write_pages(self._platform, place, asked.held, spec)}")

    def _log_faults(self, earlier: HeldSpec, held: HeldSpec) -> None:
        for fault in (held.answer.fault, held.overrides.fault):
            if fault and fault not in (earlier.answer.fault, earlier.overrides.fault):
                self._platform.log(f"spec: {fault}")


def open_project(platform: Platform, settings: ReplySettings, key: str) -> AskedProject:
    """Return a project that was not asked yet."""
    store = open_store(platform, settings, key)
    return AskedProject(NOTHING_HELD, ListCache(store, settings), store)


def open_store(platform: Platform, settings: ReplySettings, key: str) -> SpecStore:
    """Return where a spec is: the setting `spec_item` puts the one of `spec_key` into the Config Store."""
    if settings.spec_item and key == settings.spec_key:
        return ConfigSpecStore(platform.find_setting, settings.spec_item)
    return KvSpecStore(platform, settings.spec_store, key)


def find_spec_key(table: str, api_key: str, otherwise: str) -> str:
    """Return the KV key of the spec that an API key asks."""
    if not table:
        return otherwise
    wanted = fingerprint(api_key) + "="
    return next((pair[len(wanted) :] for pair in table.split() if pair.startswith(wanted)), otherwise)


def fingerprint(api_key: str) -> str:
    """Return what stands for an API key in the table: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(api_key.encode()).hexdigest()[:FINGERPRINT_LENGTH]
