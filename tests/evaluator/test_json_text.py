"""Reading JSON text the quick way gives what `json.loads` gives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.json_text import read_json

TEXTS = [
    *('{"a":[1,2.5,"é",null,true]}', ' \n\t\r{"a":1}', '{"a":1} \n\t\r', "1", '"x"', "NaN", "-Infinity", '"\\ud800"'),
    *("", " ", "{", "{} {}", "{}x", "1 2", "{}\u00a0", "\u00a0{}", "{}\x0b", "\ufeff{}", "[1,]", '{"a"}', '"\n"'),
    *("nul", '"open', "01", "-", "1e", "9" * 5_000, '{"a":1}\x00', '{"a":1,"a":2}'),
]


def read_or_refuse(text: str, read: object) -> tuple[str, str]:
    """Return the value or what is raised, as text: NaN is not equal to itself."""
    assert callable(read)
    try:
        return "value", repr(read(text))
    except ValueError as problem:
        return type(problem).__name__, str(problem)


@pytest.mark.parametrize("text", TEXTS)
def test_the_value_and_the_error_are_those_of_json_loads(text: str) -> None:
    assert read_or_refuse(text, read_json) == read_or_refuse(text, json.loads)


@given(st.text(alphabet=' \t\n\r\x0b\u00a0\ufeff{}[]",:.eE-+0123456789aflnrstu\\'))
def test_any_text_is_read_alike(text: str) -> None:
    assert read_or_refuse(text, read_json) == read_or_refuse(text, json.loads)
