"""Settings from the Config Store, each with a default that suits production.

A setting is looked up once per sandbox, and only when first needed: those that shape a reply before the first one,
those that matter afterwards once it has gone, so that the client of a fresh sandbox waits for as few lookups as can be.
A value that does not fit is reported by `/healthz` and replaced by the default; it never stops the service.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

TRUE_TEXTS: Final = ("true", "1", "yes", "on")
FALSE_TEXTS: Final = ("false", "0", "no", "off")

type FindSetting = Callable[[str], str | None]


class ReplySettings(NamedTuple):
    """What a reply depends on."""

    spec_store: str = "gatelet-specs"  # the linked KV store
    spec_key: str = ""  # the key that Statsig's console writes, `statsig-` and the project ID
    spec_item: str = ""  # an item of the Config Store that holds the spec in place of the KV store
    projects: str = ""  # `fingerprint=spec_key` pairs: which API key asks another spec
    sync_interval_ms: int = 10_000  # a spec held longer than this is asked for again
    raw_limit_bytes: int = 1_500_000  # a longer raw spec is read only when no other answers
    environment: str = ""  # environment tier for users that bring none
    max_body_bytes: int = 1_048_576
    open_gate_check: bool = False  # GET /gate without a key: for a laptop, not for production


class BackgroundSettings(NamedTuple):
    """What happens after a reply depends on."""

    # Fastly documents 32 backend requests and 50 ms of CPU for one execution; a request with exposures makes one.
    requests_per_sandbox: int = 20
    idle_wait_ms: int = 10_000  # a sandbox waits this long for a further request
    events_backend: str = "events"
    events_url: str = "https://events.statsigapi.net/v1/log_event"
    page_writing_limit_bytes: int = 100_000  # pages of a raw spec up to this length are written after a reply; 0: never
    max_staleness_s: int = 0  # answers from another than the newest spec for longer make /healthz say 503; 0: never
    events_wait_ms: int = 5_000  # how long the end of a sandbox waits for unanswered deliveries
    events_reply_wait_ms: int = 2_000  # how long a client that hands its own events over waits for Statsig
    events_tries: int = 3  # of one batch in one sandbox
    events_batch_count: int = 500
    events_batch_bytes: int = 262_144
    events_batch_age_ms: int = 1_000  # a batch waits this long for events of further requests
    events_gzip_bytes: int = 4_096  # a longer body is compressed
    drain_share: int = 20  # one sandbox in so many looks for stored batches; 0: none


class SpoolSettings(NamedTuple):
    """How events are stored that the endpoint did not take; looked up when there are any."""

    spool_store: str = "gatelet-specs"  # the linked KV store
    spool_batches: int = 5_000
    spool_bytes: int = 67_108_864
    spool_keep_s: int = 259_200


class ClientSettings(NamedTuple):
    """What requests of browsers and apps depend on; looked up with the first that comes."""

    cors_origins: str = "*"  # the origins whose pages may read replies, separated by spaces
    cors_headers: str = ""  # request headers that pages may send besides those of the clients we know
    events_paths: str = ""  # further paths of /v1/rgstr, separated by spaces: blockers know that one
    ip_from_connection: bool = True  # for users without an IP address, asked for with a client key
    user_agent_from_connection: bool = True
    country_from_fastly: bool = True  # where the table of countries has none for a user's address
    expose_bots: bool = True  # false: what the user agent calls a bot or crawler is answered and not exposed
    stable_id_cookie: str = ""  # the name of a cookie with a stable ID, for users that bring none


def read_client_settings(find: FindSetting) -> tuple[ClientSettings, tuple[str, ...]]:
    """Look the settings of client requests up; returns them and what did not fit."""
    values, faults = read_values(ClientSettings._field_defaults, find)
    return ClientSettings(**values), faults


def read_reply_settings(find: FindSetting) -> tuple[ReplySettings, tuple[str, ...]]:
    """Look the settings of a reply up; returns them and what did not fit."""
    values, faults = read_values(ReplySettings._field_defaults, find)
    return ReplySettings(**values), faults


def read_background_settings(find: FindSetting) -> tuple[BackgroundSettings, tuple[str, ...]]:
    """Look the settings of the background up; returns them and what did not fit."""
    values, faults = read_values(BackgroundSettings._field_defaults, find)
    return BackgroundSettings(**values), faults


def read_spool_settings(find: FindSetting) -> tuple[SpoolSettings, tuple[str, ...]]:
    """Look the settings of stored events up; returns them and what did not fit."""
    values, faults = read_values(SpoolSettings._field_defaults, find)
    return SpoolSettings(**values), faults


def read_values(defaults: Mapping[str, Any], find: FindSetting) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Look each name up and convert the text as the default's type asks."""
    values, faults = dict(defaults), []
    for name, default in defaults.items():
        text = find(name)
        if text is None:
            continue
        try:
            values[name] = convert(text.strip(), default)
        except ValueError as problem:
            faults.append(f"{name}: {problem}; using {default!r}")
    return values, tuple(faults)


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
