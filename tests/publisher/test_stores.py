"""Every store does the same: what is written is read, a condition is held, a listing has all of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from devhost.apis.trouble import Trouble
from devhost.fastly.kv import KvStore
from publisher.stores.calls import Asked, Caller, find_pause
from publisher.stores.fastly import FastlyKv
from publisher.stores.folder import FolderStore
from publisher.stores.port import BatchLimits, Store, StoreProblem, split_batches
from publisher.stores.redis_store import RedisKv, connect
from specstore.limits import Write
from tests.publisher.four_stores import KINDS, open_cloudflare, open_fastly, open_store
from tests.publisher.kv_server import KvServer, running_store
from tests.publisher.redis_server import name_url, running_redis


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with open_store(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[KvServer]:
    with running_store(KvStore()) as running:
        yield running


def test_what_is_written_is_read_with_its_metadata(store: Store) -> None:
    value = bytes(range(256)) * 100
    store.write(Write("gatelet/a b/ü", value, 'gatelet/1 {"by":"x"}'))
    item, head = store.find("gatelet/a b/ü"), store.look("gatelet/a b/ü")
    assert item is not None
    assert head is not None
    assert (item.value, item.metadata) == (value, 'gatelet/1 {"by":"x"}')
    assert (head.generation, head.metadata, head.size) == (item.generation, item.metadata, len(value))


def test_what_is_not_there_is_none(store: Store) -> None:
    assert store.find("nothing") is None
    assert store.look("nothing") is None
    assert store.remove("nothing")


def test_metadata_go_with_a_write_that_has_none(store: Store) -> None:
    store.write(Write("key", b"1", "some"))
    store.write(Write("key", b"1"))
    item = store.find("key")
    assert item is not None
    assert item.metadata is None


def test_an_empty_value_is_a_value(store: Store) -> None:
    store.write(Write("key", b""))
    item = store.find("key")
    assert item is not None
    assert item.value == b""


def test_a_listing_has_every_key_of_a_prefix_and_no_other(store: Store) -> None:
    keys = {f"a*[x]/{number:04}" for number in range(1_203)}
    store.write_batch([Write(key, b"v") for key in sorted(keys)])
    store.write_batch([Write("a", b"v"), Write("b/1", b"v"), Write("aa[x]/1", b"v", "m")])
    assert set(store.list_keys("a*[x]/")) == keys
    assert sorted(store.list_keys("b/")) == ["b/1"]
    assert list(store.list_keys("c")) == []


def test_a_batch_writes_all_its_entries(store: Store) -> None:
    entries = [
        Write(f"key/{number}", bytes([number]) * number, f"m{number}" if number % 2 else None) for number in range(50)
    ]
    store.write_batch(entries)
    for entry in entries:
        item = store.find(entry.key)
        assert item is not None
        assert (item.value, item.metadata) == (entry.value, entry.metadata)


def test_only_if_there_is_none(store: Store) -> None:
    assert store.replace(Write("key", b"1"), None)
    assert not store.replace(Write("key", b"2"), None)
    item = store.find("key")
    assert item is not None
    assert item.value == b"1"


def test_only_over_the_generation_that_was_seen(store: Store) -> None:
    store.write(Write("key", b"1"))
    seen = store.look("key")
    assert seen is not None
    store.write(Write("key", b"2"))
    assert not store.replace(Write("key", b"3"), seen.generation)
    seen = store.look("key")
    assert seen is not None
    assert store.replace(Write("key", b"3"), seen.generation)
    item = store.find("key")
    assert item is not None
    assert item.value == b"3"


def test_nothing_is_replaced_that_has_gone(store: Store) -> None:
    store.write(Write("key", b"1"))
    seen = store.look("key")
    assert seen is not None
    store.remove("key")
    assert not store.replace(Write("key", b"2"), seen.generation)


def test_only_that_generation_is_removed(store: Store) -> None:
    store.write(Write("key", b"1"))
    seen = store.look("key")
    assert seen is not None
    store.write(Write("key", b"2"))
    assert not store.remove("key", seen.generation)
    assert store.find("key") is not None
    now = store.look("key")
    assert now is not None
    assert store.remove("key", now.generation)
    assert store.find("key") is None


def test_what_was_asked_is_counted(store: Store) -> None:
    store.write(Write("key", b"12345"))
    store.find("key")
    assert store.traffic.requests >= 2
    assert (store.traffic.sent >= 5, store.traffic.received >= 5, store.traffic.retried) == (True, True, 0)


def test_batches_are_as_large_as_they_may_be() -> None:
    entries = [Write(str(number), b"x" * 10) for number in range(10)]
    assert [len(one) for one in split_batches(entries, BatchLimits(4, 1_000))] == [4, 4, 2]
    assert [len(one) for one in split_batches(entries, BatchLimits(100, 25))] == [2] * 5
    assert [len(one) for one in split_batches([Write("a", b"x" * 99), *entries], BatchLimits(100, 25))] == [1] + [2] * 5
    assert list(split_batches([], BatchLimits(1, 1))) == []


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble("status", status=429, retry_after=1, times=2),
        Trouble("status", status=500, times=3),
        Trouble("status", status=503, times=1),
        Trouble("cut", times=2),
        Trouble("lost", times=2),
    ],
    ids=lambda trouble: f"{trouble.kind}-{trouble.status}",
)
def test_what_passes_is_tried_again(server: KvServer, trouble: Trouble) -> None:
    with open_fastly(server.api) as fastly, open_cloudflare(server.api) as cloudflare:
        for store in (fastly, cloudflare):
            store.write(Write("key", b"value", "m"))
            server.api.troubles.set(trouble)
            item = store.find("key")
            assert item is not None
            assert (item.value, item.metadata) == (b"value", "m")
            assert store.traffic.retried == trouble.times
            server.api.troubles.set(trouble)
            store.write_batch([Write("key", b"other")])
            server.api.troubles.set()
            item = store.find("key")
            assert item is not None
            assert item.value == b"other"


def test_the_pause_is_what_the_api_asks_for_or_grows() -> None:
    assert find_pause({"retry-after": "7"}, 1) == 7.0
    assert 0.1 < find_pause({}, 1) < 0.3
    assert 9.0 <= find_pause({}, 20) <= 15.0


def test_what_lasts_is_said_and_not_tried_for_ever(server: KvServer) -> None:
    server.api.troubles.set(Trouble("status", status=429, retry_after=3600))
    with (
        open_fastly(server.api) as store,
        pytest.raises(StoreProblem, match=r"answered 429 to GET .*/keys/key.*1 tries"),
    ):
        store.find("key")


def test_a_slow_api_is_given_up_in_time(server: KvServer) -> None:
    server.api.troubles.set(Trouble("slow", seconds=0.5))
    with (
        open_fastly(server.api, patience=0.1, timeout=0.1) as store,
        pytest.raises(StoreProblem, match="does not answer"),
    ):
        store.find("key")


def test_a_conditional_write_whose_answer_was_lost_counts_as_written(server: KvServer) -> None:
    with open_fastly(server.api) as store:
        server.api.troubles.set(Trouble("lost", "PUT", times=1))
        assert store.replace(Write("key", b"mine", "m"), None)
        server.api.troubles.set(Trouble("lost", "PUT", times=1))
        assert not store.replace(Write("key", b"other"), None)
        seen = store.look("key")
        assert seen is not None
        server.api.troubles.set(Trouble("lost", "PUT", times=1))
        assert store.replace(Write("key", b"newer"), seen.generation)


def test_a_wrong_token_is_said_without_the_token(server: KvServer) -> None:
    with httpx.Client(base_url=server.url, headers={"Fastly-Key": "secret-wrong"}) as client:
        store = FastlyKv(Caller(client, "Fastly's API"), "store-test")
        with pytest.raises(StoreProblem, match="answered 401") as problem:
            store.find("key")
    assert "secret-wrong" not in str(problem.value)


def test_an_entry_of_a_batch_that_was_not_taken_is_named(server: KvServer) -> None:
    with open_fastly(server.api) as store, pytest.raises(StoreProblem, match=r"answered 400 to PUT .*keys"):
        store.write_batch([Write("good", b"1"), Write("bad#key", b"2")])
    assert server.store.lookup("good") is not None


def test_an_answer_that_is_no_json_is_said(server: KvServer) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>")

    with httpx.Client(base_url=server.url, transport=httpx.MockTransport(answer)) as client:
        caller = Caller(client, "Fastly's API")
        assert caller.ask(Asked("GET", "/")).body == b"<html>"
        with pytest.raises(StoreProblem, match="something else than JSON"):
            list(FastlyKv(caller, "x").list_keys(""))


@pytest.mark.parametrize(
    ("entry", "fault"),
    [(Write("k" * 513, b""), "512"), (Write("k", b"", "m" * 1_020), "1024"), (Write("k", b"", "m"), None)],
    ids=("key", "metadata", "fine"),
)
def test_cloudflare_takes_shorter_keys_and_metadata(server: KvServer, entry: Write, fault: str | None) -> None:
    with open_cloudflare(server.api) as store:
        found = store.find_fault(entry)
    assert found is None if fault is None else fault in (found or "")


def test_a_folder_holds_no_values_that_nothing_names(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.write_batch([Write("a", b"1"), Write("b", b"1"), Write("c", b"3")])
    store.remove("a")
    store.write(Write("c", b"4"))
    assert len(list((tmp_path / "store" / "values").iterdir())) == 2
    item = store.find("b")
    assert item is not None
    assert item.value == b"1"


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("[")
    with pytest.raises(StoreProblem, match=r"index\.json cannot be read"):
        FolderStore(tmp_path).find("key")


def test_another_writer_to_redis_in_between_is_noticed(tmp_path: Path) -> None:
    class Meddled(RedisKv):
        def _add(self, pipeline: redis.client.Pipeline, entry: Write) -> None:
            client.set("key", b"theirs")
            super()._add(pipeline, entry)

    with running_redis(tmp_path) as client:
        RedisKv(client).write(Write("key", b"first"))
        seen = RedisKv(client).look("key")
        assert seen is not None
        assert not Meddled(client).replace(Write("key", b"mine"), seen.generation)
        assert client.get("key") == b"theirs"


def test_a_redis_that_is_not_there_is_said(tmp_path: Path) -> None:
    with running_redis(tmp_path) as client:
        url = name_url(client)
    with connect(url, None) as gone, pytest.raises(StoreProblem, match="Redis did not do what it was asked"):
        RedisKv(gone).find("key")
