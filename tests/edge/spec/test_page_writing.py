import json

import pytest

from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox
from specstore.keys import claim_key, manifest_key, page_prefix
from specstore.manifest import OUR_METADATA, decode_manifest
from tests.edge.builders import (
    KEY,
    STORE,
    TIME,
    ask,
    document,
    gate,
    header_of,
    put_both,
    put_pages,
    put_raw,
    request,
)
from tests.edge.builders import platform as make_platform

LIMIT = 100_000
OPEN = request("/gate?name=open&userID=u")


def platform(spec: object = None, limit: int = LIMIT) -> MemoryPlatform:
    return make_platform(spec, page_writing_limit_bytes=str(limit))


def lines_about_pages(outside: MemoryPlatform) -> list[str]:
    return [line for line in outside.lines if line.startswith("pages:")]


def layout_after(outside: MemoryPlatform) -> str:
    return header_of(ask(Sandbox(outside), OPEN), "x-gatelet-spec").split("; ")[1]


def manifest_generation(outside: MemoryPlatform) -> int | None:
    entry = outside.stores[STORE].get(manifest_key(KEY))
    return None if entry is None else decode_manifest(entry.value).generation


def test_pages_of_a_raw_value_are_written_after_the_reply_and_answer_the_next_sandbox() -> None:
    outside = platform()
    assert layout_after(outside) == "layout=raw"
    assert manifest_generation(outside) == outside.stores[STORE][KEY].generation
    assert layout_after(outside) == "layout=paged"
    assert lines_about_pages(outside) == ["pages: 2 of 2 pages written"]


def test_pages_of_a_newer_value_replace_the_manifest() -> None:
    outside = platform()
    put_both(outside, document())
    newer = put_raw(outside, document(TIME + 1, open=gate(0.0)))
    layout_after(outside)
    assert manifest_generation(outside) == newer


def test_manifest_that_leads_is_replaced_once_the_console_writes_again() -> None:
    outside = platform()
    put_pages(outside, document())
    put_raw(outside, document(), OUR_METADATA)
    layout_after(outside)
    assert manifest_generation(outside) is None
    newer = put_raw(outside, document(TIME + 1))
    layout_after(outside)
    assert manifest_generation(outside) == newer


@pytest.mark.parametrize("limit", [0, 100])
def test_nothing_is_written_when_the_setting_forbids_it(limit: int) -> None:
    outside = platform(limit=limit)
    layout_after(outside)
    assert (manifest_generation(outside), lines_about_pages(outside)) == (None, [])


def test_whole_questions_of_a_paged_spec_write_nothing() -> None:
    outside = platform()
    put_both(outside, document())
    before = set(outside.stores[STORE])
    ask(Sandbox(outside), request("/v1/initialize", {"user": {}}))
    assert set(outside.stores[STORE]) == before


def test_one_sandbox_tries_a_value_once() -> None:
    outside = platform()
    sandbox = Sandbox(outside)
    ask(sandbox, OPEN)
    del outside.stores[STORE][manifest_key(KEY)]
    outside.time_ms += 20_000
    ask(sandbox, OPEN)
    assert manifest_generation(outside) is None


def test_claim_of_another_sandbox_is_respected() -> None:
    outside = platform()
    outside.put(STORE, claim_key(KEY, outside.stores[STORE][KEY].generation), b"1")
    layout_after(outside)
    assert (manifest_generation(outside), lines_about_pages(outside)) == (None, ["pages: another sandbox is at it"])


def test_manifest_that_was_written_meanwhile_is_left_alone() -> None:
    outside = platform()
    sandbox = Sandbox(outside)
    sandbox.begin_questions([])
    put_pages(outside, document(TIME + 5))
    sandbox.projects.write_missing_pages(LIMIT)
    assert manifest_generation(outside) is None
    assert lines_about_pages(outside) == ["pages: not switched: someone else has written a manifest"]


def test_store_that_takes_no_pages_is_logged_and_nothing_is_switched() -> None:
    outside = platform()
    sandbox = Sandbox(outside)
    sandbox.begin_questions([])
    outside.store_fault = "TooManyRequests"
    sandbox.projects.write_missing_pages(LIMIT)
    assert lines_about_pages(outside) == ["pages: not written: TooManyRequests"]
    assert not any(key.startswith(page_prefix(KEY)) for key in outside.stores[STORE])


def test_value_that_does_not_decode_is_not_written() -> None:
    outside = platform(json.dumps({"no": "spec"}).encode())
    ask(Sandbox(outside), OPEN)
    assert manifest_generation(outside) is None
