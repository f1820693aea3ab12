"""Events as they arrive: the lines of a local sink's file, each a `log_event` body, and an event in one line.

Nothing of the user but its ID is shown: what else there is may be private.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from publisher.exit_codes import Unusable

PAUSE_SECONDS = 0.25
SHOWN = ("gateValue", "ruleID", "allocatedExperiment", "parameterName", "reason")


def read_lines(path: Path, *, follow: bool, sleep: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """Yield the whole lines of a file, and with `follow` those that are added to it; raises Unusable."""
    try:
        with path.open(encoding="utf-8") as source:
            begun = ""
            while True:
                line = begun + source.readline()
                if line.endswith("\n"):
                    yield line
                    begun = ""
                elif follow:
                    begun = line
                    sleep(PAUSE_SECONDS)
                else:
                    return
    except OSError as problem:
        raise Unusable(f"cannot read {path}: {problem.strerror}; make serve writes it") from problem


def decode_events(line: str) -> list[Mapping[str, Any]]:
    """Return the events of a body; raises Unusable."""
    try:
        events = json.loads(line)["events"]
    except (ValueError, KeyError, TypeError) as problem:
        raise Unusable(f"this is no line of a local event sink: {line[:80]!r}") from problem
    return [event for event in events if isinstance(event, dict)]


def describe_event(event: Mapping[str, Any]) -> str:
    """Say in one line what an event reports, when, and for which user ID."""
    metadata = event.get("metadata")
    facts = metadata if isinstance(metadata, dict) else {}
    user = event.get("user")
    user_id = user.get("userID") if isinstance(user, dict) else None
    clock = time.strftime("%H:%M:%S", time.localtime(int(event.get("time") or 0) / 1000))
    parts = [clock, str(event.get("eventName")), str(facts.get("gate") or facts.get("config") or event.get("value"))]
    parts += [f"{name}={facts[name]}" for name in SHOWN if facts.get(name)]
    return "  ".join([*parts, f"user={user_id}"])
