import json

import pytest

from devhost.fastly.kv import KvStore, is_valid_key
from devhost.fastly.values import Err

# key                       is valid
KEYS = [
    ("a", True),
    ("a b/c:ü", True),
    ("a" * 1024, True),
    ("a" * 1025, False),
    ("", False),
    (".", False),
    ("..", False),
    ("a./b", False),
    ("a/.", False),
    ("a/..", False),
    ("a\nb", False),
    ("a#b", False),
    ("a;b", False),
    ("a?b", False),
    ("a^b", False),
    ("a|b", False),
    (" ", False),
    ("a ", True),
    (".well-known/acme-challenge/x", False),
]


@pytest.mark.parametrize(("key", "valid"), KEYS)
def test_keys_follow_the_rules_of_viceroy(key: str, valid: bool) -> None:
    assert is_valid_key(key) == valid


def failure(store: KvStore, **options: object) -> object:
    with pytest.raises(Err) as caught:
        store.insert("k", b"new", **options)  # type: ignore[arg-type]  # each test passes what it is about
    return caught.value.payload


def test_insert_gives_a_new_generation() -> None:
    store = KvStore()
    first, second = store.insert("k", b"1"), store.insert("k", b"2")
    assert second.generation > first.generation
    assert store.lookup("k") == second


def test_insert_with_another_generation_is_refused() -> None:
    store = KvStore()
    value = store.insert("k", b"1")
    assert failure(store, if_generation=value.generation - 1) == "precondition-failed"
    assert store.insert("k", b"2", if_generation=value.generation).content == b"2"


def test_insert_with_a_generation_makes_a_key_that_is_missing() -> None:
    assert KvStore().insert("k", b"1", if_generation=7).content == b"1"


@pytest.mark.parametrize(("mode", "content"), [("overwrite", b"2"), ("append", b"12"), ("prepend", b"21")])
def test_insert_modes(mode: str, content: bytes) -> None:
    store = KvStore()
    store.insert("k", b"1")
    assert store.insert("k", b"2", mode=mode).content == content


def test_add_refuses_a_key_that_is_there() -> None:
    store = KvStore()
    store.insert("k", b"1", mode="add")
    assert failure(store, mode="add") == "precondition-failed"


def test_value_is_gone_when_its_time_is_over() -> None:
    now = 0.0
    store = KvStore(lambda: now)
    store.insert("k", b"1", ttl=10)
    now = 9.9
    assert store.lookup("k") is not None
    now = 10.0
    assert store.lookup("k") is None
    assert store.delete("k") is False


def test_list_goes_on_where_it_stopped() -> None:
    store = KvStore()
    for key in ("a1", "a2", "a3", "b"):
        store.insert(key, b"")
    first = json.loads(store.list_keys(None, "a", 2))
    assert first["data"] == ["a1", "a2"]
    second = json.loads(store.list_keys(first["meta"]["next_cursor"], "a", 2))
    assert second == {"data": ["a3"], "meta": {"limit": 2, "prefix": "a"}}


def test_list_refuses_a_cursor_of_another_kind() -> None:
    with pytest.raises(Err, match="bad-request"):
        KvStore().list_keys("???", None, 1)
