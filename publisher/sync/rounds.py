"""Pull, check, push: one round, and round after round.

A round that fails is tried again after a pause that doubles, up to ten minutes; every pause has some chance in it, so
that many machines do not ask at the same instant. What is in the stores stays in use meanwhile. A spec with errors is
not published, nor one that somebody rolled back from. When nothing new was pulled, the stores are looked at now and
then only, to mend what somebody else did to them.

The lock of the folder keeps two processes of a machine apart, the lease in the store two machines.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from publisher.console import show_count, show_time
from publisher.exit_codes import ExitCode, Failed, Trouble, Unusable
from publisher.judging.checking import check
from publisher.judging.findings import Finding, Severity
from publisher.profiles.profile import Profile, Store
from publisher.publication.publish import Rules, publish
from publisher.publication.wanted import Layout, prepare
from publisher.sources.choosing import pull
from publisher.sources.fetching import Fetcher
from publisher.sources.pulled import INDEX_NAME, Pulled, read_bytes, read_pulled, write_bytes, write_pulled
from publisher.sources.statsig import read_time
from publisher.stores.opening import opened

LONGEST_PAUSE_S: Final = 600.0
# How long the stores are believed to hold what was pushed last.
BELIEVED_S: Final = 600.0
JITTER: Final = 0.2
# A loop is healthy while its last success is not older than so many intervals, and a minute.
HEALTHY_INTERVALS: Final = 3
HEALTHY_S: Final = 60.0


class CheckFailed(Trouble):
    """The spec that was pulled has errors, so it was not published."""

    exit_code = ExitCode.FOUND


class Round(NamedTuple):
    """What one round did; `published` is by kind of store, empty where nothing was to be done."""

    is_new: bool
    time: int
    published: Mapping[str, Mapping[str, object]] = {}
    trouble: Trouble | None = None

    def to_json(self) -> dict[str, object]:
        """Return it as `--json` has it."""
        trouble = self.trouble
        return {
            "ok": trouble is None,
            "spec_is_new": self.is_new,
            "time": self.time,
            "published": dict(self.published),
            "error": None if trouble is None else str(trouble),
            "exit_code": int(ExitCode.DONE if trouble is None else trouble.exit_code),
        }

    def describe(self) -> str:
        """Say it in a line."""
        if self.trouble is not None:
            return f"not done: {self.trouble}"
        if not self.published:
            return f"nothing new, time {show_time(self.time)}"
        wrote = [f"{kind} ({describe_written(done)})" for kind, done in self.published.items()]
        return f"{'new' if self.is_new else 'unchanged'} spec, time {show_time(self.time)}: {', '.join(wrote)}"


def describe_written(done: Mapping[str, object]) -> str:
    """Say what was written to one store."""
    written = done["written"]
    parts = [f"{name} {count}" for name, count in written.items()] if isinstance(written, dict) else []
    if done["was_rolled_back"]:
        parts.append("rolled back from it: waiting for a newer one, or for gatelet push")
    return ", ".join(parts) or "nothing to write"


@dataclass(slots=True)
class Syncer:
    """Does rounds for one profile; remembers what it has pushed."""

    profile: Profile
    stores: tuple[Store, ...]
    folder: Path
    fetcher: Fetcher
    refuse: Severity | None = Severity.ERROR  # from what on a spec is not published; None: never
    layout: Layout = Layout.BOTH
    patience_s: float = 90.0
    _pushed: Pulled | None = field(default=None, init=False)
    _pushed_at: float = field(default=0.0, init=False)

    def do_round(self) -> Round:
        """Pull, check and push; a Trouble ends in the round."""
        pulled, is_new = None, False
        try:
            pulled, is_new = self._pull()
            return Round(is_new, find_time(pulled), self._push(pulled))
        except Trouble as trouble:
            return Round(is_new, 0 if pulled is None else find_time(pulled), trouble=trouble)

    def _pull(self) -> tuple[Pulled, bool]:
        held = read_pulled(self.folder) if (self.folder / INDEX_NAME).exists() else None
        pulled = pull(self.fetcher, self.profile.source, held)
        if pulled != held:
            write_pulled(self.folder, pulled)
        return pulled, held is None or pulled.spec != held.spec

    def _push(self, pulled: Pulled) -> dict[str, Mapping[str, object]]:
        """Publish to every store; raises the first Trouble when all were tried."""
        if pulled == self._pushed and time.monotonic() - self._pushed_at < BELIEVED_S:
            return {}
        self._judge(pulled)
        wanted = prepare(pulled, self.profile.need_spec_key(), self.layout)
        done: dict[str, Mapping[str, object]] = {}
        troubles: list[Trouble] = []
        for place in self.stores:
            try:
                with opened(place, self.patience_s) as store:
                    done[place.kind] = publish(store, wanted, Rules(doing="sync", keeps_rollback=True)).as_json()
            except Trouble as trouble:
                troubles.append(trouble)
        if troubles:
            raise troubles[0]
        self._pushed, self._pushed_at = pulled, time.monotonic()
        return done

    def _judge(self, pulled: Pulled) -> None:
        report = check(pulled, self.profile.spec_key)
        if self.refuse is not None and report.worst is not None and report.worst >= self.refuse:
            raise CheckFailed(describe_refusal(report.findings[0], len(report.findings), self.folder))


def describe_refusal(first: Finding, count: int, folder: Path) -> str:
    """Say why a spec is not published."""
    more = f", and {show_count(count - 1, 'more finding')}" if count > 1 else ""
    return f"the spec is not published: {first.place}: {first.message}{more}; see gatelet check {folder}"


def find_time(pulled: Pulled) -> int:
    """Return the time of what was pulled, 0 when it is no spec."""
    try:
        return read_time(json.loads(pulled.spec))
    except (ValueError, RecursionError):
        return 0


# ------------------------------------------------------------------ round after round


@dataclass(slots=True)
class Loop:
    """Repeats rounds until it is told to stop; yields what each did."""

    do_round: Callable[[], Round]
    interval_s: float
    stop: threading.Event = field(default_factory=threading.Event)
    failures: int = 0

    def run(self) -> Iterator[Round]:
        """Yield rounds; the pause comes after each."""
        while not self.stop.is_set():
            done = self.do_round()
            self.failures = 0 if done.trouble is None else self.failures + 1
            yield done
            self.stop.wait(find_pause(self.interval_s, self.failures))


def find_pause(interval_s: float, failures: int) -> float:
    """Return the seconds until the next round, after so many failures in a row."""
    longest = max(interval_s, LONGEST_PAUSE_S)
    pause = min(longest, interval_s * 2.0 ** min(failures, 32))
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 jitter is no secret


# ------------------------------------------------------------------ health


def write_health(path: Path, done: Round, failures: int, interval_s: float, now_ms: int) -> None:
    """Replace the health file; the last success stays in it through failures. Raises Unusable."""
    before = read_health(path) if path.exists() else {}
    success = now_ms if done.trouble is None else before.get("last_success_ms", 0)
    document = {
        **done.to_json(),
        "at_ms": now_ms,
        "last_success_ms": success,
        "failures": failures,
        "interval_s": interval_s,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, json.dumps(document, indent=2).encode() + b"\n")
    except OSError as problem:
        raise Unusable(f"cannot write {path}: {problem.strerror}") from problem


def read_health(path: Path) -> dict[str, object]:
    """Read a health file; raises Unusable."""
    try:
        document = json.loads(read_bytes(path))
    except ValueError as problem:
        raise Unusable(f"{path} is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise Unusable(f"{path} is no health file of gatelet sync")
    return document


def probe_health(path: Path, now_ms: int) -> str:
    """Say that a loop is well; raises Failed when its last success is too long ago, Unusable without a file."""
    health = read_health(path)
    success, interval_s = health.get("last_success_ms"), health.get("interval_s")
    if not isinstance(success, int) or not isinstance(interval_s, int | float):
        raise Unusable(f"{path} is no health file of gatelet sync")
    age_s = (now_ms - success) / 1000
    if age_s > max(HEALTHY_S, HEALTHY_INTERVALS * interval_s):
        when = f"{age_s:.0f} s ago" if success else "never"
        raise Failed(f"the last round that worked was {when}; the last one said: {health.get('error') or 'nothing'}")
    found = health.get("time")
    return f"the last round worked {age_s:.0f} s ago, time {show_time(found if isinstance(found, int) else 0)}"
