"""A plan writes pages before the manifest and no page twice, and collects nothing that a reader may still need."""

from typing import Any

import pytest

from evaluator.decode import decode_project
from specstore.cut import Cut, cut_project
from specstore.frame import InvalidEntry
from specstore.idlists import CutList, cut_list, decode_index
from specstore.keys import digests_key, list_index_key, manifest_key, page_key, page_prefix, retired_key, shard_prefix
from specstore.manifest import OUR_METADATA, Manifest, answers_for, decode_manifest
from specstore.plan import (
    GRACE_MS,
    Collection,
    Publication,
    decode_digests,
    decode_retired,
    encode_retired,
    find_present,
    plan_collection,
    plan_lists,
    plan_publication,
)
from tests.specstore.documents import gate, large_document

KEY = "statsig-local"
NOW = 1_700_000_000_000


def cut(**more_gates: object) -> Cut:
    document: dict[str, Any] = large_document()
    document["feature_gates"] |= more_gates
    return cut_project(decode_project(document))


def keys(publication: Publication) -> list[str]:
    return [write.key for write in publication.list_writes()]


def page_keys(manifest: Manifest) -> set[str]:
    return {page_key(KEY, digest) for digest in manifest.list_pages()}


def collect(
    listed: set[str], retired: dict[str, int], *manifests: Manifest, now_ms: int = NOW, **lists: CutList
) -> Collection:
    index = {name: found.about for name, found in lists.items()}
    return plan_collection(KEY, sorted(listed), retired, manifests=manifests, lists=index, now_ms=now_ms)


def test_the_manifest_is_written_after_all_that_it_names() -> None:
    plan = plan_publication(KEY, cut())
    assert keys(plan)[-1] == manifest_key(KEY)
    assert set(keys(plan)[:-1]) == page_keys(plan.manifest)
    assert decode_manifest(plan.switch[-1].value) == plan.manifest


def test_a_raw_spec_written_with_a_manifest_is_marked_so_that_the_manifest_answers_beside_it() -> None:
    plan = plan_publication(KEY, cut(), raw=b"{}")
    assert [(write.key, write.metadata) for write in plan.switch] == [(KEY, OUR_METADATA), (manifest_key(KEY), None)]
    assert answers_for(plan.manifest, 5, plan.switch[0].metadata)


def test_a_manifest_made_from_a_generation_follows_it() -> None:
    assert plan_publication(KEY, cut(), generation=5).manifest.generation == 5


def test_the_same_spec_again_writes_the_manifest_only() -> None:
    first = plan_publication(KEY, cut())
    present = find_present(KEY, keys(first), {})
    assert keys(plan_publication(KEY, cut(), present=present)) == [manifest_key(KEY)]


def test_a_changed_gate_writes_its_page_and_the_manifest_only() -> None:
    first = plan_publication(KEY, cut())
    present = find_present(KEY, keys(first), {})
    second = plan_publication(KEY, cut(gate_7=gate()), present=present)
    # Its condition now belongs to nobody and lies in the rest.
    assert len(second.pages) == 2
    assert len(page_keys(first.manifest) & page_keys(second.manifest)) == len(page_keys(first.manifest)) - 2


def test_nothing_goes_that_a_manifest_names() -> None:
    plan = plan_publication(KEY, cut())
    found = collect(page_keys(plan.manifest), {}, plan.manifest, now_ms=NOW + 10 * GRACE_MS)
    assert found == Collection((), {})


def test_a_page_goes_when_no_manifest_has_named_it_for_the_grace_period() -> None:
    first, second = plan_publication(KEY, cut()), plan_publication(KEY, cut(gate_7=gate()))
    listed = page_keys(first.manifest) | page_keys(second.manifest) | {manifest_key(KEY), KEY, retired_key(KEY)}
    old = page_keys(first.manifest) - page_keys(second.manifest)
    noted = collect(listed, {}, second.manifest)
    assert noted.delete == ()
    assert set(noted.retired.values()) == {NOW}
    early = collect(listed, dict(noted.retired), second.manifest, now_ms=NOW + GRACE_MS - 1)
    assert early == Collection((), noted.retired)
    late = collect(listed, dict(noted.retired), second.manifest, now_ms=NOW + GRACE_MS)
    assert late == Collection(tuple(sorted(old)), {})


def test_a_page_that_is_needed_again_is_no_longer_retired_and_was_written_again() -> None:
    first, second = plan_publication(KEY, cut()), plan_publication(KEY, cut(gate_7=gate()))
    listed = page_keys(first.manifest) | page_keys(second.manifest)
    retired = dict(collect(listed, {}, second.manifest).retired)
    third = plan_publication(KEY, cut(), present=find_present(KEY, listed, retired))
    assert {write.key for write in third.pages} == page_keys(first.manifest) - page_keys(second.manifest)
    assert set(collect(listed, retired, third.manifest).retired) & retired.keys() == set()


def test_without_a_manifest_no_page_goes() -> None:
    listed = page_keys(plan_publication(KEY, cut()).manifest)
    retired = {f"page/{key.removeprefix(page_prefix(KEY))}": 0 for key in listed}
    assert collect(listed, retired) == Collection((), {})


def test_a_page_retired_in_the_future_by_a_clock_that_was_ahead_is_retired_now() -> None:
    manifest = plan_publication(KEY, cut(gate_7=gate())).manifest
    listed = page_keys(plan_publication(KEY, cut()).manifest) - page_keys(manifest)
    ahead = dict.fromkeys(collect(listed, {}, manifest).retired, NOW + 5)
    assert set(collect(listed, ahead, manifest).retired.values()) == {NOW}


def test_keys_of_other_specs_and_of_nobody_are_left_alone() -> None:
    manifest = plan_publication(KEY, cut()).manifest
    other = {page_prefix("other") + "0" * 32, page_prefix(KEY) + "x", shard_prefix(KEY) + "x/0000", "page/", KEY}
    assert collect(other, {f"page/{'0' * 32}": 0}, manifest) == Collection((), {})


def test_what_is_retired_reads_as_it_was_written() -> None:
    assert decode_retired(encode_retired({"page/00": 5})) == {"page/00": 5}


@pytest.mark.parametrize("entry", [b"", b"[]", b'{"page/00":"5"}', b'{"page/00":true}'])
def test_what_says_something_else_of_what_is_retired_is_refused(entry: bytes) -> None:
    with pytest.raises(InvalidEntry, match="retired"):
        decode_retired(entry)


def some_list(*numbers: int, file_id: str = "file") -> CutList:
    members = frozenset((number * 2654435761 % 2**48).to_bytes(6, "big") for number in (*range(10_000), *numbers))
    return cut_list(members, file_id=file_id, creation_time=1, size=0)


def test_a_list_is_written_whole_and_then_only_what_changed() -> None:
    first = plan_lists(KEY, {"a": some_list()}, {})
    edition = some_list().about.name_edition("a")
    assert [write.key for write in first[-2:]] == [digests_key(KEY, edition), list_index_key(KEY)]
    assert len(first) == some_list().about.shards + 2
    assert decode_index(first[-1].value) == {"a": some_list().about}
    known = {edition: decode_digests(first[-2].value)}
    assert [write.key for write in plan_lists(KEY, {"a": some_list()}, known)] == [list_index_key(KEY)]
    assert len(plan_lists(KEY, {"a": some_list(10_001)}, known)) == 3


def test_a_list_that_was_written_anew_leaves_its_old_shards_for_the_grace_period() -> None:
    old, new = some_list(file_id="old"), some_list(file_id="new")
    listed = {write.key for one in (old, new) for write in plan_lists(KEY, {"a": one}, {})}
    noted = collect(listed, {}, a=new)
    assert noted == Collection((), {f"list/{old.about.name_edition('a')}": NOW})
    late = collect(listed, dict(noted.retired), now_ms=NOW + GRACE_MS, a=new)
    assert set(late.delete) == {write.key for write in plan_lists(KEY, {"a": old}, {})} - {list_index_key(KEY)}
