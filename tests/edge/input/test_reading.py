import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.input.reading import decode_json, parse_query, split_target
from edge.messages import Refusal


@pytest.mark.parametrize(
    ("uri", "path", "query"),
    [
        ("http://127.0.0.1:7676/gate?name=a", "/gate", "name=a"),
        ("https://edge.example/gate", "/gate", ""),
        ("https://edge.example", "/", ""),
        ("https://edge.example?x=http://a/b", "/", "x=http://a/b"),
        ("/gate?a=b?c", "/gate", "a=b?c"),
        ("", "/", ""),
    ],
)
def test_target_is_split_into_path_and_query(uri: str, path: str, query: str) -> None:
    assert split_target(uri) == (path, query)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "1"}),
        ("a=x+y%20z", {"a": "x y z"}),
        ("a=%C3%A9%F0%9F%98%80", {"a": "é😀"}),
        ("a=%2B%3D%26", {"a": "+=&"}),
        ("a=100%&b=%zz&c=%4", {"a": "100%", "b": "%zz", "c": "%4"}),
        ("a", {"a": ""}),
        ("%61=b=c", {"a": "b=c"}),
    ],
)
def test_query_is_decoded(query: str, fields: dict[str, str]) -> None:
    assert parse_query(query) == fields


def test_query_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(Refusal, match="UTF-8"):
        parse_query("a=%ff")


@given(st.text(max_size=50))
def test_any_query_is_decoded_or_refused(query: str) -> None:
    with contextlib.suppress(Refusal):
        parse_query(query)


@given(st.binary(max_size=60))
def test_any_body_is_decoded_or_refused(body: bytes) -> None:
    with contextlib.suppress(Refusal):
        decode_json(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@given(json_values)
def test_json_values_survive_decoding(value: object) -> None:
    assert decode_json(json.dumps(value).encode()) == value


def test_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(Refusal, match="malformed JSON"):
        decode_json(b"1" * 5_000)
