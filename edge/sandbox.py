"""What a sandbox keeps from one request to the next: settings, keys, the spec, deliveries, counters.

Everything is fetched when first needed and kept. Nothing of a request is kept but digests: another client's request
may be next.
"""

from collections.abc import Sequence

from edge.callers.keys import EventsKeys, Keys, read_events_keys
from edge.events.client_events import ClientEvents, Handover
from edge.events.outbox import Outbox
from edge.journal import Answered, write_journal
from edge.messages import Header, Reply
from edge.ports import Platform
from edge.questions import Questions
from edge.settings import (
    BackgroundSettings,
    ClientSettings,
    LogSettings,
    ReplySettings,
    SettingTexts,
    SpoolSettings,
)
from edge.spec.cache import NOTHING_HELD
from edge.spec.fallback import Fallback
from edge.spec.id_lists import IdLists
from edge.spec.projects import Projects, find_spec_key
from edge.spec.report import SpecReport, report_spec, spec_header
from edge.spec.wanted import Wanted
from evaluator.exposure_memory import Memory


class Sandbox:
    """One sandbox over one platform."""

    __slots__ = (
        "_events_keys",
        "_fallback",
        "_keys",
        "_projects",
        "_settings_faults",
        "answered",
        "background",
        "client_settings",
        "exposed",
        "instant_ms",
        "log_settings",
        "outbox",
        "platform",
        "requests",
        "route",
        "setting_texts",
        "settings",
        "spool_settings",
    )

    def __init__(self, platform: Platform, fallback: Fallback | None = None) -> None:
        self.platform = platform
        self.outbox = Outbox(self)
        self.exposed = Memory()
        self._fallback = Fallback() if fallback is None else fallback
        self._projects: Projects | None = None
        self.requests = 0
        self.answered: Answered | None = None  # the last request, until the log has it
        self.instant_ms: int | None = None  # of the request at hand, once a spec was asked for
        self.route = ""  # of the request at hand, as the table of routes has it
        self._settings_faults: list[str] = []
        self.setting_texts = texts = SettingTexts(platform.find_setting, self.note_fault)
        sources = texts.find, self.note_fault, texts.find_together
        self.settings = ReplySettings(*sources)
        self.background = BackgroundSettings(*sources)
        self.client_settings = ClientSettings(*sources)
        self.spool_settings = SpoolSettings(*sources)
        self.log_settings = LogSettings(*sources)
        self._keys: Keys | None = None
        self._events_keys: EventsKeys | None = None

    @property
    def settings_faults(self) -> tuple[str, ...]:
        """Return what does not fit, of all settings."""
        for group in (self.settings, self.client_settings, self.background, self.spool_settings, self.log_settings):
            group.read_all()
        return (*self._settings_faults, *self.setting_texts.list_unknown())

    @property
    def keys(self) -> Keys:
        """Return the keys that open this service."""
        if self._keys is None:
            self._keys = Keys(self.platform.find_secret)
        return self._keys

    @property
    def projects(self) -> Projects:
        """Return what is held of each project's spec."""
        if self._projects is None:
            self._projects = Projects(self.platform, self.settings, self._fallback)
        return self._projects

    @property
    def events_keys(self) -> EventsKeys:
        """Return the keys that Statsig knows our projects by."""
        if self._events_keys is None:
            self._events_keys = read_events_keys(self.platform.find_secret)
        return self._events_keys

    def find_events_key(self, project: str) -> bytes:
        """Return the key for a project's events: its own, else the first server secret that asks the project."""
        own = self.events_keys.get(project)
        if own:
            return own
        server = self.keys.server
        if project:
            server = tuple(key for key in server if self.find_project(key.decode("utf-8", "replace")) == project)
        return next(iter(server), b"")

    def find_project(self, api_key: str) -> str:
        """Return the project that an API key asks, by the key of its spec; empty for the setting `spec_key`."""
        settings = self.settings
        found = find_spec_key(settings.projects, api_key, settings.spec_key)
        return "" if found == settings.spec_key else found

    def begin_questions(self, wanted: Sequence[Wanted] | None, api_key: str = "") -> Questions:
        """Ask the store for what these questions need; the key that the client sent decides the project."""
        now_ms = self.note_instant()
        asked = self.projects.answer(api_key, wanted, now_ms)
        lists = IdLists(asked.lists, now_ms)
        return Questions(asked.held, wanted, lists, self.settings.environment, now_ms)

    def report_spec(self) -> SpecReport:
        """Ask the store when it is time to, and say how it stands with the spec of the setting `spec_key`."""
        now_ms = self.note_instant()
        asked = self.projects.answer("", (), now_ms)
        return report_spec(asked.held, asked.lists, now_ms, self.background.max_staleness_s)

    def spec_header(self) -> Header:
        """Return the header that says which spec answered last."""
        held = NOTHING_HELD if self._projects is None else self._projects.latest
        return spec_header(held, self.platform.now_ms() if self.instant_ms is None else self.instant_ms)

    def note_instant(self) -> int:
        """Look at the clock, and keep the instant for the reply's header."""
        self.instant_ms = now_ms = self.platform.now_ms()
        return now_ms

    def after_reply(self, reply: Reply) -> None:
        """Collect what the reply exposed, and go on with what is on its way."""
        events = reply.events()
        self.outbox.note_left_out(self.exposed.deduplicated, self.exposed.sampled_out)
        if events:
            asked = self.projects.latest_key
            self.outbox.collect(events, "" if asked == self.settings.spec_key else asked)
        self.go_on()
        if self._projects is not None:
            self._projects.write_missing_pages(self.background.page_writing_limit_bytes)
        if self.requests < self.background.requests_per_sandbox:
            reply.ahead()

    def hand_over(self, events: ClientEvents, api_key: str = "") -> Handover:
        """Deliver or store a client's events before its request is answered; the result says what the answer may be.

        They belong to the project that the client's key asks.
        """
        return self.outbox.hand_over(events, self.find_project(api_key))

    def go_on(self) -> None:
        """Go on with what is on its way, without waiting."""
        self.outbox.step()
        self.outbox.log_counts()
        self._write_journal()

    def close(self) -> None:
        """Bring what is on its way to an end, within bounds."""
        self.outbox.close()
        self.outbox.log_counts()
        self._write_journal()

    def _write_journal(self) -> None:
        """Write to the log endpoint what was said, and the request that was answered."""
        answered, self.answered = self.answered, None
        write_journal(self.platform, self.log_settings, answered, self.requests)

    def note_fault(self, fault: str) -> None:
        """Keep and log a setting that does not fit."""
        self._settings_faults.append(fault)
        self.platform.log(f"settings: {fault}")
