"""The service's log as JSON lines for one of Fastly's log endpoints, when the setting `log_endpoint` names one.

What the service says goes to its plain log at once (`Platform.log`). Behind a reply the same lines go to the endpoint,
with a level each, and a line for one request in `log_sample`. A line about a request holds its route as the table of
routes has it, never its path, query, headers or body: those may hold keys and users.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from edge.messages import encode_json
from edge.ports import Platform
from edge.settings import LogSettings

INFO, WARNING, ERROR = "info", "warning", "error"
LEVELS: Final = (INFO, WARNING, ERROR)
TOPIC_LEVELS: Final = {"bug": ERROR, "keys": ERROR, "settings": WARNING, "spec": WARNING, "rates": WARNING}
LOSS: Final = " dropped: "
TROUBLE: Final = (" stored: ", " refused: ", " set aside ", " could not ", " was not ")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


@dataclass(slots=True)
class Answered:
    """A request as the log may know it."""

    method: str
    route: str  # empty when there is none
    status: int
    milliseconds: float


def find_level(line: str) -> str:
    """Return how bad it is what a line says."""
    topic = line.partition(":")[0]
    if topic != "events":
        return TOPIC_LEVELS.get(topic, INFO)
    if LOSS in line:
        return ERROR
    return WARNING if any(words in line for words in TROUBLE) else INFO


def write_journal(platform: Platform, settings: LogSettings, answered: Answered | None, number: int) -> None:
    """Write what was said since the last time, and the request when it is in the sample."""
    if not settings.log_endpoint:
        return
    lines = platform.take_lines()
    least = LEVELS.index(settings.log_level) if settings.log_level in LEVELS else 0
    about = {"time": platform.now_ms(), "sandbox": platform.session_id()}
    for level, entry in list_entries(platform, settings, lines, answered, number):
        if LEVELS.index(level) >= least:
            platform.write_log(settings.log_endpoint, encode_json({**about, "level": level, **entry}))


def list_entries(
    platform: Platform, settings: LogSettings, lines: tuple[str, ...], answered: Answered | None, number: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield what there is to write, with its level; a request that failed is always in the sample."""
    for line in lines:
        topic, _, message = line.partition(": ")
        yield find_level(line), {"topic": topic, "message": message}
    if answered is None:
        return
    level = ERROR if answered.status >= 500 else INFO
    if level is ERROR or is_in_sample(platform.session_id(), number, settings.log_sample):
        method = answered.method if answered.method in METHODS else "other"
        about = {"route": answered.route, "status": answered.status, "milliseconds": answered.milliseconds}
        yield level, {"topic": "request", "method": method, **about, "request": number}


def is_in_sample(session: str, number: int, share: int) -> bool:
    """Tell whether a request is one in so many; none is when the share is 0."""
    return share > 0 and crc32(f"{session}/{number}".encode()) % share == 0
