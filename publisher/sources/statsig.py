"""A spec by Statsig's download protocol.

The key stands in the path, the time of the spec that is held in `sinceTime`. Nothing new is a 200 with
`{"has_updates": false}`, or a 204. The addresses are tried in order, each several times: Statsig's CDN first, then its
API. A spec that is older than the one held is not taken: a CDN may be behind.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from publisher.exit_codes import Failed
from publisher.profiles.profile import Source
from publisher.sources.app_filter import filter_app
from publisher.sources.fetching import KEY_HEADER, Fetcher
from publisher.sources.id_lists import decode_lookup, pull_lists
from publisher.sources.pulled import Pulled, PulledList

SDK: Final = {"sdkType": "gatelet", "sdkVersion": "1"}
# Operators of conditions that ask an ID list.
LIST_OPERATORS: Final = ("in_segment_list", "not_in_segment_list")


def pull_statsig(fetcher: Fetcher, source: Source, held: Pulled | None) -> Pulled:
    """Return the newest spec with the ID lists that it asks for; its spec is the held one's when nothing is new.

    What is held counts only when it came from the same key, and was narrowed to the same app. Raises Failed, Unusable.
    """
    key = source.key.read()
    origin = name_origin(key, source.app)
    if held is not None and (held.origin != origin or not is_json(held.spec)):
        held = None
    spec = pull_spec(fetcher, source, key, None if held is None else held.spec)
    if not source.lists:
        return Pulled(spec, None, origin)
    return Pulled(spec, pull_needed(fetcher, source, key, spec, (held and held.lists) or {}), origin)


def name_origin(key: str, app: str) -> str:
    """Say where a spec came from, without the key: its fingerprint is the one of the setting `projects`."""
    return f"statsig, key {sha256(key.encode()).hexdigest()[:16]}" + (f", app {app}" if app else "")


def pull_spec(fetcher: Fetcher, source: Source, key: str, held: bytes | None) -> bytes:
    """Return the newest spec, narrowed to the app; raises Failed with what each address said."""
    since = 0 if held is None else read_time(json.loads(held))
    problems: list[str] = []
    for url in source.spec_urls:
        try:
            content = download(fetcher, f"{url.rstrip('/')}/{quote(key, safe='')}.json", since)
            document = None if content is None else decode(content)
        except Failed as problem:
            problems.append(str(problem))
            continue
        if content is None or document is None or document.get("has_updates") is not True:
            if held is not None:
                return held
            problems.append("it has no spec for this key (has_updates is not true)")
        elif held is not None and read_time(document) < since:
            return held
        else:
            return json.dumps(filter_app(document, source.app)).encode() if source.app else content
    raise Failed("; ".join(dict.fromkeys(problems)))


def download(fetcher: Fetcher, url: str, since: int) -> bytes | None:
    """Return the body of a download; None when the server says with 204 that nothing is new."""
    params = {"sinceTime": str(since)} if since else {}
    headers = {"statsig-sdk-type": SDK["sdkType"], "statsig-sdk-version": SDK["sdkVersion"]}
    reply = fetcher.fetch("the spec", "GET", url, params=params, headers=headers)
    return None if reply.status == 204 else reply.content


def is_json(content: bytes) -> bool:
    """Tell whether a file that is held still is what was written."""
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def decode(content: bytes) -> dict[str, object]:
    """Read a spec as far as a download needs to know it; raises Failed."""
    try:
        document = json.loads(content)
    except ValueError as problem:
        raise Failed(f"what came is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise Failed("what came is not a spec: it must be an object")
    return document


def read_time(document: object) -> int:
    """Return the time of a spec, 0 without one."""
    time = document.get("time") if isinstance(document, dict) else None
    return time if type(time) is int else 0


def pull_needed(
    fetcher: Fetcher, source: Source, key: str, spec: bytes, held: Mapping[str, PulledList]
) -> dict[str, PulledList]:
    """Return the ID lists that the conditions of a spec ask; raises Failed. A list that Statsig has not is left out."""
    needed = set(find_list_names(json.loads(spec)))
    if not needed:
        return {}
    reply = fetcher.fetch(
        "the lookup of ID lists",
        "POST",
        source.id_lists_url,
        headers={KEY_HEADER: key},
        document={"statsigMetadata": SDK},
    )
    files = decode_lookup(reply.content)
    return dict(pull_lists(fetcher, [files[name] for name in sorted(needed & files.keys())], held))


def find_list_names(value: object) -> Iterator[str]:
    """Yield the names of the ID lists that conditions ask for, wherever they stand in a document."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("operator") in LIST_OPERATORS and isinstance(one.get("targetValue"), str):
                yield one["targetValue"]
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
