"""An ID list in shards says of every unit what the whole list says."""

import hashlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.bucketing import hash_unit_id
from specstore.frame import LIST_INDEX, LIST_SHARD, InvalidEntry, seal
from specstore.idlists import (
    MEMBER_BYTES,
    SHARD_TARGET,
    CutList,
    IdList,
    cut_list,
    decode_index,
    decode_shard,
    encode_index,
    find_member,
    holds,
    read_lines,
)


def cut(members: frozenset[bytes]) -> CutList:
    return cut_list(members, file_id="file", creation_time=5, size=11 * len(members))


def is_in(found: CutList, member: bytes) -> bool:
    return holds(decode_shard(found.shards[found.about.find_shard(member)]), member)


def members_of(*units: str) -> frozenset[bytes]:
    return frozenset(hashlib.sha256(unit.encode()).digest()[:MEMBER_BYTES] for unit in units)


@given(st.frozensets(st.binary(min_size=6, max_size=6), max_size=40), st.binary(min_size=6, max_size=6))
def test_a_shard_holds_its_members_and_no_other(members: frozenset[bytes], other: bytes) -> None:
    shard = b"".join(sorted(members))
    assert all(holds(shard, member) for member in members)
    assert holds(shard, other) is (other in members)


def test_a_large_list_is_cut_into_small_shards_that_hold_its_members_and_no_other() -> None:
    random = Random(1)
    members = frozenset(random.randbytes(MEMBER_BYTES) for _ in range(100_000))
    found = cut(members)
    assert found.about.shards == len(found.shards) == 128
    assert max(map(len, found.shards)) < SHARD_TARGET * 1.25
    assert all(is_in(found, member) for member in random.sample(sorted(members), 2_000))
    assert not any(is_in(found, random.randbytes(MEMBER_BYTES)) for _ in range(2_000))


def test_an_empty_list_has_one_shard_that_holds_nobody() -> None:
    found = cut(frozenset())
    assert len(found.shards) == 1
    assert not is_in(found, bytes(6))


def test_the_members_of_a_list_are_its_hashes() -> None:
    found = cut(read_lines(f"+{hash_unit_id(unit)}" for unit in ("ada", "bob")))
    assert all(is_in(found, member) for member in members_of("ada", "bob"))
    assert not any(is_in(found, member) for member in members_of("eve"))
    assert {find_member(hash_unit_id("ada"))} == members_of("ada")


def test_lines_add_and_remove_in_their_order() -> None:
    ada, bob = (f"{hash_unit_id(unit)}" for unit in ("ada", "bob"))
    assert read_lines([f"+{ada}", f"+{bob}\r", f"-{ada} ", "", "+", f" {ada}", f"x{ada}"]) == members_of("bob")
    assert read_lines([f"-{bob}", f"+{ada}"], members_of("bob")) == members_of("ada")


@pytest.mark.parametrize(
    "unit_hash", [None, 1, "", "AAAAAAA", "AAAAAAAAA", "AAAAAA==", "AAAA AAA", "AAAAAAA-", "ÄAAAAAAA"]
)
def test_what_is_no_hash_of_a_unit_is_no_member(unit_hash: object) -> None:
    assert find_member(unit_hash) is None


def test_an_index_reads_as_it_was_written() -> None:
    lists = {"a": cut(members_of("ada")).about, "é": IdList("f", 0, 2**40, 10**6, 1 << 16)}
    assert decode_index(encode_index(lists)) == lists
    assert encode_index(dict(reversed(lists.items()))) == encode_index(lists)


def test_another_file_or_number_of_shards_is_another_edition() -> None:
    about = IdList("file", 5, 0, 0, 1)
    others = (about._replace(file_id="other"), about._replace(creation_time=6), about._replace(shards=2))
    assert len({one.name_edition("a") for one in (about, *others)}) == 4
    assert about.name_edition("a") != about.name_edition("b")
    assert about.name_edition("a") == about._replace(size=9, members=9).name_edition("a")


# the index's text | what the error says
FAULTS = (
    (b"{", "lists: not JSON"),
    (b"[]", "lists: must be an object"),
    (b'{"a":1}', "lists.a: must be an object"),
    (b'{"a":{}}', "lists.a.file_id: must be a text"),
    (b'{"a":{"file_id":"f"}}', "lists.a.creation_time: must be an integer"),
    (b'{"a":{"file_id":"f","creation_time":1,"size":1,"members":true}}', "lists.a.members: must be an integer"),
    (
        b'{"a":{"file_id":"f","creation_time":1,"size":1,"members":1,"shards":3}}',
        "lists.a.shards: 3 is no power of two",
    ),
    (
        b'{"a":{"file_id":"f","creation_time":1,"size":1,"members":1,"shards":0}}',
        "lists.a.shards: 0 is no power of two",
    ),
)


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_an_index_that_says_something_else_is_refused_by_name(text: bytes, message: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        decode_index(seal(LIST_INDEX, text))
    assert str(caught.value).startswith(message)


def test_a_damaged_shard_is_refused() -> None:
    entry = cut(members_of("ada", "bob")).shards[0]
    for place in range(len(entry)):
        with pytest.raises(InvalidEntry):
            decode_shard(entry[:place])
        with pytest.raises(InvalidEntry):
            decode_shard(entry[:place] + bytes((entry[place] ^ 1,)) + entry[place + 1 :])
    with pytest.raises(InvalidEntry, match="6 bytes each"):
        decode_shard(seal(LIST_SHARD, b"12345"))
