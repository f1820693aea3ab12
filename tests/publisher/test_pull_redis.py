"""`pull` from what Statsig's SDKs and its forward proxy leave in a real Redis."""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import redis

from publisher.exit_codes import Failed, Unusable
from publisher.profiles.profile import Source
from publisher.sources.pulled import Pulled, PulledList
from tests.publisher.download_server import KEY, Content, ListedFile, running_downloads
from tests.publisher.redis_server import name_url, running_redis
from tests.publisher.test_pull import LINES, make_spec, pull_with

HASHED = base64.b64encode(sha256(KEY.encode()).digest()).decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as connection:
        yield connection


@pytest.fixture
def store(server: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    monkeypatch.setenv("STATSIG_SECRET_KEY", KEY)
    server.flushall()
    return server


def pull_from(store: redis.Redis, **fields: str) -> Pulled:
    source = Source(kind="redis", redis_url=name_url(store))
    return pull_with(replace(source, **fields))  # type: ignore[arg-type]


def write(time: int = 5, *lists: str) -> bytes:
    return json.dumps(make_spec(time, *lists)).encode()


@pytest.mark.parametrize(
    "key",
    [
        f"statsig|/v2/download_config_specs|plain_text|{HASHED}",
        f"statsig|/v1/download_config_specs|plain_text|{HASHED}",
        f"statsig|/v2/download_config_specs|plain_text|{KEY[:20]}",
        "statsig.cache",
    ],
)
def test_every_key_of_a_data_adapter_is_found(store: redis.Redis, key: str) -> None:
    store.set(key, write())
    pulled = pull_from(store)
    assert pulled.spec == write()
    assert KEY[:20] not in pulled.origin


@pytest.mark.parametrize(
    "key", [f"statsig|/v1/download_config_specs|plain_text|{KEY[:20]}", f"statsig::{sha256(KEY.encode()).hexdigest()}"]
)
def test_the_hash_of_the_forward_proxy_is_read(store: redis.Redis, key: str) -> None:
    store.hset(key, mapping={"encoding": "plain_text", "lcut": 5, "config": write()})
    assert pull_from(store).spec == write()


def test_a_compressed_value_is_opened(store: redis.Redis) -> None:
    store.set(f"statsig|/v2/download_config_specs|gzip|{HASHED}", gzip.compress(write()))
    assert pull_from(store).spec == write()


def test_the_newest_of_several_is_taken(store: redis.Redis) -> None:
    store.set("statsig.cache", write(9))
    store.set(f"statsig|/v2/download_config_specs|plain_text|{HASHED}", write(8))
    assert json.loads(pull_from(store).spec)["time"] == 9


def test_a_key_of_ones_own_is_read(store: redis.Redis) -> None:
    store.set("ours", write())
    assert pull_from(store, redis_key="ours").spec == write()


def test_without_a_secret_the_old_key_is_still_read(store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATSIG_SECRET_KEY")
    store.set("statsig.cache", write())
    assert pull_from(store).spec == write()


def test_nothing_there_names_the_keys_without_the_secret(store: redis.Redis) -> None:
    with pytest.raises(Failed, match="has no spec under statsig") as caught:
        pull_from(store)
    assert KEY[:20] not in str(caught.value)


def test_a_damaged_value_is_said(store: redis.Redis) -> None:
    store.set("statsig.cache", b"\x1f\x8bxx")
    with pytest.raises(Failed, match="not gzip"):
        pull_from(store)


def test_lists_come_from_redis_or_from_their_address(store: redis.Redis) -> None:
    store.set("statsig.cache", write(5, "here", "there", "old", "nowhere"))
    store.set("/v1/download_id_list_file/file-h", LINES)
    store.set("statsig.id_lists::old", LINES)
    with running_downloads(Content(lists={"there": ListedFile(LINES)})) as downloads:
        about = {"creationTime": 7, "size": len(LINES)}
        lookup = {
            "here": {**about, "fileID": "file-h", "url": "http://127.0.0.1:9/"},
            "there": {**about, "fileID": "file-t", "url": f"{downloads.url}/files/there"},
        }
        store.set(f"statsig|/v1/get_id_lists|plain_text|{HASHED}", json.dumps(lookup))
        assert pull_from(store).lists == {
            "here": PulledList("file-h", 7, LINES),
            "there": PulledList("file-t", 7, LINES),
            "old": PulledList("statsig.id_lists", 0, LINES),
        }


def test_a_redis_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="does not answer"):
        pull_with(Source(kind="redis", redis_url="redis://127.0.0.1:9/0", path=tmp_path))
    with pytest.raises(Unusable, match="redis_url"):
        pull_with(Source(kind="redis", redis_url="nonsense"))
