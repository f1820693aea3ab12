"""Settings from the Config Store, each with a default that suits production.

A setting is looked up when it is first asked for and kept from then on: a look-up costs a fresh sandbox 20,000
instructions, and a check depends on seven settings. So one item, `settings`, may hold all that are not the default: one
look-up in place of one for each. A value that does not fit is reported by `/healthz` and replaced by the default; it
never stops the service.
"""

from collections.abc import Callable, Mapping
from json import dumps
from typing import Any, ClassVar, Final

from evaluator.json_text import read_json

TRUE_TEXTS: Final = ("true", "1", "yes", "on")
FALSE_TEXTS: Final = ("false", "0", "no", "off")

TOGETHER: Final = "settings"  # the item that holds several, a JSON object

type FindSetting = Callable[[str], str | None]
type FindTogether = Callable[[], Mapping[str, str] | None]
type NoteFault = Callable[[str], None]


def find_nothing(_name: str) -> None:
    """Find no setting: the defaults stand."""


def find_none_together() -> None:
    """Find no item that holds several settings."""


def ignore_fault(_fault: str) -> None:
    """Note nothing."""


class SettingTexts:
    """The texts of settings: those of the item that holds several when there is one, else of an item for each."""

    __slots__ = ("_find", "_is_asked", "_note_fault", "_together")

    def __init__(self, find: FindSetting, note_fault: NoteFault = ignore_fault) -> None:
        self._find = find
        self._note_fault = note_fault
        self._is_asked = False
        self._together: Mapping[str, str] | None = None

    def find(self, name: str) -> str | None:
        """Return the text of a setting."""
        together = self.find_together()
        return self._find(name) if together is None else together.get(name)

    def find_together(self) -> Mapping[str, str] | None:
        """Return what the item for several holds; None when there is none, or none that can be read."""
        if not self._is_asked:
            self._is_asked = True
            text = self._find(TOGETHER)
            try:
                self._together = None if text is None else decode_together(text)
            except (ValueError, RecursionError) as problem:
                self._note_fault(f"{TOGETHER}: {problem}; using an item for each setting")
        return self._together

    def list_unknown(self) -> list[str]:
        """Say which names in the item for several are those of no setting."""
        unknown = sorted((self.find_together() or {}).keys() - KNOWN)
        return [f"{TOGETHER}: there is no setting {name}" for name in unknown]


def decode_together(text: str) -> dict[str, str]:
    """Decode the item that holds several settings; raises ValueError or RecursionError."""
    values = read_json(text)
    if not isinstance(values, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004  # it is a value, for whoever reads the fault
    return {name: value if isinstance(value, str) else dumps(value) for name, value in values.items()}


class Setting[Value: (str, bool, int)]:
    """A setting, as an attribute; its value replaces it in the settings that looked it up."""

    __slots__ = ("default", "name")

    def __init__(self, default: Value) -> None:
        self.default: Value = default
        self.name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    def __get__(self, settings: "Settings", _owner: type) -> Value:
        """Return the value; asked once, because an attribute of the settings themselves goes before this."""
        known = settings.__dict__ = settings.look_up(self.name)  # replaced: to add one by one takes twice as long
        found: Value = known[self.name]
        return found


class Settings:
    """Some settings over a store of texts; `note_fault` gets what does not fit. The values known are its `__dict__`."""

    __slots__ = ("__dict__", "_find", "_find_together", "_note_fault")

    defaults: ClassVar[Mapping[str, str | int | bool]]

    def __init__(
        self,
        find: FindSetting = find_nothing,
        note_fault: NoteFault = ignore_fault,
        find_together: FindTogether = find_none_together,
    ) -> None:
        self._find = find
        self._note_fault = note_fault
        self._find_together = find_together

    def __init_subclass__(cls) -> None:
        """Note the defaults of a group."""
        cls.defaults = {name: one.default for name, one in vars(cls).items() if isinstance(one, Setting)}

    @classmethod
    def list_defaults(cls) -> dict[str, str | int | bool]:
        """Return every setting with its default."""
        return dict(cls.defaults)

    def read_all(self) -> None:
        """Look every setting up that was not asked for yet."""
        for name in self.defaults:
            getattr(self, name)

    def look_up(self, name: str) -> dict[str, Any]:
        """Return the values known with that of a setting, and all of its group where one item holds several."""
        together = self._find_together()
        if together is None:
            return {**vars(self), name: self._read(name, self._find(name))}
        found = dict(self.defaults)
        for one in together:
            if one in found:
                found[one] = self._read(one, together[one])
        return found

    def _read(self, name: str, text: str | None) -> str | int | bool:
        """Return a value of the default's type."""
        default = self.defaults[name]
        if text is None:
            return default
        try:
            return convert(text.strip(), default)
        except ValueError as problem:
            self._note_fault(f"{name}: {problem}; using {default!r}")
            return default


class ReplySettings(Settings):
    """What a reply depends on."""

    spec_store = Setting("gatelet-specs")  # the linked KV store
    spec_key = Setting("")  # the key that Statsig's console writes, `statsig-` and the project ID
    spec_item = Setting("")  # an item of the Config Store that holds the spec in place of the KV store
    projects = Setting("")  # `fingerprint=spec_key` pairs: which API key asks another spec
    sync_interval_ms = Setting(10_000)  # a spec held longer than this is asked for again
    raw_limit_bytes = Setting(1_500_000)  # a longer raw spec is read only when no other answers
    environment = Setting("")  # environment tier for users that bring none
    max_body_bytes = Setting(1_048_576)
    open_gate_check = Setting(False)  # GET /gate without a key: for a laptop, not for production
    key_rate_limit = Setting(0)  # requests a second that one key may make, on average of ten seconds; 0: any number


class BackgroundSettings(Settings):
    """What happens after a reply depends on."""

    # Fastly documents 32 backend requests and 50 ms of CPU for one execution; a request with exposures makes one.
    requests_per_sandbox = Setting(20)
    idle_wait_ms = Setting(10_000)  # a sandbox waits this long for a further request
    events_backend = Setting("events")
    events_url = Setting("https://events.statsigapi.net/v1/log_event")
    page_writing_limit_bytes = Setting(
        100_000
    )  # pages of a raw spec of that length are written after a reply; 0: never
    max_staleness_s = Setting(0)  # answers from another than the newest spec for longer make /healthz say 503; 0: never
    events_wait_ms = Setting(5_000)  # how long the end of a sandbox waits for unanswered deliveries
    events_reply_wait_ms = Setting(2_000)  # how long a client that hands its own events over waits for Statsig
    events_tries = Setting(2)  # of one batch in one sandbox
    events_batch_count = Setting(500)
    events_batch_bytes = Setting(262_144)
    events_batch_age_ms = Setting(1_000)  # a batch waits this long for events of further requests
    events_gzip_bytes = Setting(4_096)  # a longer body is compressed
    drain_share = Setting(20)  # one sandbox in so many looks for stored batches; 0: none


class SpoolSettings(Settings):
    """How events are stored that the endpoint did not take."""

    spool_store = Setting("gatelet-specs")  # the linked KV store
    spool_batches = Setting(5_000)
    spool_bytes = Setting(67_108_864)
    spool_keep_s = Setting(259_200)


class ClientSettings(Settings):
    """What requests of browsers and apps depend on."""

    cors_origins = Setting("*")  # the origins whose pages may read replies, separated by spaces
    cors_headers = Setting("")  # request headers that pages may send besides those of the clients we know
    events_paths = Setting("")  # further paths of /v1/rgstr, separated by spaces: blockers know that one
    ip_from_connection = Setting(True)  # for users without an IP address, asked for with a client key
    user_agent_from_connection = Setting(True)
    country_from_fastly = Setting(True)  # where the table of countries has none for a user's address
    expose_bots = Setting(True)  # false: what the user agent calls a bot or crawler is answered and not exposed
    stable_id_cookie = Setting("")  # the name of a cookie with a stable ID, for users that bring none


class LogSettings(Settings):
    """What is written to one of Fastly's log endpoints."""

    log_endpoint = Setting("")  # its name; empty: none
    log_level = Setting("info")  # and worse: info, warning, error
    log_sample = Setting(0)  # one request in so many gets a line; 0: none


GROUPS: Final = (ReplySettings, ClientSettings, BackgroundSettings, SpoolSettings, LogSettings)
KNOWN: Final = frozenset(name for group in GROUPS for name in group.list_defaults())


def list_faults(find: FindSetting) -> list[str]:
    """Look every setting up, and list what does not fit."""
    faults: list[str] = []
    texts = SettingTexts(find, faults.append)
    for group in GROUPS:
        group(texts.find, faults.append, texts.find_together).read_all()
    return [*faults, *texts.list_unknown()]


def convert(text: str, default: str | int | bool) -> str | int | bool:
    """Read a text as the type of the default; raises ValueError."""
    if isinstance(default, bool):
        return read_switch(text)
    if isinstance(default, int):
        return read_count(text)
    return text


def read_switch(text: str) -> bool:
    """Read a switch in any of its usual spellings."""
    if text.lower() in TRUE_TEXTS:
        return True
    if text.lower() in FALSE_TEXTS:
        return False
    raise ValueError("expected true or false")


def read_count(text: str) -> int:
    """Read a whole number from 0 up."""
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise ValueError("expected a whole number")
    return int(text)
