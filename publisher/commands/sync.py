"""`gatelet sync`: keep stores up to date with a source, once or for good."""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from publisher.commands.check import FailOn
from publisher.console import Output
from publisher.exit_codes import Unusable
from publisher.judging.findings import Severity
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import Profile, Store, load_profile
from publisher.publication.wanted import Layout
from publisher.sources.fetching import open_fetcher
from publisher.store_options import Kind
from publisher.stores.calls import PATIENCE_SECONDS
from publisher.sync.locking import locked
from publisher.sync.rounds import Loop, Round, Syncer, probe_health, write_health

REFUSE = {FailOn.ERROR: Severity.ERROR, FailOn.WARNING: Severity.WARNING, FailOn.NEVER: None}
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    store: Annotated[list[Kind] | None, typer.Option(help="The store; every one of the profile when left out.")] = None,
    once: Annotated[
        bool, typer.Option("--once", help="One round, for cron and CI; the exit code tells of it.")
    ] = False,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="The time between rounds; with --once, what cron takes.")
    ] = 30.0,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to keep what was pulled, pulled/PROFILE when left out; its lock keeps others out."),
    ] = None,
    fail_on: Annotated[FailOn, typer.Option(help="From what finding of check on a spec is not published.")] = (
        FailOn.ERROR
    ),
    layout: Annotated[Layout, typer.Option(help="The raw spec, pages, or both.")] = Layout.BOTH,
    health: Annotated[Path | None, typer.Option(metavar="FILE", help="Say there after each round how it went.")] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Only tell from the --health file whether a loop is well.")] = (
        False
    ),
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Pull, check and push, round after round: for a container, or with --once for cron and CI.

    A round that fails is tried again later, and later each time; what is in the stores stays in use. Ctrl-C or SIGTERM
    ends the loop after the round that is under way.

    For example:

        gatelet sync --once

        gatelet sync --every 30 --health /tmp/gatelet-health.json

        gatelet sync --health /tmp/gatelet-health.json --probe
    """
    if probe:
        print_probe(Output(as_json), health)
        return
    chosen = load_profile(profile, config)
    chosen.need_spec_key()
    places = choose_stores(chosen, store or [])
    target = folder or chosen.folder
    with locked(target), open_fetcher() as fetcher:
        syncer = Syncer(chosen, places, target, fetcher, REFUSE[fail_on], layout, PATIENCE_SECONDS)
        if once:
            run_once(Output(as_json), syncer, every, health)
        else:
            run_loop(Output(as_json), Loop(syncer.do_round, every), health)


def choose_stores(profile: Profile, kinds: list[Kind]) -> tuple[Store, ...]:
    """Return the stores to keep up to date; raises Unusable without any."""
    if kinds:
        return tuple(profile.find_store(kind.value) for kind in kinds)
    if not profile.stores:
        raise Unusable(f"which store? The profile {profile.name} has none: gatelet init writes one, or give --store")
    return tuple(profile.stores.values())


def print_probe(output: Output, health: Path | None) -> None:
    """Say whether a loop is well; raises Failed when it is not."""
    if health is None:
        raise Unusable("--probe needs --health FILE, the file that the loop writes")
    said = probe_health(health, now_ms())
    output.print_result({"ok": True, "message": said}, said)


def run_once(output: Output, syncer: Syncer, interval_s: float, health: Path | None) -> None:
    """Do one round; raises what kept it from being done."""
    done = syncer.do_round()
    if health is not None:
        write_health(health, done, int(done.trouble is not None), interval_s, now_ms())
    if done.trouble is not None:
        raise done.trouble
    output.print_result(done.to_json(), done.describe())


def run_loop(output: Output, loop: Loop, health: Path | None) -> None:
    """Do rounds until a signal comes."""
    before = [signal.signal(one, lambda _number, _frame: loop.stop.set()) for one in SIGNALS]
    try:
        for done in loop.run():
            if health is not None:
                write_health(health, done, loop.failures, loop.interval_s, now_ms())
            print_round(output, done)
    finally:
        for one, handler in zip(SIGNALS, before, strict=True):
            signal.signal(one, handler)


def print_round(output: Output, done: Round) -> None:
    """Print a round as a line, for a log; with `--json` as JSON in one line."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = json.dumps({"at": at, **done.to_json()}) if output.as_json else f"{at} {done.describe()}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def now_ms() -> int:
    """Return the wall clock."""
    return time.time_ns() // 1_000_000
