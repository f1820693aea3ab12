"""What is out of use goes after its grace period; what is in use, or may be used again, stays."""

from pathlib import Path

import pytest

from publisher.exit_codes import Conflict, Failed, Unusable
from publisher.publication.collect import Thrift, collect
from publisher.publication.history import list_versions, roll_back
from publisher.publication.lease import Holder, encode_holder, now_ms
from publisher.publication.publish import Rules, publish
from publisher.publication.standing import find_standing
from publisher.publication.wanted import Layout
from publisher.stores.folder import FolderStore
from specstore.keys import lease_key, list_index_key, manifest_key, page_prefix, retired_key, shard_prefix
from specstore.limits import Write
from tests.publisher.made_specs import KEY, make_list, make_wanted, read_answering, read_lists

AT_ONCE = Thrift(versions=0, grace_ms=0)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def count_pages(store: FolderStore) -> int:
    return len(list(store.list_keys(page_prefix(KEY))))


def test_pages_of_versions_that_are_kept_stay(store: FolderStore) -> None:
    for number in (1, 2, 3):
        publish(store, make_wanted(number))
    pages = count_pages(store)
    assert collect(store, KEY) == (0, 0, 2)
    assert collect(store, KEY, Thrift(versions=2, grace_ms=0)) == (0, 0, 2)
    assert count_pages(store) == pages


def test_what_nothing_names_is_noted_and_goes_after_the_grace_period(store: FolderStore) -> None:
    publish(store, make_wanted(1))
    whole = count_pages(store)
    store.write(Write(page_prefix(KEY) + "0" * 32, b"of nobody"))
    assert collect(store, KEY) == (0, 1, 0)
    assert collect(store, KEY) == (0, 1, 0)
    assert collect(store, KEY, Thrift(grace_ms=0)) == (1, 0, 0)
    assert count_pages(store) == whole


def test_versions_that_are_not_kept_go_with_their_pages(store: FolderStore) -> None:
    for number in (1, 2, 3):
        publish(store, make_wanted(number, gates=60 + 20 * number))
    assert collect(store, KEY, AT_ONCE).versions == 0
    assert [one.key for one in list_versions(store, KEY)] == [""]
    collect(store, KEY, AT_ONCE)
    assert read_answering(store) == ("pages", 3)
    assert count_pages(store) == len(set(list_versions(store, KEY)[0].manifest.list_pages()))


def test_lists_that_are_out_of_use_go_whole(store: FolderStore) -> None:
    publish(store, make_wanted(1, {"a": make_list(5_000), "b": make_list(5_000)}))
    publish(store, make_wanted(1, {"a": make_list(5_000, file_id="file-2")}))
    collect(store, KEY, AT_ONCE)
    assert read_lists(store).keys() == {"a"}
    about = find_standing(store, KEY).lists
    assert about is not None
    assert about["members"] == {"a": 5_000}
    assert len({key.split("/")[3] for key in store.list_keys(shard_prefix(KEY))}) == 1


def test_nothing_is_collected_while_somebody_writes(store: FolderStore) -> None:
    publish(store, make_wanted(1))
    store.write(Write(lease_key(KEY), encode_holder(Holder("ann", "elsewhere", 1, "n", "push", now_ms() + 60_000))))
    with pytest.raises(Conflict, match="ann"):
        collect(store, KEY, AT_ONCE)


@pytest.mark.parametrize("key", [retired_key(KEY), list_index_key(KEY)])
def test_nothing_is_collected_when_it_cannot_be_told_what_is_in_use(store: FolderStore, key: str) -> None:
    publish(store, make_wanted(1, {"a": make_list(100)}))
    store.write(Write(key, b"broken"))
    before = list(store.list_keys(""))
    with pytest.raises(Failed, match="nothing was collected"):
        collect(store, KEY, AT_ONCE)
    assert list(store.list_keys("")) == before


def test_without_a_manifest_no_page_goes(store: FolderStore) -> None:
    publish(store, make_wanted(1))
    store.write(Write(manifest_key(KEY), b"broken"))
    pages = count_pages(store)
    collect(store, KEY, AT_ONCE)
    assert count_pages(store) == pages


def test_a_rollback_uses_the_pages_that_are_there_and_can_be_rolled_back(store: FolderStore) -> None:
    for number in (1, 2):
        publish(store, make_wanted(number))
    first = list_versions(store, KEY)[1]
    version, found = roll_back(store, KEY, "", 0.0)
    assert version == first
    assert found.written == {"raw": 1, "version": 1, "manifest": 1}
    assert read_answering(store) == ("pages", 1)
    raw = store.find(KEY)
    assert raw is not None
    assert publish(store, make_wanted(1)).written == {"raw": 1}  # as it was pulled, not as it was put together
    roll_back(store, KEY, "", 0.0)
    assert read_answering(store) == ("pages", 2)


def test_a_rollback_goes_where_it_is_told(store: FolderStore) -> None:
    for number in (1, 2, 3):
        publish(store, make_wanted(number))
    named = {one.manifest.time - make_wanted(0).time: one.name for one in list_versions(store, KEY)}
    roll_back(store, KEY, named[1][:6], 0.0)
    assert read_answering(store) == ("pages", 1)
    assert {one.missing for one in list_versions(store, KEY)} == {0}
    with pytest.raises(Unusable, match="the name of no earlier version"):
        roll_back(store, KEY, "zzzz", 0.0)


def test_there_may_be_nothing_to_go_back_to(store: FolderStore) -> None:
    with pytest.raises(Unusable, match="nothing to go back to"):
        roll_back(store, KEY, "", 0.0)
    publish(store, make_wanted(1))
    with pytest.raises(Unusable, match="nothing to go back to"):
        roll_back(store, KEY, "", 0.0)


def test_a_version_whose_pages_are_gone_is_not_gone_back_to(store: FolderStore) -> None:
    publish(store, make_wanted(1))
    old = set(store.list_keys(page_prefix(KEY)))
    publish(store, make_wanted(2))
    new = {f"{page_prefix(KEY)}{digest.hex()}" for digest in list_versions(store, KEY)[0].manifest.list_pages()}
    for key in old - new:
        store.remove(key)
    with pytest.raises(Failed, match=r"2 pages of .* are gone"):
        roll_back(store, KEY, "", 0.0)
    assert read_answering(store) == ("pages", 2)


def test_a_rollback_in_a_store_without_raw_spec_writes_none(store: FolderStore) -> None:
    for number in (1, 2):
        publish(store, make_wanted(number, layout=Layout.PAGED))
    assert roll_back(store, KEY, "", 0.0)[1].written == {"version": 1, "manifest": 1}
    assert store.find(KEY) is None


def test_the_standing_says_what_answers_and_who_wrote_it(store: FolderStore) -> None:
    assert find_standing(store, KEY).answers == "nothing"
    store.write(Write(KEY, make_wanted(1).raw))
    found = find_standing(store, KEY)
    assert (found.answers, found.raw and found.raw["by"], found.raw and found.raw["time"]) == (
        "raw",
        None,
        make_wanted(1).time,
    )
    publish(store, make_wanted(2, {"a": make_list(100)}))
    publish(store, make_wanted(1), Rules(allow_older=True))
    found = find_standing(store, KEY)
    assert (found.answers, found.versions, found.troubles, found.writer) == ("pages", 1, (), None)
    assert found.manifest is not None
    assert (found.manifest["by"] is not None, found.manifest["other_pages"]) == (True, 2)


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (KEY, "not a config spec"),
        (manifest_key(KEY), "the manifest cannot be read"),
        (list_index_key(KEY), "the index of ID lists cannot be read"),
        (f"gatelet/{KEY}/overrides", "the overrides are not understood"),
    ],
)
def test_the_standing_says_what_is_broken(store: FolderStore, key: str, fault: str) -> None:
    publish(store, make_wanted(1, {"a": make_list(100)}))
    store.write(Write(key, b"broken"))
    assert [fault in one for one in find_standing(store, KEY).troubles] == [True]


def test_the_standing_counts_missing_pages_and_names_who_writes(store: FolderStore) -> None:
    publish(store, make_wanted(1))
    store.remove(next(iter(store.list_keys(page_prefix(KEY)))))
    store.write(Write(lease_key(KEY), encode_holder(Holder("ann", "elsewhere", 7, "n", "gc", now_ms() + 60_000))))
    found = find_standing(store, KEY)
    assert found.answers == "raw"
    assert "1 of" in found.troubles[0]
    assert "ann (process 7) is at it: gc" in (found.writer or "")
