"""How many pages there are follows from the size; what many pages need and is large stands once."""

from typing import Any

import pytest

from evaluator.decode import decode_project
from specstore.closure import Tables
from specstore.cut import (
    DIGEST_BYTES,
    PAGE_LARGEST,
    PAGE_SMALL,
    SHARED_BYTES,
    Cut,
    choose_number,
    cut_project,
    first_number,
    mean_read,
    write_records,
)
from specstore.frame import PAGE
from tests.evaluator.builders import on_field, rule
from tests.specstore.documents import gate, large_document, small_document
from tests.specstore.reading import find_differences


def cut(document: dict[str, Any]) -> Cut:
    return cut_project(decode_project(document))


def with_shared_condition(size: int, gates: int = 60) -> dict[str, Any]:
    """Gates that all ask whether the email is in one list of a size."""
    document = large_document(gates, size=4_000)
    document["condition_map"]["shared"] = on_field("email", "any", ["x" * 98] * (size // 101) + ["a@example.com"])
    for name, spec in document["feature_gates"].items():
        document["feature_gates"][name] = gate(rule("shared"), *spec["rules"])
    return document


@pytest.mark.parametrize(
    ("size", "pages"),
    [(0, 1), (1, 1), (PAGE_LARGEST, 1), (PAGE_LARGEST + 1, 2), (3 * PAGE_LARGEST, 4), (10**9, 4096)],
)
def test_cutting_begins_with_a_power_of_two_that_follows_from_the_size(size: int, pages: int) -> None:
    assert first_number(size) == pages


def test_a_small_spec_has_one_page() -> None:
    assert len(cut(small_document()).pages) == 1


@pytest.mark.parametrize("document", [large_document(gates=300), large_document(gates=2_000, size=900)], ids=len)
def test_no_other_number_of_pages_has_a_check_read_less(document: dict[str, Any]) -> None:
    project = decode_project(document)
    tables = Tables(project)
    texts = write_records(tables, project)
    closures = {question: tables.find_closure(question) for question in tables.list_questions()}
    read = {number: mean_read(closures, texts, number) + number * DIGEST_BYTES for number in (2**n for n in range(12))}
    assert min(read, key=read.__getitem__) == choose_number(closures, texts)


def test_pages_that_are_small_enough_are_not_cut_smaller() -> None:
    pages = cut(large_document(gates=4, size=900)).pages
    assert len(pages) == 1
    assert PAGE_SMALL / 2 < len(pages[0]) < 2 * PAGE_SMALL


def test_the_same_spec_gives_the_same_bytes_whatever_the_order_of_its_names() -> None:
    document = large_document()
    turned = {**document, "feature_gates": dict(reversed(document["feature_gates"].items()))}
    assert cut(turned) == cut(document)


def test_a_small_change_leaves_most_pages_as_they_are() -> None:
    before, changed = large_document(gates=2_000), large_document(gates=2_000)
    changed["condition_map"]["c7"]["targetValue"] = ["other"]
    assert sum(one != other for one, other in zip(cut(before).pages, cut(changed).pages, strict=True)) == 1


def test_a_large_record_that_many_pages_need_stands_once() -> None:
    found = cut(with_shared_condition(2 * SHARED_BYTES))
    assert len(found.further) == 1
    assert found.further[0].startswith(PAGE)
    assert len(found.pages) == 64
    assert sum(map(len, found.pages)) < 1.2 * sum(map(len, cut(large_document(60, size=4_000)).pages))


def test_a_record_that_is_not_so_large_is_repeated() -> None:
    assert cut(with_shared_condition(SHARED_BYTES - 1_000)).further == ()


def test_a_large_record_that_few_pages_need_stands_in_them() -> None:
    assert cut(with_shared_condition(2 * SHARED_BYTES, gates=3)).further == ()


def test_what_stands_once_is_part_of_every_answer() -> None:
    people: list[dict[str, Any]] = [{"userID": "u", "email": "a@example.com"}, {"userID": "u", "email": "b"}, {}]
    assert next(find_differences(with_shared_condition(2 * SHARED_BYTES), people), None) is None
