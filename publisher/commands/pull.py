"""`gatelet pull`: fetch a spec with its ID lists into a folder."""

import json
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from publisher.console import Output, show_count, show_size, show_time
from publisher.exit_codes import Unusable
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import SOURCE_PASSWORD, Source, load_profile
from publisher.profiles.tables import has_secret
from publisher.sources.choosing import pull
from publisher.sources.fetching import Fetcher, open_fetcher
from publisher.sources.pulled import INDEX_NAME, Pulled, read_pulled, write_pulled
from publisher.sources.statsig import find_list_names, read_time
from publisher.sync.locking import locked


class SourceKind(StrEnum):
    """Where a spec can come from."""

    STATSIG = "statsig"
    REDIS = "redis"
    FILE = "file"


def run(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where to put it, pulled/PROFILE when left out; what is there saves asking for it again."),
    ] = None,
    source: Annotated[
        SourceKind | None, typer.Option("--from", help="Where from; the profile's when left out.")
    ] = None,
    app: Annotated[str | None, typer.Option(help="Keep what this target app needs.")] = None,
    lists: Annotated[bool | None, typer.Option("--lists/--no-lists", help="ID lists too, or the spec alone.")] = None,
    url: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Another download_config_specs address; tried in order.")
    ] = None,
    id_lists_url: Annotated[str | None, typer.Option(metavar="URL", help="Another get_id_lists address.")] = None,
    redis_url: Annotated[str | None, typer.Option(metavar="URL", help="The Redis of a data adapter.")] = None,
    redis_key: Annotated[str | None, typer.Option(help="Its key, when it is none that an SDK would use.")] = None,
    file: Annotated[Path | None, typer.Option(help="A spec file, or a folder of an earlier pull.")] = None,
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a spec, with the ID lists that it asks for, into a folder that check, diff and push take.

    The server secret comes from STATSIG_SECRET_KEY, or from where the profile says.

    For example:

        STATSIG_SECRET_KEY=secret-… gatelet pull

        gatelet pull spec-of-web --app web

        gatelet pull --from redis --redis-url redis://127.0.0.1:6379/0

        gatelet pull --from file --file spec.json
    """
    given = {
        "kind": source.value if source else None,
        "app": app,
        "lists": lists,
        "spec_urls": tuple(url) if url else None,
        "id_lists_url": id_lists_url,
        "redis_url": redis_url,
        "redis_key": redis_key,
        "path": file,
    }
    if has_secret(redis_url or ""):
        raise Unusable(f"--redis-url: no password may stand on the command line; set {SOURCE_PASSWORD.env}")
    chosen = load_profile(profile, config)
    place = with_options(chosen.source, given)
    fetch_into(folder or chosen.folder, place, Output(as_json))


def with_options(source: Source, given: Mapping[str, object]) -> Source:
    """Return a source as the options want it; None says nothing."""
    said = {name: value for name, value in given.items() if value is not None}
    return replace(source, **said)  # type: ignore[arg-type]


def fetch_into(target: Path, place: Source, output: Output) -> None:
    """Fetch into a folder, with what is there as the start, and say what came."""
    output.note(f"pulling from {place.kind}")
    with locked(target), open_fetcher() as fetcher:
        held = read_pulled(target) if (target / INDEX_NAME).exists() else None
        pulled = pull(fetcher, place, held)
        if pulled != held:
            write_pulled(target, pulled)
    report(output, target, pulled, held, fetcher)


def report(output: Output, folder: Path, pulled: Pulled, held: Pulled | None, fetcher: Fetcher) -> None:
    """Say what came."""
    document = json.loads(pulled.spec)
    lists = pulled.lists or {}
    missing = [] if pulled.lists is None else sorted(set(find_list_names(document)) - lists.keys())
    is_new = held is None or pulled.spec != held.spec
    changed = sorted(name for name, one in lists.items() if held is None or (held.lists or {}).get(name) != one)
    spec = (
        f"{'new' if is_new else 'unchanged'} spec, {show_size(len(pulled.spec))}, time {show_time(read_time(document))}"
    )
    lines = [f"{folder}: {spec}", *(f"  ID list {name}: {show_size(lists[name].size)}" for name in changed)]
    if len(lists) > len(changed):
        lines.append(f"  {show_count(len(lists) - len(changed), 'ID list')} unchanged")
    lines += [f"  ID list {name}: the source does not have it, the spec asks for it" for name in missing]
    if fetcher.requests:
        lines.append(f"  {show_count(fetcher.requests, 'request')}, {show_size(fetcher.received)} received")
    result = {
        "folder": str(folder),
        "spec_is_new": is_new,
        "time": read_time(document),
        "bytes": len(pulled.spec),
        "lists": {name: {"bytes": one.size, "is_new": name in changed} for name, one in lists.items()},
        "missing_lists": missing,
        "requests": fetcher.requests,
        "received_bytes": fetcher.received,
    }
    output.print_result(result, *lines)
