"""The local store holds the raw spec always, and in the paged layout what a reader of pages needs."""

import json
from pathlib import Path

from devhost.local_config import EXAMPLE_SPEC, ROOT
from devhost.local_store import PAGED, RAW, list_entries, list_entries_beside, write_store
from evaluator.bucketing import hash_unit_id
from specstore.forced import decode_overrides
from specstore.idlists import decode_index
from specstore.keys import list_index_key, manifest_key, overrides_key, page_key
from specstore.limits import Write
from specstore.manifest import answers_for, decode_manifest

SPEC = (ROOT / EXAMPLE_SPEC).read_bytes()


def test_the_raw_layout_is_the_spec_alone() -> None:
    assert list_entries("k", SPEC, RAW) == (Write("k", SPEC),)


def test_the_paged_layout_is_the_spec_and_a_manifest_that_answers_beside_it() -> None:
    entries = {entry.key: entry for entry in list_entries("k", SPEC, PAGED)}
    manifest = decode_manifest(entries[manifest_key("k")].value)
    assert entries["k"].value == SPEC
    assert answers_for(manifest, 7, entries["k"].metadata)
    assert entries.keys() == {"k", manifest_key("k"), *(page_key("k", digest) for digest in manifest.list_pages())}


def test_what_is_no_spec_is_left_to_the_service() -> None:
    for spec in (b"", b"{", b"{}", b"\xff", b"[" * 100_000):
        assert list_entries("k", spec, PAGED) == (Write("k", spec),)


def test_lists_and_overrides_stand_beside_the_spec(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"+{hash_unit_id('ada')}\n+{hash_unit_id('bob')}\n")
    overrides = tmp_path / "overrides.json"
    overrides.write_text(json.dumps({"gates": {"g": {"all": False}}}))
    entries = {entry.key: entry.value for entry in list_entries_beside("k", {"a": file}, overrides)}
    assert decode_index(entries[list_index_key("k")])["a"].members == 2
    assert [one.name for one in decode_overrides(entries[overrides_key("k")]).settings] == ["g"]
    assert list(list_entries_beside("k", {}, None)) == []


def test_a_store_is_written_as_files_and_nothing_of_an_older_one_stays(tmp_path: Path) -> None:
    folder = tmp_path / "kv"
    write_store((Write("old", b"1"), Write("older", b"2")), folder)
    items = write_store((Write("a", b"\x00\xff"), Write("b", b"", "m")), folder)
    assert [(one["key"], Path(one["file"]).read_bytes(), one.get("metadata")) for one in items] == [
        ("a", b"\x00\xff", None),
        ("b", b"", "m"),
    ]
    assert sorted(folder.iterdir()) == [Path(one["file"]) for one in items]
