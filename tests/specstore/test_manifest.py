"""The manifest says which pages there are and which raw spec they belong to, or says what is wrong with it."""

from dataclasses import replace
from typing import Any

import cbor2
import pytest

from evaluator.decode import decode_project
from specstore.cut import DIGEST_BYTES, cut_project, digest_page
from specstore.frame import MANIFEST, InvalidEntry, seal
from specstore.manifest import (
    OUR_METADATA,
    Manifest,
    answers_for,
    decode_head,
    decode_manifest,
    encode_manifest,
    make_manifest,
    split_usual_head,
    start_project,
)
from tests.specstore.documents import large_document, small_document

DOCUMENT: dict[str, Any] = {
    "time": 1_700_000_000_000,
    "app_id": "app",
    "checksum": "c",
    "default_environment": "staging",
    "sdk_configs": {"sampling_mode": "on"},
    "sdk_keys_to_app_ids": {"client-key": "app"},
    **small_document(),
}


def make(generation: int | None = None) -> Manifest:
    return make_manifest(cut_project(decode_project(DOCUMENT)), generation=generation)


@pytest.mark.parametrize("generation", [None, 0, 1_700_000_000_000_000_000, 2**64 - 1])
def test_a_manifest_reads_as_it_was_written(generation: int | None) -> None:
    manifest = make(generation)
    assert decode_manifest(encode_manifest(manifest)) == manifest
    assert (manifest.time, manifest.generation) == (1_700_000_000_000, generation)


def test_the_project_of_a_manifest_knows_the_document_and_no_spec() -> None:
    whole, started = decode_project(DOCUMENT), start_project(make())
    for attribute in ("time", "app_id", "checksum", "default_environment", "default_tier", "sdk_configs"):
        assert getattr(started, attribute) == getattr(whole, attribute), attribute
    assert started.document["sdk_keys_to_app_ids"] == {"client-key": "app"}
    assert set(started.counts().values()) == {0}
    assert make().counts == whole.counts()


def test_projects_of_one_manifest_do_not_share_what_is_added() -> None:
    manifest = make()
    start_project(manifest).grow({"feature_gates": {"other": {}}})
    assert start_project(manifest).find_gate("other") is None


def test_a_manifest_names_every_page_once_and_finds_each_by_its_number() -> None:
    cut = cut_project(decode_project(large_document()))
    manifest = make_manifest(cut)
    assert len(cut.pages) > 4
    assert sorted(manifest.list_pages()) == sorted(digest_page(page) for page in (cut.rest, *cut.pages, *cut.further))
    found = {manifest.find_page("gate", f"gate_{number}") for number in range(400)}
    assert found == {digest_page(page) for page in cut.pages}


# manifest's generation | raw entry: generation, metadata | whether the manifest may answer
CASES = (
    (None, None, None, True),
    (7, None, None, True),
    (7, 7, None, True),
    (7, 8, None, False),
    (7, 8, OUR_METADATA, False),
    (None, 8, OUR_METADATA, True),
    (None, 8, f"{OUR_METADATA} more", True),
    (None, 8, None, False),
    (None, 8, "someone else's", False),
)


@pytest.mark.parametrize(("own", "generation", "metadata", "expected"), CASES)
def test_a_manifest_answers_only_beside_the_raw_entry_it_belongs_to(
    own: int | None, generation: int | None, metadata: str | None, expected: bool
) -> None:
    assert answers_for(make(own), generation, metadata) is expected


ABOUT = b'{"document":{"time":1},"pages":1,"counts":{},"has_mapping":false}'
DIGESTS = bytes(2 * DIGEST_BYTES)
# head | digests | what the error says
FAULTS: tuple[tuple[object, bytes, str], ...] = (
    ({}, DIGESTS, "manifest: must be an array of two items"),
    ([1], DIGESTS, "manifest: must be an array of two items"),
    (["1", ABOUT], DIGESTS, "manifest[0]: must be an integer or null"),
    ([True, ABOUT], DIGESTS, "manifest[0]: must be an integer or null"),
    ([1, "text"], DIGESTS, "manifest[1]: must be a byte string"),
    ([1, b"{"], DIGESTS, "manifest[1]: not JSON"),
    ([1, b"[" * 100_000], DIGESTS, "manifest[1]: not JSON"),
    ([1, b"[]"], DIGESTS, "manifest[1]: must be an object"),
    ([1, b"{}"], DIGESTS, "manifest[1].document: must be an object"),
    ([1, ABOUT.replace(b"1}", b'"1"}')], DIGESTS, "manifest[1].document.time: must be an integer"),
    ([1, ABOUT.replace(b"false", b"0")], DIGESTS, "manifest[1].has_mapping: must be true or false"),
    ([1, ABOUT.replace(b'"counts":{}', b'"counts":1')], DIGESTS, "manifest[1].counts: must be an object"),
    ([1, ABOUT.replace(b'"pages":1', b'"pages":0')], DIGESTS, "manifest[1].pages: 0 is no power of two"),
    ([1, ABOUT.replace(b'"pages":1', b'"pages":3')], DIGESTS * 2, "manifest[1].pages: 3 is no power of two"),
    ([1, ABOUT], DIGESTS[1:], "manifest: 31 bytes of digests do not fit 1 pages"),
    ([1, ABOUT], DIGESTS + b"1", "manifest: 33 bytes of digests do not fit 1 pages"),
)


@pytest.mark.parametrize(("head", "digests", "message"), FAULTS)
def test_a_manifest_that_says_something_else_is_refused_by_name(head: object, digests: bytes, message: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        decode_manifest(seal(MANIFEST, cbor2.dumps(head), digests))
    assert str(caught.value).startswith(message)


def test_a_manifest_that_is_not_cbor_is_refused() -> None:
    for head in (b"", b"\xff", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x81" * 5000):
        with pytest.raises(InvalidEntry, match="manifest: "):
            decode_manifest(seal(MANIFEST, head, DIGESTS))


def test_a_manifest_cut_short_anywhere_is_refused() -> None:
    entry = encode_manifest(make(7))
    for size in range(len(entry)):
        with pytest.raises(InvalidEntry):
            decode_manifest(entry[:size])


def test_a_damaged_manifest_is_refused_or_names_a_page_that_is_not_there() -> None:
    manifest = make(7)
    entry = encode_manifest(manifest)
    for place in range(len(entry)):
        damaged = entry[:place] + bytes((entry[place] ^ 0x01,)) + entry[place + 1 :]
        try:
            found = decode_manifest(damaged)
        except InvalidEntry:
            continue
        assert replace(found, rest=b"", pages=b"", further=b"") == replace(manifest, rest=b"", pages=b"", further=b"")
        assert set(found.list_pages()) - set(manifest.list_pages())


@pytest.mark.parametrize("generation", [None, 7, 1_700_000_000_000_000_001, 2**64 - 1])
def test_usual_head_reads_like_any_other(generation: int | None) -> None:
    for size in (1, 23, 24, 255, 256, 65_535, 65_536):
        text = b"x" * size
        head = cbor2.dumps([generation, text])
        is_usual = (generation is None or generation >= 2**32) and 24 <= size < 2**16
        assert split_usual_head(head) == ((generation, text) if is_usual else None)
        assert decode_head(head) == (generation, text)


def test_usual_head_of_another_length_is_left_to_the_decoder() -> None:
    head = cbor2.dumps([None, b"x" * 100])
    assert split_usual_head(head[:-1]) is None
    assert split_usual_head(head + b"x") is None
