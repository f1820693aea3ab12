"""What a sandbox keeps from one request to the next: settings, keys, the spec, deliveries, counters.

Everything is fetched when first needed and kept. Nothing of a request is kept: another client's request may be next.
"""

from collections.abc import Sequence
from typing import Final

from edge.events.client_events import ClientEvents, Handover
from edge.events.outbox import Outbox
from edge.fallback import Fallback
from edge.id_lists import IdLists
from edge.keys import Keys, read_keys
from edge.messages import Header, Reply
from edge.ports import Platform
from edge.projects import Projects
from edge.questions import Questions, Wanted
from edge.settings import (
    BackgroundSettings,
    ClientSettings,
    ReplySettings,
    SpoolSettings,
    read_background_settings,
    read_client_settings,
    read_reply_settings,
    read_spool_settings,
)
from edge.spec_cache import NOTHING_HELD
from edge.spec_report import SpecReport, report_spec, spec_header
from evaluator.exposure_log import Memory

STATSIG_KEY_SECRET: Final = "statsig_key"  # noqa: S105  # the name of an item, not its value


class Sandbox:
    """One sandbox over one platform."""

    __slots__ = (
        "_background",
        "_client_settings",
        "_events_key",
        "_fallback",
        "_keys",
        "_projects",
        "_settings",
        "_spool_settings",
        "exposed",
        "outbox",
        "platform",
        "requests",
        "settings_faults",
    )

    def __init__(self, platform: Platform, fallback: Fallback | None = None) -> None:
        self.platform = platform
        self.outbox = Outbox(self)
        self.exposed = Memory()
        self._fallback = Fallback() if fallback is None else fallback
        self._projects: Projects | None = None
        self.requests = 0
        self.settings_faults: tuple[str, ...] = ()
        self._settings: ReplySettings | None = None
        self._background: BackgroundSettings | None = None
        self._client_settings: ClientSettings | None = None
        self._spool_settings: SpoolSettings | None = None
        self._keys: Keys | None = None
        self._events_key: bytes | None = None

    @property
    def settings(self) -> ReplySettings:
        """Return the settings of a reply."""
        if self._settings is None:
            self._settings, faults = read_reply_settings(self.platform.find_setting)
            self.note_faults(faults)
        return self._settings

    @property
    def background(self) -> BackgroundSettings:
        """Return the settings of what follows a reply."""
        if self._background is None:
            self._background, faults = read_background_settings(self.platform.find_setting)
            self.note_faults(faults)
        return self._background

    @property
    def client_settings(self) -> ClientSettings:
        """Return the settings of requests that come from browsers and apps."""
        if self._client_settings is None:
            self._client_settings, faults = read_client_settings(self.platform.find_setting)
            self.note_faults(faults)
        return self._client_settings

    @property
    def spool_settings(self) -> SpoolSettings:
        """Return the settings of stored events."""
        if self._spool_settings is None:
            self._spool_settings, faults = read_spool_settings(self.platform.find_setting)
            self.note_faults(faults)
        return self._spool_settings

    @property
    def keys(self) -> Keys:
        """Return the keys that open this service."""
        if self._keys is None:
            self._keys = read_keys(self.platform.find_secret)
        return self._keys

    @property
    def projects(self) -> Projects:
        """Return what is held of each project's spec."""
        if self._projects is None:
            self._projects = Projects(self.platform, self.settings, self._fallback)
        return self._projects

    @property
    def events_key(self) -> bytes:
        """Return the key that Statsig knows us by: its own secret, else the first server secret."""
        if self._events_key is None:
            own = self.platform.find_secret(STATSIG_KEY_SECRET)
            self._events_key = own.strip() if own else next(iter(self.keys.server), b"")
        return self._events_key

    def begin_questions(self, wanted: Sequence[Wanted] | None, api_key: str = "") -> Questions:
        """Ask the store for what these questions need; the key that the client sent decides the project."""
        now_ms = self.platform.now_ms()
        asked = self.projects.answer(api_key, wanted, now_ms)
        lists = IdLists(asked.lists, now_ms)
        return Questions(asked.held, wanted, lists, self.settings.environment, now_ms)

    def report_spec(self) -> SpecReport:
        """Ask the store when it is time to, and say how it stands with the spec of the setting `spec_key`."""
        now_ms = self.platform.now_ms()
        asked = self.projects.answer("", (), now_ms)
        return report_spec(asked.held, asked.lists, now_ms, self.background.max_staleness_s)

    def spec_header(self) -> Header:
        """Return the header that says which spec answered last."""
        held = NOTHING_HELD if self._projects is None else self._projects.latest
        return spec_header(held, self.platform.now_ms())

    def after_reply(self, reply: Reply) -> None:
        """Collect what the reply exposed, and go on with what is on its way."""
        if reply.events:
            self.outbox.collect(reply.events)
        self.go_on()
        if self._projects is not None:
            self._projects.write_missing_pages(self.background.page_writing_limit_bytes)

    def hand_over(self, events: ClientEvents) -> Handover:
        """Deliver or store a client's events before its request is answered; the result says what the answer may be."""
        return self.outbox.hand_over(events)

    def go_on(self) -> None:
        """Go on with what is on its way, without waiting."""
        self.outbox.note_left_out(self.exposed.deduplicated, self.exposed.sampled_out)
        self.outbox.step()
        self.outbox.log_counts()

    def close(self) -> None:
        """Bring what is on its way to an end, within bounds."""
        self.outbox.close()
        self.outbox.log_counts()

    def note_faults(self, faults: tuple[str, ...]) -> None:
        """Keep and log settings that did not fit."""
        self.settings_faults += faults
        for fault in faults:
            self.platform.log(f"settings: {fault}")
