"""ID lists at the edge answer as the official core does, from one small shard a check."""

from tests.component.big_list import compare


def test_members_of_a_large_list_are_told_from_others_by_one_small_read() -> None:
    found = compare(members=50_000, asked=300)  # a million and 10,000, by hand: python -m tests.component.big_list
    assert found.differing == []
    assert found.shard_reads == 1
    assert 0 < found.shard_bytes < 10_000
