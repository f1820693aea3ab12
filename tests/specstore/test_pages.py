"""A page gives one entity's records, the same bytes for the same records, and nothing when it is damaged."""

import json
from typing import Any

import pytest

from evaluator.decode import decode_project
from specstore.closure import Question, Record
from specstore.cut import cut_project
from specstore.frame import PAGE, InvalidEntry, seal
from specstore.pages import Entity, decode_page, find_piece, read_whole, write_page, write_record
from tests.specstore.documents import small_document

ODD_NAMES = (
    "",
    " ",
    "a b",
    'a"b',
    "a\\b",
    "a\nb",
    "\n\ngate",
    "é日本",
    "\ud800",
    "\x7f",
    'x" G0+9',
    "a\tb",
    "/",
    "nul\x00",
)


def one_page(*names: str) -> bytes:
    records = {Record("feature_gates", name): write_record(name, {"salt": name}) for name in names}
    return write_page((Entity(Question("gate", one.name), frozenset((one,))) for one in records), records)


def read(entry: bytes, kind: str, name: str) -> dict[str, Any] | None:
    piece = find_piece(decode_page(entry), kind, name)
    return None if piece is None else piece.sections


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_an_entity_is_found_by_its_name_however_odd(name: str) -> None:
    assert read(one_page(*ODD_NAMES), "gate", name) == {"feature_gates": {name: {"salt": name}}}


@pytest.mark.parametrize(
    ("kind", "name"), [("gate", "a"), ("gate", "a b c"), ("config", "a b"), ("ate", "a b"), ("", "")]
)
def test_an_entity_that_is_not_there_is_not_found(kind: str, name: str) -> None:
    assert read(one_page(*ODD_NAMES), kind, name) is None


def test_an_empty_page_holds_nothing() -> None:
    assert read(one_page(), "gate", "") is None
    assert read_whole(decode_page(one_page())) == {}


def test_a_page_has_the_same_bytes_whatever_the_order_of_its_entities() -> None:
    assert one_page("a", "b", "c") == one_page("c", "a", "b")


def test_a_page_is_ascii_and_its_records_are_json_without_blanks() -> None:
    assert one_page("é") == (
        b'gatelet-page/1 b2026ec8 29 55\n\ngate "\\u00e9" fd2963cf G0+26"\\u00e9":{"salt":"\\u00e9"}'
    )


def test_the_whole_page_holds_the_records_of_every_entity() -> None:
    (page,) = cut_project(decode_project(small_document())).pages
    whole = read_whole(decode_page(page))
    assert whole == {key: small_document()[key] for key in ("feature_gates", "condition_map")}


@pytest.mark.parametrize(
    "value", [1.0, 1e21, -0.0, 2**53 + 1, 10**30, "\ud800", "é", "\u2028", None, {"b": 1, "a": [2]}]
)
def test_a_value_reads_as_it_was_written(value: object) -> None:
    record = Record("feature_gates", "a")
    entry = write_page((Entity(Question("gate", "a"), frozenset((record,))),), {record: write_record("a", value)})
    found = read(entry, "gate", "a")
    assert found is not None
    assert json.dumps(found["feature_gates"]["a"]) == json.dumps(value)


def test_a_page_cut_short_anywhere_is_refused() -> None:
    entry = one_page("a", "b")
    for size in range(len(entry)):
        with pytest.raises(InvalidEntry):
            decode_page(entry[:size])


def test_a_damaged_page_never_gives_another_answer() -> None:
    (entry,) = cut_project(decode_project(small_document())).pages
    names = ("inner", "outer", "no such name")
    expected = [read(entry, "gate", name) for name in names]
    for place in range(len(entry)):
        for bit in range(8):
            damaged = entry[:place] + bytes((entry[place] ^ 1 << bit,)) + entry[place + 1 :]
            for name, answer in zip(names, expected, strict=True):
                try:
                    assert read(damaged, "gate", name) == answer
                except InvalidEntry:
                    continue


# the entities' lines | the records | what the error says
FAULTS = (
    (b'\ngate "a" 83dcefb7 G0+9', b"", "page: the records of an entity are damaged"),
    (b'\ngate "a" 00000000 G-1+9', b"123456789", "page: the records of an entity are damaged"),
    (b'\ngate "a" 00000000 G0+0', b"123456789", "page: the records of an entity are damaged"),
    (b'\ngate "a" 00000000 G', b"", "page: 'G' is no place of a record"),
    (b'\ngate "a" 00000000 Gx+1', b"1", "page: 'Gx+1' is no place of a record"),
    (b'\ngate "a" 00000000 ', b"", "page: '' is no place of a record"),
    (b'\ngate "a" 00000000 Xzz', b"", "page: 'zz' is no digest"),
    (b'\ngate "a" 00000000 G0+1', b"1", "page: the records of an entity are damaged"),
    (b'\ngate "a" b10757d2 Z0+5', b'"a":1', "page: 'Z' is the letter of no section"),
    (b'\ngate "a" 83dcefb7 G0+1', b"1", "page: a record is not JSON"),
    (b'\ngate "a" \xff', b"", "page: the records of an entity are damaged"),
)


@pytest.mark.parametrize(("lines", "records", "message"), FAULTS)
def test_a_page_that_says_something_else_is_refused_by_name(lines: bytes, records: bytes, message: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        find_piece(decode_page(seal(PAGE, lines, records)), "gate", "a")
    assert str(caught.value).startswith(message)


# entry | what the error says
NOT_PAGES = (
    (b"", "gatelet-page/1: the entry does not begin with that"),
    (b'{"feature_gates": {}}', "gatelet-page/1: the entry does not begin with that"),
    (b"gatelet-page/2 00000000 0 0\n", "gatelet-page/1: the entry does not begin with that"),
    (b"gatelet-manifest/1 00000000 0 0\n", "gatelet-page/1: the entry does not begin with that"),
    (b"gatelet-page/1 00000000 0 0", "gatelet-page/1: the entry does not begin with that"),
    (b"gatelet-page/1 zzzzzzzz 0 0\n", "gatelet-page/1: the first line holds no numbers"),
    (b"gatelet-page/1 00000000 0 1\n", "gatelet-page/1: 0 bytes where 1 are promised"),
    (b"gatelet-page/1 00000000 0 0\nx", "gatelet-page/1: 1 bytes where 0 are promised"),
    (b"gatelet-page/1 00000000 2 1\nx", "gatelet-page/1: 1 bytes where 1 are promised"),
    (b"gatelet-page/1 00000000 1 1\nx", "gatelet-page/1: the head is damaged"),
)


@pytest.mark.parametrize(("entry", "message"), NOT_PAGES)
def test_what_is_no_page_is_refused_by_name(entry: bytes, message: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        decode_page(entry)
    assert str(caught.value).startswith(message)
