from math import inf, isnan, nan

import pytest

from evaluator.coerce import (
    I64_MAX,
    I64_MIN,
    Instant,
    find_integer,
    find_number,
    find_text,
    parse_float,
    parse_integer,
    truncate,
    write_json,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ({}, None),
        ({"a": 1}, None),
        ("", ""),
        (" a ", " a "),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (-0.0, "-0"),
        (1e21, "1" + "0" * 21),
        (1e-7, "0.0000001"),
        (2**53 + 1, "9007199254740992"),
        (12345678901234567890, "12345678901234567000"),
        ([], "[]"),
        ([1, "a", None, {"b": [True]}], '[1,"a",null,{"b":[true]}]'),
        (nan, "NaN"),
        (-inf, "-inf"),
        (10**400, None),
    ],
)
def test_text_view(value: object, text: str | None) -> None:
    assert find_text(value) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1.0),
        ("+1", 1.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("-1.5e3", -1500.0),
        ("1E2", 100.0),
        ("Infinity", inf),
        ("-INF", -inf),
        ("", None),
        (".", None),
        ("e5", None),
        (" 1", None),
        ("1 ", None),
        ("1\n", None),
        ("1_000", None),
        ("0x10", None),
        ("٣", None),
    ],
)
def test_float_grammar(text: str, number: float | None) -> None:
    assert parse_float(text) == number


def test_nan_is_a_number_in_any_case() -> None:
    assert isnan(parse_float("nAn") or 0.0)


@pytest.mark.parametrize("value", [None, True, [], [1], {}, "x"])
def test_float_view_is_missing(value: object) -> None:
    assert find_number(value) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1),
        (1.0, 1),
        (1.5, None),
        (True, None),
        ("1", None),
        (None, None),
        (nan, None),
        (I64_MAX, I64_MAX),
        (I64_MIN, I64_MIN),
        (Instant(7), 7),
    ],
)
def test_integer_view(value: object, number: int | None) -> None:
    assert find_integer(value) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("+7", 7),
        ("-7", -7),
        (str(I64_MAX), I64_MAX),
        (str(I64_MAX + 1), None),
        (str(I64_MIN - 1), None),
        ("0" * 5000 + "9", 9),
        ("-" + "0" * 5000, 0),
        ("9" * 5000, None),
        ("", None),
        ("+", None),
        ("1.0", None),
        (" 1", None),
        ("1\n", None),
        ("٣", None),
    ],
)
def test_integer_grammar(text: str, number: int | None) -> None:
    assert parse_integer(text) == number


@pytest.mark.parametrize(
    ("number", "cut"),
    [(1.9, 1), (-1.9, -1), (nan, 0), (inf, I64_MAX), (-inf, I64_MIN), (1e30, I64_MAX), (-1e30, I64_MIN)],
)
def test_truncating_saturates(number: float, cut: int) -> None:
    assert truncate(number) == cut


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (1e21, "1e21"),
        (1e-7, "1e-7"),
        (1e-5, "0.00001"),
        (2**64 - 1, "18446744073709551615"),
        (nan, "null"),
        ("é\n", '"é\\n"'),
        ({"a": [None, False]}, '{"a":[null,false]}'),
    ],
)
def test_json_is_compact(value: object, text: str) -> None:
    assert write_json(value) == text


def test_json_refuses_what_is_not_json() -> None:
    with pytest.raises(TypeError, match="object is not a JSON value"):
        write_json(object())
