"""The platform in memory and the one on Fastly's bindings keep the same promises: same values, same faults.

The second runs on the native stand-in of the bindings, so over the same bodies as the component does in the embedded
host.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from devhost.fastly.backends import BackendTarget
from devhost.fastly.kv import KvStore
from devhost.fastly.service import Service
from devhost.native.bindings import calling
from devhost.native.client import Client
from edge.events.answers import Answer
from edge.memory import MemoryPlatform
from edge.ports import DeliveryFault, InsertRules, PendingDelivery, Platform, StoreFault, ValueTooLarge

STORE = "specs"
IP = "10.1.2.3"
SETTINGS = {"spec_key": "statsig-x"}
SECRETS = {"server_secret": b"hidden"}
HEADERS = (("content-type", b"application/json"), ("statsig-api-key", b"key"))


@dataclass(frozen=True, slots=True)
class Outside:
    """A platform, and how a test changes what is behind it."""

    platform: Platform
    put: Callable[[str, bytes], object]
    break_store: Callable[[], object]
    refuse_events: Callable[[], object]
    list_sent: Callable[[], list[tuple[str, tuple[tuple[str, bytes], ...], bytes]]]


def make_memory() -> Outside:
    platform = MemoryPlatform(dict(SETTINGS), dict(SECRETS))
    platform.stores[STORE] = {}
    platform.countries[IP] = "DE"
    return Outside(
        platform,
        lambda key, value: platform.put(STORE, key, value),
        lambda: setattr(platform, "store_fault", "out of order"),
        lambda: setattr(platform, "answer", lambda _batch: Answer(503)),
        lambda: [(batch.url, batch.headers, batch.body) for batch in platform.batches],
    )


def make_service(store: KvStore) -> Service:
    return Service(
        kv_stores={STORE: store},
        config_stores={"gatelet": SETTINGS},
        secret_stores={"gatelet": SECRETS},
        backends={"events": BackendTarget("http://events.test")},
        places={IP: {"country_code": "DE"}},
    )


def make_native(client: Client, store: KvStore) -> Outside:
    platform: Any = client.snapshot.load("edge.host.platform")
    events = client.backends["events"]
    return Outside(
        platform.FastlyPlatform(),
        store.insert,
        lambda: client.faults.fail("lookup", "internal-error"),
        lambda: setattr(events, "answer", lambda _: (503, b"")),
        lambda: [(sent.uri, sent.headers, sent.content) for sent in events.received],
    )


@pytest.fixture(params=["memory", "host"])
def outside(request: pytest.FixtureRequest) -> Iterator[Outside]:
    if request.param == "memory":
        yield make_memory()
        return
    store = KvStore()
    client = Client(make_service(store))
    with calling(client.begin()):
        yield make_native(client, store)


def test_setting_and_secret_are_found(outside: Outside) -> None:
    assert outside.platform.find_setting("spec_key") == "statsig-x"
    assert outside.platform.find_secret("server_secret") == b"hidden"


def test_setting_and_secret_that_are_not_there_are_none(outside: Outside) -> None:
    assert outside.platform.find_setting("other") is None
    assert outside.platform.find_secret("other") is None


def test_value_is_found_with_its_generation(outside: Outside) -> None:
    outside.put("k", b"\0value" * 30_000)
    first, second = (outside.platform.begin_lookup(STORE, "k").wait() for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.read() == b"\0value" * 30_000
    assert first.generation == second.generation


def test_generation_changes_with_the_value(outside: Outside) -> None:
    generations = []
    for value in (b"1", b"2", b"2"):
        outside.put("k", value)
        entry = outside.platform.begin_lookup(STORE, "k").wait()
        assert entry is not None
        generations.append(entry.generation)
    assert generations == sorted(set(generations))


@pytest.mark.parametrize(("limit", "fits"), [(4, False), (5, True)])
def test_value_longer_than_the_limit_is_too_large(outside: Outside, limit: int, fits: bool) -> None:
    outside.put("k", b"12345")
    entry = outside.platform.begin_lookup(STORE, "k").wait()
    assert entry is not None
    if fits:
        assert entry.read(limit) == b"12345"
    else:
        with pytest.raises(ValueTooLarge, match="longer than 4 bytes"):
            entry.read(limit)


def test_empty_value_is_a_value(outside: Outside) -> None:
    outside.put("k", b"")
    entry = outside.platform.begin_lookup(STORE, "k").wait()
    assert entry is not None
    assert entry.read() == b""


def test_key_that_is_not_there_is_none(outside: Outside) -> None:
    assert outside.platform.begin_lookup(STORE, "k").wait() is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda platform: platform.begin_lookup("nowhere", "k"),
        lambda platform: platform.begin_insert("nowhere", "k", b""),
        lambda platform: platform.begin_delete("nowhere", "k"),
        lambda platform: platform.list_keys("nowhere", "", 10),
    ],
    ids=["lookup", "insert", "delete", "list"],
)
def test_store_that_is_not_linked_is_a_fault_at_once(outside: Outside, ask: Callable[[Platform], object]) -> None:
    with pytest.raises(StoreFault, match="nowhere"):
        ask(outside.platform)


def test_store_that_is_out_of_order_is_a_fault_at_the_end_of_the_wait(outside: Outside) -> None:
    outside.break_store()
    pending = outside.platform.begin_lookup(STORE, "k")
    with pytest.raises(StoreFault):
        pending.wait()


# rules                                  key is there   done
WRITES = [
    (InsertRules(), False, True),
    (InsertRules(), True, True),
    (InsertRules(only_new=True), False, True),
    (InsertRules(only_new=True), True, False),
    (InsertRules(if_generation=7), False, True),
    (InsertRules(if_generation=7), True, False),
    (InsertRules(ttl_seconds=100), True, True),
]


@pytest.mark.parametrize(("rules", "is_there", "done"), WRITES)
def test_writes_follow_their_rules(outside: Outside, rules: InsertRules, is_there: bool, done: bool) -> None:
    if is_there:
        outside.put("k", b"old")
    assert outside.platform.begin_insert(STORE, "k", b"new", rules).wait() is done
    entry = outside.platform.begin_lookup(STORE, "k").wait()
    assert entry is not None
    assert entry.read() == (b"new" if done else b"old")


def test_write_with_the_present_generation_is_done_once(outside: Outside) -> None:
    outside.put("k", b"1")
    entry = outside.platform.begin_lookup(STORE, "k").wait()
    assert entry is not None
    rules = InsertRules(if_generation=entry.generation)
    done = [outside.platform.begin_insert(STORE, "k", value, rules).wait() for value in (b"2", b"3")]
    assert done == [True, False]


def test_deletion_tells_whether_there_was_something(outside: Outside) -> None:
    outside.put("k", b"")
    assert [outside.platform.begin_delete(STORE, "k").wait() for _ in range(2)] == [True, False]
    assert outside.platform.begin_lookup(STORE, "k").wait() is None


def test_listing_is_sorted_and_bounded(outside: Outside) -> None:
    for key in ("b/2", "a/1", "b/1", "b/3"):
        outside.put(key, b"")
    assert outside.platform.list_keys(STORE, "b/", 2) == ("b/1", "b/2")
    assert outside.platform.list_keys(STORE, "", 10) == ("a/1", "b/1", "b/2", "b/3")
    assert outside.platform.list_keys(STORE, "c", 10) == ()


def await_answer(platform: Platform, delivery: PendingDelivery) -> Answer:
    for _ in range(10):
        answer = delivery.find_answer()
        if answer is not None:
            return answer
        platform.wait_any([delivery], 1.0)
    pytest.fail("no answer came")


def test_listing_in_pages_gives_every_key_once(outside: Outside) -> None:
    wanted = [f"b/{number:04d}" for number in range(2_100)]
    for key in wanted:
        outside.put(key, b"")
    keys: list[str] = []
    cursor = ""
    for _ in range(3):
        listing = outside.platform.begin_list(STORE, "b/", cursor).wait()
        keys += listing.keys
        cursor = listing.cursor
    assert (keys, cursor) == (wanted, "")


def test_delivery_is_answered_and_arrives_as_it_was_sent(outside: Outside) -> None:
    delivery = outside.platform.begin_send("events", "https://events.test/v1/log_event", HEADERS, b"{}")
    assert await_answer(outside.platform, delivery).status == 202
    assert outside.list_sent() == [("https://events.test/v1/log_event", HEADERS, b"{}")]


def test_delivery_that_is_refused_says_what_the_backend_said(outside: Outside) -> None:
    outside.refuse_events()
    delivery = outside.platform.begin_send("events", "https://events.test/", HEADERS, b"{}")
    assert await_answer(outside.platform, delivery).status == 503


def test_backend_that_is_not_there_takes_nothing(outside: Outside) -> None:
    with pytest.raises(DeliveryFault, match="nowhere"):
        outside.platform.begin_send("nowhere", "https://events.test/", HEADERS, b"{}")
    assert not outside.list_sent()


def test_country_is_known_or_none(outside: Outside) -> None:
    assert outside.platform.find_country(IP) == "DE"
    assert outside.platform.find_country("10.9.9.9") is None


def test_session_is_one_for_a_sandbox(outside: Outside) -> None:
    assert outside.platform.session_id() == outside.platform.session_id() != ""


def test_clocks_do_not_run_backwards(outside: Outside) -> None:
    assert outside.platform.now_ms() > 1_600_000_000_000
    assert outside.platform.ticks() <= outside.platform.ticks()
