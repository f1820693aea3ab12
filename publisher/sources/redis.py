"""A spec from a Redis that Statsig's SDKs or its forward proxy write to.

The keys of an SDK's data adapter are made from the server secret: `statsig|PATH|ENCODING|K`, K being the base64 of its
SHA-256 or, in the newer schema, its first 20 characters; SDKs before the core use `statsig.cache` without any key. The
value is a text, or the proxy's hash with the fields `lcut`, `config` and `encoding`; older proxies call their hash
`statsig::` and the SHA-256 in hexadecimal. Several may stand there side by side, so the newest by its time is taken.

ID lists: the lookup lies under `statsig|/v1/get_id_lists|plain_text|K`, the files under their path at Statsig, or else
they are fetched from the address in the lookup. SDKs before the core keep them as `statsig.id_lists` (the names) and
`statsig.id_lists::NAME`.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final, cast

import redis

from publisher.exit_codes import Failed, Unusable
from publisher.profiles.profile import Source
from publisher.sources.app_filter import filter_app
from publisher.sources.fetching import Fetcher
from publisher.sources.id_lists import ListFile, decode_lookup, pull_list
from publisher.sources.pulled import Pulled, PulledList
from publisher.sources.statsig import decode, find_list_names, read_time

PATHS: Final = ("/v2/download_config_specs", "/v1/download_config_specs")
LEGACY_SPEC: Final = "statsig.cache"
LEGACY_LISTS: Final = "statsig.id_lists"
FILE_PATH: Final = "/v1/download_id_list_file/"
SECONDS: Final = 20.0
_GZIP: Final = 16 + zlib.MAX_WBITS


def pull_redis(fetcher: Fetcher, source: Source, held: Pulled | None) -> Pulled:
    """Return the newest spec of a Redis with the ID lists that it asks for; raises Failed, Unusable."""
    try:
        connection = redis.Redis.from_url(
            source.redis_url, password=source.redis_password.find(), socket_timeout=SECONDS
        )
        with connection:
            return pull_connected(connection, fetcher, source, held)
    except ValueError as problem:
        raise Unusable(f"redis_url: {problem}") from problem
    except redis.RedisError as problem:
        raise Failed(f"the Redis at {source.redis_url} does not answer: {problem}") from problem


def pull_connected(connection: redis.Redis, fetcher: Fetcher, source: Source, held: Pulled | None) -> Pulled:
    """Pull from an open connection."""
    keys = list_keys(source)
    found = {key: spec for key in keys if (spec := read_spec(connection, key)) is not None}
    if not found:
        raise Failed(f"the Redis at {source.redis_url} has no spec under {', '.join(hide_keys(keys))}")
    documents = {key: decode(spec) for key, spec in found.items()}
    newest = max(found, key=lambda key: read_time(documents[key]))
    spec, document = found[newest], documents[newest]
    if source.app:
        document = filter_app(document, source.app)
        spec = json.dumps(document).encode()
    origin = f"redis {source.redis_url} {hide_keys([newest])[0]}" + (f", app {source.app}" if source.app else "")
    if not source.lists:
        return Pulled(spec, None, origin)
    held_lists = held.lists if held is not None and held.origin == origin and held.lists else {}
    needed = sorted(set(find_list_names(document)))
    return Pulled(spec, dict(read_lists(connection, fetcher, source, needed, held_lists)) if needed else {}, origin)


def list_keys(source: Source) -> list[str]:
    """List the keys that may hold the spec."""
    if source.redis_key:
        return [source.redis_key]
    names = name_project(source)
    made = [f"statsig|{path}|{form}|{name}" for name in names for path in PATHS for form in ("plain_text", "gzip")]
    old = [f"statsig::{sha256(source.key.read().encode()).hexdigest()}"] if names else []
    return [*made, *old, LEGACY_SPEC]


def name_project(source: Source) -> list[str]:
    """Return what stands for the server secret in keys, in both schemas; none without a secret."""
    key = source.key.find()
    return [] if key is None else [base64.b64encode(sha256(key.encode()).digest()).decode(), key[:20]]


def hide_keys(keys: list[str]) -> list[str]:
    """Return keys for people: the newer schema's end with a part of the secret."""
    return sorted({key.rpartition("|")[0] + "|…" if key.count("|") == 3 else key.partition("::")[0] for key in keys})


def read_spec(connection: redis.Redis, key: str) -> bytes | None:
    """Return the spec under a key, of either form; None when there is none."""
    kind = cast("bytes", connection.type(key))
    if kind == b"hash":
        fields = cast("dict[bytes, bytes]", connection.hgetall(key))
        return unpack(key, fields.get(b"config"))
    return unpack(key, cast("bytes | None", connection.get(key))) if kind == b"string" else None


def unpack(key: str, value: bytes | None) -> bytes | None:
    """Decompress a value that is compressed; raises Failed for a form that only Statsig's core reads."""
    if value is None or value[:2] != b"\x1f\x8b":
        return value or None
    try:
        return zlib.decompress(value, _GZIP)
    except zlib.error as problem:
        raise Failed(f"{hide_keys([key])[0]} in Redis is not gzip: {problem}") from problem


def read_lists(
    connection: redis.Redis, fetcher: Fetcher, source: Source, needed: list[str], held: Mapping[str, PulledList]
) -> Iterator[tuple[str, PulledList]]:
    """Yield the ID lists that are there, by name; raises Failed."""
    files = read_lookup(connection, source)
    for name in needed:
        file = files.get(name)
        legacy = cast("bytes | None", connection.get(f"{LEGACY_LISTS}::{name}"))
        if file is not None:
            yield name, read_file(connection, fetcher, file, held.get(name))
        elif legacy is not None:
            yield name, PulledList(LEGACY_LISTS, 0, legacy)


def read_lookup(connection: redis.Redis, source: Source) -> Mapping[str, ListFile]:
    """Return the lookup of ID lists, empty when there is none; raises Failed."""
    for name in name_project(source):
        value = connection.get(f"statsig|/v1/get_id_lists|plain_text|{name}")
        if value is not None:
            return decode_lookup(cast("bytes", value))
    return {}


def read_file(connection: redis.Redis, fetcher: Fetcher, file: ListFile, held: PulledList | None) -> PulledList:
    """Return one list, from Redis when all of its file is there, else from its address."""
    content = cast("bytes | None", connection.get(f"{FILE_PATH}{file.file_id}"))
    if content is not None and len(content) >= file.size:
        return PulledList(file.file_id, file.creation_time, content[: file.size])
    return pull_list(fetcher, file, held)
